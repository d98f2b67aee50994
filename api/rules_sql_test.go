package api

import (
	"strings"
	"testing"
)

func TestBind(t *testing.T) {
	names := []parameter{{"me", "bigint"}, {"staff", "boolean"}, {"room_id", "bigint"}}
	tests := []struct{ name, sql, want string }{
		{"parameters", `r.owner_id = @me AND @staff OR id=@room_id`, `r.owner_id = "@"."me" AND "@"."staff" OR id="@"."room_id"`},
		{"at the ends", `@me`, `"@"."me"`},
		{"in brackets", `f(@me,@room_id)::text`, `f("@"."me","@"."room_id")::text`},
		{"behind signs", `-@me + 1/@me || @me`, `-"@"."me" + 1/"@"."me" || "@"."me"`},
		{"a string", `'@me' || 'it''s @me'`, `'@me' || 'it''s @me'`},
		{"a string with escapes", `E'\'@me' = @me`, `E'\'@me' = "@"."me"`},
		{"no escapes in a plain string", `'\' || @me || '@me'`, `'\' || "@"."me" || '@me'`},
		{"a name that ends in e", `state'\' , @me`, `state'\' , "@"."me"`},
		{"a quoted name", `"@me" = @me`, `"@me" = "@"."me"`},
		{"a comment", "@me -- @me\n = @me", "\"@\".\"me\" -- @me\n = \"@\".\"me\""},
		{"a comment at the end", `1 -- @me`, `1 -- @me`},
		{"a nested comment", `/* @me /* @me */ @me */ @me`, `/* @me /* @me */ @me */ "@"."me"`},
		{"dollar quotes", `$$ @me $$ || $x$ @me $$ $x$ || @me`, `$$ @me $$ || $x$ @me $$ $x$ || "@"."me"`},
		{"a dollar in a name", `a$b$ = @me`, `a$b$ = "@"."me"`},
		{"containment", `a @> b AND a <@ b AND a <@me`, `a @> b AND a <@ b AND a <@me`},
		{"text search", `a @@ b AND a @@me`, `a @@ b AND a @@me`},
		{"absolute value", `@ -5`, `@ -5`},
		{"an address", `alice@example.com`, `alice@example.com`},
		{"a trailing semicolon", "SELECT @me ; \n", `SELECT "@"."me"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := bind(tt.sql, names)
			if err != nil || got != tt.want {
				t.Errorf("%s\nbecame %s, %v\nwant   %s", tt.sql, got, err, tt.want)
			}
		})
	}
}

func TestBindRefuses(t *testing.T) {
	tests := []struct{ sql, want string }{
		{`@you`, "there is no parameter @you; there are @me"},
		{`$1`, "parameters are written @name, not $1"},
		{`'open`, "a quote ' is not closed"},
		{`"open`, `a quote " is not closed`},
		{`$x$ open`, "a string that begins with $x$ is not closed"},
		{`/* /* */`, "a comment is not closed"},
		{`SELECT 1; DROP TABLE users`, "one statement"},
	}
	for _, tt := range tests {
		_, err := bind(tt.sql, []parameter{{"me", "bigint"}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.sql, err, tt.want)
		}
	}
}

// FuzzBind looks for SQL that makes the lexer fail, or text that it changes without a parameter.
func FuzzBind(f *testing.F) {
	for _, seed := range []string{`@me`, `'@me'`, `$a$ @me $a$`, `/* */ @x`, `E'\\'@me`, `"`, `$`, `@`, "\x00", "é@me"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		got, err := bind(sql, []parameter{{"me", "bigint"}})
		if err == nil && !strings.Contains(sql, "@me") && got != strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n") {
			t.Errorf("%q became %q", sql, got)
		}
	})
}

package rules

import (
	"strings"
	"testing"
)

// asColumn replaces a parameter by a column of a table that no other SQL names.
func asColumn(name string) string { return `"@"."` + name + `"` }

func TestBind(t *testing.T) {
	names := []string{"me", "staff", "room_id"}
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
			got, err := BindParameters(tt.sql, names, asColumn)
			if err != nil || got != tt.want {
				t.Errorf("BindParameters(%q):\ngot  %s, %v\nwant %s", tt.sql, got, err, tt.want)
			}
		})
	}
}

func TestBindRefuses(t *testing.T) {
	tests := []struct{ sql, want string }{
		{`@you`, "names the parameter @you, which does not exist; the parameters here are @me"},
		{`$1`, "write parameters as @name"},
		{`'open`, "has a quote ' that is not closed"},
		{`"open`, `has a quote " that is not closed`},
		{`$x$ open`, "begins with $x$ and is not closed"},
		{`/* /* */`, "has a comment that is not closed"},
		{`SELECT 1; DROP TABLE users`, "more than one statement"},
	}
	for _, tt := range tests {
		_, err := BindParameters(tt.sql, []string{"me"}, asColumn)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("BindParameters(%q): got %v, want an error with %q", tt.sql, err, tt.want)
		}
	}
}

// FuzzBind looks for SQL that BindParameters crashes on, or changes although it has no parameter.
func FuzzBind(f *testing.F) {
	for _, seed := range []string{`@me`, `'@me'`, `$a$ @me $a$`, `/* */ @x`, `E'\\'@me`, `"`, `$`, `@`, "\x00", "é@me"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		got, err := BindParameters(sql, []string{"me"}, asColumn)
		if err == nil && !strings.Contains(sql, "@me") && got != strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n") {
			t.Errorf("%q became %q", sql, got)
		}
	})
}

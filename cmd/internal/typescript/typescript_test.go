package typescript

import (
	"regexp"
	"strings"
	"testing"

	"rowcall/triggers/tables"
)

func TestIdentifiers(t *testing.T) {
	for name, want := range map[string]string{
		"order_items": "OrderItems", "OrderItems": "OrderItems", "2 fast": "Table2Fast", "'; //": "Table", "été": "Été", "注文": "注文",
		"a\u202eb": "AB", "\u2e2f": "Table", "\U0001d400": "Table", "größe": "Größe", "ёлка": "Ёлка", "データ": "データ", "ωμέγα": "Ωμέγα",
		"\u0870x\ua7d0": "X", "\u023fx": "X", "\u019bx": "X", // letters that a compiler may not know, or whose capitals it may not
	} {
		if got := identifier(name, "Table"); got != want {
			t.Errorf("identifier(%q) = %q, want %q", name, got, want)
		}
	}
	for pattern, want := range map[string]string{"room/{room_id:int}": "RoomByRoomId", "{x}": "TopicByX", "a/{b:int}/c/{d}": "ACByBAndD"} {
		if got := patternIdentifier(pattern); got != want {
			t.Errorf("patternIdentifier(%q) = %q, want %q", pattern, got, want)
		}
	}
	n := newNames()
	for _, want := range []string{"A", "A2", "A3"} {
		if got := n.take("A", "Row", "Key"); got != want {
			t.Errorf("take gives %q, want %q", got, want)
		}
	}
	if got := n.take("Partial", ""); got != "Partial2" {
		t.Errorf("take gives %q, which the file uses itself", got)
	}
}

func TestQuotedTexts(t *testing.T) {
	for text, want := range map[string]string{
		`it's`: `'it\'s'`, `a\b`: `'a\\b'`, "a\nb": `'a\nb'`, "\u2028": `'\u{2028}'`, "\x00": `'\u{0}'`, "`${x}`": "'`${x}`'",
	} {
		if got := quote(text); got != want {
			t.Errorf("quote(%q) = %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{"a*/b": "a* /b", "a\nb": "a\ufffdb", "**//": "** //", "@ts-ignore": "(at)ts-ignore", "a @deprecated": "a (at)deprecated"} {
		if got := comment(text); got != want {
			t.Errorf("comment(%q) = %q, want %q", text, got, want)
		}
	}
}

// Names of types and schemas are no orders to the compiler.
func TestComments(t *testing.T) {
	types := []tables.ValueType{
		{OID: 1, Schema: "@ts-expect-error", Name: "mood", Enum: true, Labels: []string{"sad"}},
		{OID: 2, Schema: "public", Name: "@ts-expect-error"},
		{OID: 3, Schema: "public", Name: "*/ // @ts-ignore\n@ts-ignore"},
	}
	columns := []tables.Field{{Name: "a", TypeOID: 1}, {Name: "b", TypeOID: 2}, {Name: "c", TypeOID: 3}}
	file := Model{Types: types, Listed: []ListedTopic{{Pattern: "@ts-ignore/{a}", Columns: columns}}}.File()
	for _, want := range []string{"/** Values of (at)ts-expect-error.mood. */", "\n  b: string | null // of type (at)ts-expect-error\n", "\n  c: string | null // of type * / // (at)ts-ignore\ufffd(at)ts-ignore\n"} {
		if !strings.Contains(file, want) {
			t.Errorf("the file has no %q:\n%s", want, file)
		}
	}
	if comment := regexp.MustCompile(`(?m)(//|/\*).*@`).FindString(file); comment != "" {
		t.Errorf("a comment has an @: %q", comment)
	}
}

func TestDifference(t *testing.T) {
	const file = "import\n\nexport interface A {\n  a: string\n  b: string\n}\n\nexport interface B {\n  c: string\n}\n"
	for _, c := range []struct{ name, want, difference string }{
		{"nothing", file, ""},
		{"one line", "import\n\nexport interface A {\n  a: string\n  b: number\n}\n\nexport interface B {\n  c: string\n}\n",
			"  export interface A {\n-   b: string\n+   b: number"},
		{"two places", "import\n\nexport interface A {\n  b: string\n}\n\nexport interface B {\n  c: string\n  d: string\n}\n",
			"  export interface A {\n-   a: string\n  export interface B {\n+   d: string"},
		{"the end", file + "\n", "  export interface B {\n+ "},
	} {
		if got := Difference(file, c.want); got != c.difference {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.difference)
		}
	}
}

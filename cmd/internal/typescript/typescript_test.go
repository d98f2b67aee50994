package typescript

import "testing"

func TestIdentifiers(t *testing.T) {
	for name, want := range map[string]string{
		"order_items": "OrderItems", "OrderItems": "OrderItems", "2 fast": "Table2Fast", "'; //": "Table", "été": "Été", "注文": "注文",
		"a\u202eb": "AB", "\u2e2f": "Table", "\U0001d400": "Table",
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
	for text, want := range map[string]string{"a*/b": "a* /b", "a\nb": "a\ufffdb", "**//": "** //"} {
		if got := comment(text); got != want {
			t.Errorf("comment(%q) = %q, want %q", text, got, want)
		}
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

package tables_test

import (
	"testing"

	"rowcall/schema/schematest"
)

// A text has one spelling as a part of a topic.
func TestSegment(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	for text, want := range map[string]string{
		"": "", "open": "open", "a.b-c_d:e~f!g'h(i)*": "a.b-c_d:e~f!g'h(i)*", ".": "%2E", "..": "%2E%2E", "...": "...", "a/b": "a%2Fb",
		"a b": "a%20b", "ä€😀": "%C3%A4%E2%82%AC%F0%9F%98%80", "%2F": "%252F", "A\n\"\\": "A%0A%22%5C",
	} {
		var got string
		if err := d.QueryRow(t.Context(), `SELECT rowcall.segment($1)`, text).Scan(&got); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
}

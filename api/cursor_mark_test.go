package api

import (
	"strings"
	"testing"

	"rowcall/notifier/topic"
)

// A cursor fits a subscription if it comes from one to the same topic with the same filter.
func TestCursorMarks(t *testing.T) {
	t.Parallel()
	const cursor = "00c0ffee00c0ffee.2df.3.1"
	open7, late7, open8 := newCursorMark("orders/7", "open"), newCursorMark("orders/7", "late"), newCursorMark("orders/8", "open")
	of := func(names ...topic.Topic) []topic.Topic { return names }
	for _, c := range []struct {
		name   string
		given  string
		topics []topic.Topic
		own    cursorMark
		fits   bool
	}{
		{"the same filter", open7.mark(cursor), of("orders/7"), open7, true},
		{"another filter", open7.mark(cursor), of("orders/7"), late7, false},
		{"the filter of another topic", open8.mark(cursor), of("orders/7"), open7, false},
		{"a filter, then none", open7.mark(cursor), of("orders/7"), "", false},
		{"none, then a filter", cursor, of("orders/7"), open7, false},
		{"none twice", cursor, of("orders/7"), "", true},
		{"none, with the filter of another topic", open8.mark(cursor), of("orders/7"), "", true},
		{"one of several topics had a filter", open8.mark(cursor), of("orders/7", "orders/8"), "", false},
		{"the heartbeat of several filters", joinMarks([]cursorMark{open8, open7, open7, ""}).mark(cursor), of("orders/7"), open7, true},
		{"the heartbeat without this topic", joinMarks([]cursorMark{open8}).mark(cursor), of("orders/7"), open7, false},
	} {
		bare, marks := splitCursor(c.given)
		if got := c.own.fits(c.topics, marks); bare != cursor || got != c.fits {
			t.Errorf("%s: %s for %v with %q: got %v and cursor %s, want %v", c.name, c.given, c.topics, c.own, got, bare, c.fits)
		}
	}
	for _, text := range []string{cursor + "_", cursor + "_x", cursor + string(open7) + "_", cursor + strings.ToUpper(string(open7)), cursor + string(open7) + "0", "_" + cursor, cursor + strings.Repeat(string(open7), 1000)} {
		if bare, marks := splitCursor(text); bare == cursor || len(marks) > 0 {
			t.Errorf("%.60s was taken for a cursor", text)
		}
	}
	if got := open7.mark(""); got != "" {
		t.Errorf("no cursor became %q", got)
	}
}

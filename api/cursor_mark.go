package api

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// A cursor that a filtered subscription gives its reader says of which topic and filter it is: its state lacks rows, so it
// is of no use for another filter. The text behind the feed's cursor is a mark, "_" and hashes of the topic and of
// the filter. The cursor of a heartbeat has one mark for each filtered topic of its socket. A cursor without a
// mark for a topic belongs to subscriptions without a filter; so do those of rowcall.cursor().
//
// Marks are made of the filter's one spelling, so every node writes the same.

const (
	markSign     = "_"
	topicDigits  = 8
	filterDigits = 12
	maxMarkBytes = 16 << 10
)

// cursorMark is the mark of a filtered subscription; empty without a filter.
type cursorMark string

// newCursorMark returns the mark of a topic and a filter in its one spelling.
func newCursorMark(followed topic.Topic, canonical string) cursorMark {
	return cursorMark(markSign + topicHash(followed) + shortHash(canonical, filterDigits))
}

func topicHash(followed topic.Topic) string { return shortHash(string(followed), topicDigits) }

func shortHash(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}

// isOf reports whether the mark is of a topic.
func (m cursorMark) isOf(followed topic.Topic) bool {
	return strings.HasPrefix(string(m), markSign+topicHash(followed))
}

// mark returns a cursor of the feed with marks behind it. An empty cursor stays empty.
func (m cursorMark) mark(cursor string) string {
	if cursor == "" {
		return ""
	}
	return cursor + string(m)
}

// joinMarks makes one mark of those of several subscriptions.
func joinMarks(all []cursorMark) cursorMark {
	slices.Sort(all)
	var joined strings.Builder
	for _, one := range slices.Compact(all) {
		joined.WriteString(string(one))
	}
	return cursorMark(joined.String())
}

// splitCursor splits a cursor of a client into that of the feed and its marks. A text with marks that cannot be ours
// is no cursor.
func splitCursor(text string) (cursor string, marks []cursorMark) {
	cursor, rest, marked := strings.Cut(text, markSign)
	if !marked {
		return text, nil
	}
	if len(rest) > maxMarkBytes {
		return notACursor, nil
	}
	for one := range strings.SplitSeq(rest, markSign) {
		if _, err := hex.DecodeString(one); err != nil || len(one) != topicDigits+filterDigits || one != strings.ToLower(one) {
			return notACursor, nil
		}
		marks = append(marks, cursorMark(markSign+one))
	}
	return cursor, marks
}

// fits reports whether a cursor with these marks is of use for a subscription to the topics with the mark own, which is
// empty without a filter.
func (own cursorMark) fits(topics []topic.Topic, marks []cursorMark) bool {
	found := own == ""
	for _, m := range marks {
		for _, t := range topics {
			if m.isOf(t) && m != own {
				return false
			}
		}
		found = found || m == own
	}
	return found
}

// resetFilter is the reason why a cursor of another filter is of no use.
const resetFilter notifier.ResetReason = "filter"

package notifier

import (
	"strconv"
	"strings"

	"rowcall/notifier/topic"
)

// MaxCursorBytes bounds a cursor's text, in bytes.
const MaxCursorBytes = 4096

// epochDigits is the length of an epoch's name.
const epochDigits = 16

// logInterval is the part of the log between two snapshots: the events that seen sees and prev does
// not. A poll reads one.
type logInterval struct{ prev, seen snapshot }

// at is the position behind the event with this id, within the interval.
func (i logInterval) at(id int64) position {
	return position{prev: i.prev, cur: i.seen, id: id, inside: true}
}

// position is a place in the log. It has passed every event that prev sees. If it is inside an
// interval, it has also passed the events that cur sees, in the order of ids, up to and including
// id.
type position struct {
	prev   snapshot
	cur    snapshot
	id     int64
	inside bool
}

// positionAfter is the position that has passed what the snapshot sees, and nothing else.
func positionAfter(s snapshot) position { return position{prev: s} }

// hasPassed reports whether the event with this transaction and id lies at or before the position.
func (p position) hasPassed(xid uint64, id int64) bool {
	return p.prev.sees(xid) || p.inside && id <= p.id && p.cur.sees(xid)
}

// upperBound is a snapshot that sees every event the position may have passed.
func (p position) upperBound() snapshot {
	if p.inside {
		return p.cur
	}
	return p.prev
}

// cursor is a position in one epoch. Its text is
//
//	epoch "." snapshot [ "~" snapshot "~" id ]     snapshot = xmin "." width { "." offset }
//
// in lower-case hexadecimal without leading zeros. The width is xmax - xmin, and an offset is xid -
// xmin of a running transaction. The SQL function rowcall.cursor() writes the same text.
type cursor struct {
	epoch string
	position
}

// cursorAfter is the cursor behind everything that the snapshot sees.
func cursorAfter(epoch string, s snapshot) cursor {
	return cursor{epoch: epoch, position: positionAfter(s)}
}

// String is the cursor's text, or empty if it would be longer than MaxCursorBytes.
func (c cursor) String() string {
	text := appendSnapshot(append([]byte(c.epoch), '.'), c.prev)
	if c.inside {
		text = appendSnapshot(append(text, '~'), c.cur)
		text = strconv.AppendInt(append(text, '~'), c.id, 16)
	}
	if len(text) > MaxCursorBytes {
		return ""
	}
	return string(text)
}

func appendSnapshot(text []byte, s snapshot) []byte {
	text = strconv.AppendUint(text, s.xmin, 16)
	text = strconv.AppendUint(append(text, '.'), s.xmax-s.xmin, 16)
	for _, x := range s.xip {
		text = strconv.AppendUint(append(text, '.'), x-s.xmin, 16)
	}
	return text
}

// cursorPrefix is the text of all cursors inside one interval, up to the id. It is made once for
// the many events of a poll or a page.
type cursorPrefix string

func newCursorPrefix(epoch string, i logInterval) cursorPrefix {
	text := appendSnapshot(append([]byte(epoch), '.'), i.prev)
	text = append(appendSnapshot(append(text, '~'), i.seen), '~')
	return cursorPrefix(text)
}

// withID is the cursor behind the event with this id, or empty if it would be longer than
// MaxCursorBytes.
func (p cursorPrefix) withID(id int64) string {
	text := string(p) + strconv.FormatInt(id, 16)
	if len(text) > MaxCursorBytes {
		return ""
	}
	return text
}

// IsCursor reports whether a text is a cursor, of whatever epoch and position.
func IsCursor(text string) bool {
	_, err := parseCursor(text)
	return err == nil
}

// parseCursor reads a cursor that came from outside. Its error is ErrBadCursor for any text that
// String would not have written.
func parseCursor(text string) (cursor, error) {
	if len(text) > MaxCursorBytes || len(text) < epochDigits+1 || text[epochDigits] != '.' {
		return cursor{}, ErrBadCursor
	}
	c := cursor{epoch: text[:epochDigits]}
	parts := strings.Split(text[epochDigits+1:], "~")
	ok := isHex(c.epoch)
	c.prev, ok = parseHexSnapshot(parts[0], ok)
	switch len(parts) {
	case 1:
	case 3:
		c.inside = true
		c.cur, ok = parseHexSnapshot(parts[1], ok)
		id, idOK := parseHex(parts[2])
		c.id = int64(id)
		ok = ok && idOK && c.cur.covers(c.prev)
	default:
		ok = false
	}
	if !ok {
		return cursor{}, ErrBadCursor
	}
	return c, nil
}

func parseHexSnapshot(text string, ok bool) (snapshot, bool) {
	fields := strings.Split(text, ".")
	if !ok || len(fields) < 2 {
		return snapshot{}, false
	}
	xmin, ok1 := parseHex(fields[0])
	width, ok2 := parseHex(fields[1])
	s := snapshot{xmin: xmin, xmax: xmin + width}
	for _, field := range fields[2:] {
		offset, ok := parseHex(field)
		ok1 = ok1 && ok
		s.xip = append(s.xip, xmin+offset)
	}
	return s, ok1 && ok2 && s.valid()
}

// parseHex reads lower-case hexadecimal without leading zeros. It takes at most 62 bits, so that
// the sum of two such numbers does not overflow.
func parseHex(field string) (uint64, bool) {
	if !isHex(field) || len(field) > 1 && field[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(field, 16, 62)
	return n, err == nil
}

func isHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return text != ""
}

// ResetReason says why a cursor is of no use.
type ResetReason string

// The reasons of a reset.
const (
	ResetExpired  ResetReason = "expired"  // retention has dropped what came after the cursor
	ResetEpoch    ResetReason = "epoch"    // the cursor belongs to another history of the log
	ResetOverflow ResetReason = "overflow" // more events follow than a replay may deliver

	// The reasons of reset events.
	ResetTruncate ResetReason = "truncate" // a table was emptied
	ResetSchema   ResetReason = "schema"   // a table's columns or partitions have changed
	ResetTriggers ResetReason = "triggers" // changes were not filed for a while
)

// Reset tells a subscriber to drop its state, read the snapshot again, and go on from Cursor.
type Reset struct {
	Reason ResetReason
	Cursor string
	Topics []topic.Topic // those of the subscription that the reset is about
}

package notifier

import (
	"strconv"
	"strings"
)

// MaxCursorBytes bounds a cursor's text, in bytes.
const MaxCursorBytes = 4096

const epochDigits = 16

// position is a place in the log: after all that prev sees and, when inside, after what cur sees
// of the rest, in order of ids, up to and including id.
type position struct {
	prev   snapshot
	cur    snapshot
	id     int64
	inside bool
}

func after(s snapshot) position { return position{prev: s} }

// passed reports whether the event lies at or before the position.
func (p position) passed(e *Event) bool {
	return p.prev.sees(e.xid) || p.inside && e.ID <= p.id && p.cur.sees(e.xid)
}

// top is the snapshot that bounds what a position can have passed.
func (p position) top() snapshot {
	if p.inside {
		return p.cur
	}
	return p.prev
}

// cursor is a position in one epoch. Its text is
//
//	epoch "." snapshot [ "~" snapshot "~" id ]     snapshot = xmin "." width { "." offset }
//
// in lower-case hexadecimal without leading zeros: width is xmax - xmin, an offset is a running
// transaction's xid - xmin. rowcall.cursor() writes the same text in SQL.
type cursor struct {
	epoch string
	position
}

// String is the cursor's text, or empty where it would be longer than MaxCursorBytes.
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

// insider writes the cursors of many positions inside one batch: the text up to the id is made once.
type insider struct{ prefix string }

func newInsider(epoch string, prev, cur snapshot) insider {
	text := appendSnapshot(append([]byte(epoch), '.'), prev)
	text = append(appendSnapshot(append(text, '~'), cur), '~')
	return insider{prefix: string(text)}
}

func (i insider) at(id int64) string {
	text := i.prefix + strconv.FormatInt(id, 16)
	if len(text) > MaxCursorBytes {
		return ""
	}
	return text
}

// parseCursor reads a cursor that came from outside. Anything String would not have written is
// ErrBadCursor.
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

// parseHex reads lower-case hexadecimal of at most 62 bits without leading zeros, so that sums of
// two such numbers do not overflow.
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

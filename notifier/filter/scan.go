package filter

import (
	"bytes"
	"encoding/json"
)

// scanner reads JSON that is valid, and reports a fault of JSON that is not where it meets one. Unlike package
// encoding/json it has no bound of depth: PostgreSQL stores deeper values than that package reads.
type scanner struct{ rest []byte }

// eachField calls visit with each entry of a JSON object, in its order. It refuses an object that has a name twice.
func eachField(object json.RawMessage, visit func(name string, value json.RawMessage) error) error {
	s := &scanner{object}
	seen := map[string]bool{}
	fault := func() error { return refuse("%s is no object", shorten(object)) }
	if !s.take('{') {
		return fault()
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return fault()
		}
		name, ok := unquote(s.value())
		if !ok || !s.take(':') {
			return fault()
		}
		value := s.value()
		if len(value) == 0 {
			return fault()
		}
		if seen[name] {
			return refuse("%q stands there twice: connect two conditions with and", name)
		}
		seen[name] = true
		if err := visit(name, value); err != nil {
			return err
		}
	}
	return nil
}

const blanks = " \t\r\n"

// take reads a sign if it comes next.
func (s *scanner) take(sign byte) bool {
	s.rest = bytes.TrimLeft(s.rest, blanks)
	if len(s.rest) == 0 || s.rest[0] != sign {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// value reads the next value, whatever it is. It is empty if there is none, or one that does not end.
func (s *scanner) value() json.RawMessage {
	s.rest = bytes.TrimLeft(s.rest, blanks)
	depth, at := 0, 0
	for at < len(s.rest) {
		switch c := s.rest[at]; {
		case c == '"':
			length := stringLength(s.rest[at:])
			if length == 0 {
				return nil
			}
			at += length - 1
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if at++; depth < 0 {
			return nil
		}
		if depth == 0 && s.endsAt(at) {
			value := s.rest[:at]
			s.rest = s.rest[at:]
			return json.RawMessage(value)
		}
	}
	return nil
}

// endsAt reports whether a value outside of brackets ends before a place.
func (s *scanner) endsAt(place int) bool {
	return place == len(s.rest) || bytes.IndexByte([]byte(blanks+",:]}"), s.rest[place]) >= 0
}

// stringLength is the number of bytes of the string at the beginning of a text; 0 if it does not end.
func stringLength(text []byte) int {
	for at := 1; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return 0
}

func isObject(value json.RawMessage) bool { return begins(value, '{') }
func isList(value json.RawMessage) bool   { return begins(value, '[') }

func begins(value json.RawMessage, with byte) bool {
	trimmed := bytes.TrimLeft(value, blanks)
	return len(trimmed) > 0 && trimmed[0] == with
}

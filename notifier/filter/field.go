package filter

import (
	"bytes"
	"encoding/json"
	"sync/atomic"
)

// field is the value of one column of a row.
type field struct {
	name  string
	value json.RawMessage
	known *atomic.Pointer[reading] // of a long value: how it was read last
}

// reading is what a value is for a kind of column.
type reading struct {
	kind  Kind
	value value
	ok    bool
}

// longValue is how many bytes a value has that is remembered when it was read: many tests of many filters may ask for it.
const longValue = 256

func newField(name string, text json.RawMessage) field {
	f := field{name: name, value: bytes.TrimSpace(text)}
	if len(f.value) >= longValue {
		f.known = &atomic.Pointer[reading]{}
	}
	return f
}

func (f field) isNull() bool { return string(f.value) == "null" }

// read reads the value as one of a column.
func (f field) read(c *Column) (value, bool) {
	if f.known == nil {
		return c.read(f.value)
	}
	if known := f.known.Load(); known != nil && known.kind == c.Kind {
		return known.value, known.ok
	}
	v, ok := c.read(f.value)
	f.known.Store(&reading{c.Kind, v, ok})
	return v, ok
}

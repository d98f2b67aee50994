package filter

import (
	"encoding/json"
	"errors"
	"slices"
)

// Row is a row as events have it: the JSON of its columns, in their order.
type Row struct{ fields []field }

// find returns the field of a column.
func (r Row) find(column string) (field, bool) {
	at := slices.IndexFunc(r.fields, func(f field) bool { return f.name == column })
	if at < 0 {
		return field{}, false
	}
	return r.fields[at], true
}

// ReadRow reads a row from JSON.
func ReadRow(text []byte) (Row, error) {
	var r Row
	err := eachField(text, func(name string, value json.RawMessage) error {
		r.fields = append(r.fields, newField(name, value))
		return nil
	})
	return r, err
}

// over returns the row in which the columns of another have been put in place of its own.
func (r Row) over(below Row) Row {
	all := slices.Clone(below.fields)
	for i, f := range all {
		if own, ok := r.find(f.name); ok {
			all[i] = own
		}
	}
	return Row{all}
}

// MarshalJSON writes the columns in their order.
func (r Row) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, f := range r.fields {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, name...), ':'), f.value...)
	}
	return append(text, '}'), nil
}

// Change is the data of an event of a declared table.
type Change struct {
	Op  string
	Key json.RawMessage
	New Row // after insert, update and enter
	Old Row // of update, delete and leave: the whole row
}

// errNoChange says that data is not of an event of a declared table.
var errNoChange = errors.New("the data is no change of a row")

// ReadChange reads the data of an event of a declared table.
func ReadChange(data []byte) (Change, error) {
	given := map[string]json.RawMessage{}
	if eachField(data, func(name string, value json.RawMessage) error { given[name] = value; return nil }) != nil {
		return Change{}, errNoChange
	}
	c := Change{Key: given["key"]}
	c.Op, _ = unquote(given["op"])
	var err1, err2 error
	hasNew := c.Op == "insert" || c.Op == "enter" || c.Op == "update"
	hasOld := c.Op == "delete" || c.Op == "leave" || c.Op == "update"
	if hasNew {
		c.New, err1 = ReadRow(given["new"])
	}
	if hasOld {
		c.Old, err2 = ReadRow(given["old"])
	}
	if err1 != nil || err2 != nil || !hasNew && !hasOld {
		return Change{}, errNoChange
	}
	if c.Op == "update" {
		c.Old = c.Old.over(c.New)
	}
	return c, nil
}

// Outcome is what a follower with a filter hears of a change.
type Outcome int

// The outcomes.
const (
	Nothing Outcome = iota
	Same            // the event as it was filed
	Enter           // the row passes now: an event enter, without old
	Leave           // the row does not pass any more: an event leave, without new
)

// Outcome says what a follower hears of a change. The error is ErrOtherColumns.
func (f *Filter) Outcome(c Change) (Outcome, error) {
	switch c.Op {
	case "insert", "enter":
		return f.sameIfPasses(c.New)
	case "delete", "leave":
		return f.sameIfPasses(c.Old)
	}
	before, err1 := f.Passes(c.Old)
	after, err2 := f.Passes(c.New)
	switch {
	case err1 != nil || err2 != nil:
		return Nothing, ErrOtherColumns
	case before && after:
		return Same, nil
	case before:
		return Leave, nil
	case after:
		return Enter, nil
	}
	return Nothing, nil
}

func (f *Filter) sameIfPasses(r Row) (Outcome, error) {
	passes, err := f.Passes(r)
	if passes {
		return Same, err
	}
	return Nothing, err
}

// Entered is the data of the event enter that a follower hears in place of an update.
func (c Change) Entered() []byte { return c.moved("enter", "new", c.New) }

// Left is the data of the event leave that a follower hears in place of an update.
func (c Change) Left() []byte { return c.moved("leave", "old", c.Old) }

func (c Change) moved(op, name string, row Row) []byte {
	text, _ := row.MarshalJSON() // names are texts, which have a form in JSON
	key := c.Key
	if key == nil {
		key = json.RawMessage("null")
	}
	return slices.Concat([]byte(`{"op":"`+op+`","key":`), key, []byte(`,"`+name+`":`), text, []byte("}"))
}

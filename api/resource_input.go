package api

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// fieldErrors say what is wrong with a row, by field. What concerns no field, or several, stands
// under wholeRow.
type fieldErrors map[string][]string

const wholeRow = "non_field_errors"

func (e fieldErrors) add(field, problem string) { e[field] = append(e[field], problem) }

// intent is what a row that came in is for.
type intent int

const (
	toCreate  intent = iota
	toReplace        // all that a row needs must be there
	toPatch          // what is not there stays
)

// assignment is a column with its value as text for PostgreSQL, nil for NULL.
type assignment struct {
	column *column
	value  any
}

// rowOf reads a row that came in. Fields that are not the user's to give are passed over, so that what was
// read can be sent back changed; names that are no fields at all are wrong where strict.
func (r *resource) rowOf(raw json.RawMessage, why intent, strict bool) ([]assignment, fieldErrors) {
	fields, problem := objectOf(raw)
	if problem != "" {
		return nil, fieldErrors{wholeRow: {problem}}
	}
	wrong := fieldErrors{}
	var row []assignment
	for _, c := range r.table.columns {
		given, there := fields[c.Name]
		delete(fields, c.Name)
		switch {
		case !r.takes(c, why):
		case there:
			value, problem := c.read(given)
			if problem != "" {
				wrong.add(c.Name, problem)
			}
			row = append(row, assignment{c, value})
		case why != toPatch && c.Required && !c.Default:
			wrong.add(c.Name, saysRequired)
		}
	}
	for name := range fields {
		if strict {
			wrong.add(name, "There is no such field.")
		}
	}
	return row, wrong
}

// takes reports whether users give a column's value. A key that counts is the database's, and no
// key is changed.
func (r *resource) takes(c *column, why intent) bool {
	if why == toCreate {
		return c.Insert && !(c == r.key && c.Serial)
	}
	return c.Update && c != r.key
}

// objectOf takes an object apart. The problem names what is there instead, as Python would.
func objectOf(raw json.RawMessage) (map[string]json.RawMessage, string) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, "No data provided"
	}
	if raw[0] != '{' {
		return nil, fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", pythonType(raw))
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(raw, &fields) // it has been read as JSON before
	return fields, ""
}

func pythonType(raw json.RawMessage) string {
	switch raw[0] {
	case '[':
		return "list"
	case '"':
		return "str"
	case 't', 'f':
		return "bool"
	}
	if bytes.ContainsAny(raw, ".eE") {
		return "float"
	}
	return "int"
}

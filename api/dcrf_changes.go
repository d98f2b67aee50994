package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// What can happen to a row.
const (
	changeCreate = "create"
	changeUpdate = "update"
	changeDelete = "delete"
)

// change is what an event tells of a row of a resource.
type change struct {
	action string
	key    string          // in its one spelling
	rawKey json.RawMessage // as the event has it
	row    fields
}

// changeIn reads an event's data: the row itself, with its action in the field action or at the end of the
// event's type; or, as events of watched tables have it, the row as it is now and as it was. It reports false
// for an event of the topic that is about something else.
func (r *resource) changeIn(e *notifier.Event) (change, bool) {
	data := fieldsOf(e.Data)
	c := change{action: actionOf(data, e.Type), row: data.without("action")}
	if op := data.word("op"); op != "" {
		c.action = actionNamed(op)
		c.row = fieldsOf(data.get("new"))
		if len(c.row) == 0 {
			c.row = fieldsOf(data.get("old"))
		}
	}
	c.rawKey = c.row.get(r.key.Name)
	if c.rawKey == nil || c.action == "" {
		return change{}, false
	}
	text, _ := scalar(c.rawKey)
	var ok bool
	c.key, ok = r.keyOf(text)
	return c, ok
}

// actionOf goes by the data's own word, else by the last word of the event's type.
func actionOf(data fields, kind string) string {
	if own := data.word("action"); own != "" {
		return actionNamed(own)
	}
	return actionNamed(kind[strings.LastIndexAny(kind, "._")+1:])
}

// actionNamed is empty for what is not done to rows.
func actionNamed(word string) string {
	switch word {
	case "create", "created", "insert", "inserted", "enter":
		return changeCreate
	case "update", "updated", "save", "saved":
		return changeUpdate
	case "delete", "deleted", "leave":
		return changeDelete
	}
	return ""
}

// fields are the fields of a JSON object in their order.
type fields []field

type field struct {
	name  string
	value json.RawMessage
}

// fieldsOf takes an object apart. What is none has no fields.
func fieldsOf(raw json.RawMessage) fields {
	decoder := json.NewDecoder(bytes.NewReader(problem.SoundJSON(raw)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var all fields
	for decoder.More() {
		name, _ := decoder.Token()
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil
		}
		all = append(all, field{name.(string), value})
	}
	return all
}

// get is a field's value; nil without one.
func (f fields) get(name string) json.RawMessage {
	at := slices.IndexFunc(f, func(one field) bool { return one.name == name })
	if at < 0 {
		return nil
	}
	return f[at].value
}

// word is a field's text; empty where it is none.
func (f fields) word(name string) string {
	var text string
	_ = json.Unmarshal(f.get(name), &text)
	return text
}

func (f fields) without(name string) fields {
	return slices.DeleteFunc(slices.Clone(f), func(one field) bool { return one.name == name })
}

// json puts them together again.
func (f fields) json() json.RawMessage {
	object := []byte{'{'}
	for i, one := range f {
		if i > 0 {
			object = append(object, ',')
		}
		name, _ := problem.EncodeJSON(one.name) // a string always has a JSON form
		object = append(append(append(object, name...), ':'), one.value...)
	}
	return append(object, '}')
}

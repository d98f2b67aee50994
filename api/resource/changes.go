package resource

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// Action is what happened to a row.
type Action string

// The actions on rows.
const (
	Created Action = "create"
	Updated Action = "update"
	Deleted Action = "delete"
)

// Change is what an event says about a row of a resource.
type Change struct {
	Action Action
	Key    string          // in its one spelling
	RawKey json.RawMessage // as the event has it
	Row    Fields
}

// ParseChange reads the data of an event. The data is the row itself, with the action in its field
// action or at the end of the event's type; or, in events of watched tables, the row as it is now and
// as it was. ParseChange reports false for an event of the topic that is about something else.
func (r *Resource) ParseChange(e *notifier.Event) (Change, bool) {
	data := parseFields(e.Data)
	c := Change{Action: actionOf(data, e.Type), Row: data.Without("action")}
	if op := data.text("op"); op != "" {
		c.Action = actionNamed(op)
		c.Row = parseFields(data.get("new"))
		if len(c.Row) == 0 {
			c.Row = parseFields(data.get("old"))
		}
	}
	c.RawKey = c.Row.get(r.key.Name)
	if c.RawKey == nil || c.Action == "" {
		return Change{}, false
	}
	text, _ := scalar(c.RawKey)
	var ok bool
	c.Key, ok = r.ParseKey(text)
	return c, ok
}

// actionOf takes the action of the data, else the last word of the event's type.
func actionOf(data Fields, eventType string) Action {
	if own := data.text("action"); own != "" {
		return actionNamed(own)
	}
	return actionNamed(eventType[strings.LastIndexAny(eventType, "._")+1:])
}

// actionNamed returns an empty Action for a word that is no action on rows.
func actionNamed(word string) Action {
	switch word {
	case "create", "created", "insert", "inserted", "enter":
		return Created
	case "update", "updated", "save", "saved":
		return Updated
	case "delete", "deleted", "leave":
		return Deleted
	}
	return ""
}

// Fields are the fields of a JSON object in their order.
type Fields []Field

// Field is a field of a JSON object.
type Field struct {
	Name  string
	Value json.RawMessage
}

// parseFields returns the fields of an object; none if the JSON is no object.
func parseFields(raw json.RawMessage) Fields {
	decoder := json.NewDecoder(bytes.NewReader(problem.SoundJSON(raw)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var all Fields
	for decoder.More() {
		name, _ := decoder.Token()
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil
		}
		all = append(all, Field{name.(string), value})
	}
	return all
}

// get returns a field's value; nil if there is no such field.
func (f Fields) get(name string) json.RawMessage {
	at := slices.IndexFunc(f, func(one Field) bool { return one.Name == name })
	if at < 0 {
		return nil
	}
	return f[at].Value
}

// text returns a field's text; empty if the field is no string.
func (f Fields) text(name string) string {
	var text string
	_ = json.Unmarshal(f.get(name), &text)
	return text
}

// Without returns the fields but for those of a name.
func (f Fields) Without(name string) Fields {
	return slices.DeleteFunc(slices.Clone(f), func(one Field) bool { return one.Name == name })
}

// JSON returns the object.
func (f Fields) JSON() json.RawMessage {
	object := []byte{'{'}
	for i, one := range f {
		if i > 0 {
			object = append(object, ',')
		}
		name, _ := problem.EncodeJSON(one.Name) // a string always has a JSON form
		object = append(append(append(object, name...), ':'), one.Value...)
	}
	return append(object, '}')
}

package api

import (
	"encoding/json"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// encode is the frame of an event; nil for one that is not forwarded.
func (s *socket) encode(e *notifier.Event) []byte {
	fields, forwarded := s.forward[e.Type]
	switch {
	case !forwarded:
		return nil
	case s.literal != nil:
		return encodeFrame(s.literal)
	case s.kwargs:
		return encodeFrame(kwargsFrame{Type: e.Type, Kwargs: pick(e.Data, fields)})
	}
	return encodeFrame(pick(e.Data, fields))
}

// kwargsFrame is how the chat's original calls its page.
type kwargsFrame struct {
	Type   string          `json:"type"`
	Kwargs json.RawMessage `json:"kwargs"`
}

// pick is an object of the named fields of another, in the order of the names. A field that is
// not there stays away.
func pick(data json.RawMessage, names []string) json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(problem.SoundJSON(data), &all) // what is no object has no fields
	picked := []byte{'{'}
	for _, name := range names {
		value, there := all[name]
		if !there {
			continue
		}
		if len(picked) > 1 {
			picked = append(picked, ',')
		}
		key, _ := problem.EncodeJSON(name) // a string always has a JSON form
		picked = append(append(append(picked, key...), ':'), value...)
	}
	return append(picked, '}')
}

package notifier

import (
	"encoding/json"
	"log/slog"
	"testing"

	"rowcall/notifier/topic"
)

// FuzzRing hears rings that anybody may have sent. They decide whether the node looks, and nothing else: what cannot
// be read, or may be meant for somebody here, leads to a look.
func FuzzRing(f *testing.F) {
	for _, payload := range []string{`{"topic":"room/5"}`, `{"topic":"nobody"}`, `{"gate":7}`, `{"probe":"x"}`, `{}`, ``, `null`, `[]`, `{"topic":7}`} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		polls := false
		node, _ := attachable(Options{}) // room is followed there
		l := newListener(nil, slog.Default(), func() { polls = true }, node.hub.isFollowed)
		r := parseRing(payload)
		l.handleRing(r)
		var said struct{ Topic, Probe string }
		readable := json.Unmarshal([]byte(payload), &said) == nil
		switch {
		case r.Probe != "":
			if polls || l.probeReturned {
				t.Errorf("%q answers a probe that nobody has sent", payload)
			}
		case !readable && r.Gate == 0 && !polls:
			t.Errorf("%q cannot be read, and nobody looks", payload)
		case readable && node.hub.isFollowed(topic.Topic(said.Topic)) && !polls:
			t.Errorf("%q names a topic that is followed here, and nobody looks", payload)
		}
	})
}

// FuzzAccess reads access events. Asking too few is a leak: what names no user names everybody.
func FuzzAccess(f *testing.F) {
	for _, data := range []string{`{"user_id":"5"}`, `{}`, ``, `null`, `{"user_id":5}`, `{"user_id":null}`, `"5"`, `{"user_id":"5","user_id":7}`} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		a := logRow{topic: "room", data: []byte(data)}.access()
		var said map[string]any
		if json.Unmarshal([]byte(data), &said) != nil && a.user != "" {
			t.Errorf("%q cannot be read, and is about %q only", data, a.user)
		}
		if a.topic != "room" {
			t.Errorf("%q is about topic %q", data, a.topic)
		}
	})
}

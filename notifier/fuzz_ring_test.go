package notifier

import (
	"encoding/json"
	"testing"

	"rowcall/notifier/topic"
)

// ears is a listener of a node where somebody follows room.
func ears() *listener {
	f, _ := attachable(Options{})
	f.poller = &poller{feed: f, poking: make(chan struct{}, 1)}
	return newListener(f)
}

// poked reports whether somebody asked for a poll since the last call.
func (p *poller) poked() bool {
	select {
	case <-p.poking:
		return true
	default:
		return false
	}
}

// FuzzRing hears rings that anybody may have sent. They decide whether the node looks, and nothing else: what cannot
// be read, or may be meant for somebody here, leads to a look.
func FuzzRing(f *testing.F) {
	for _, payload := range []string{`{"topic":"room/5"}`, `{"topic":"nobody"}`, `{"gate":7}`, `{"probe":"x"}`, `{}`, ``, `null`, `[]`, `{"topic":7}`} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		l := ears()
		r := parseRing(payload)
		l.ring(r)
		poked := l.feed.poller.poked()
		var said struct{ Topic, Probe string }
		readable := json.Unmarshal([]byte(payload), &said) == nil
		switch {
		case r.Probe != "":
			if poked || l.probed {
				t.Errorf("%q answers a probe that nobody has sent", payload)
			}
		case !readable && r.Gate == 0 && !poked:
			t.Errorf("%q cannot be read, and nobody looks", payload)
		case readable && l.feed.hub.followed(topic.Topic(said.Topic)) && !poked:
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

package notifier

import (
	"encoding/json"
	"slices"
)

// A subscription that asks for the latest wants only the newest event per key, where the key is a field of
// the events' data. Nothing is skipped as long as its reader keeps up.

// queueLatestLocked queues events past the bound and then skips what a newer event of the same key makes
// stale. It reports false where that makes too little room: the subscription then pulls.
func (s *Subscription) queueLatestLocked(b *batch, events []*Event) bool {
	s.queue = s.enqueueLocked(s.queue, events)
	if !s.held {
		s.compactLocked()
	}
	o := &s.feed.options
	if s.events <= o.QueueEvents && s.bytes <= o.QueueBytes || s.events == 1 {
		return true
	}
	s.next = b.at(events[len(events)-1].ID)
	s.mode, s.uncounted = pulling, true
	return false
}

// stale counts what is skipped of one key.
type stale struct {
	newest  int // its place in kept
	skipped int
}

// compactLocked keeps, of the events that wait, the newest per key, each with the number of events that
// were skipped for it. Events without the key are all kept.
func (s *Subscription) compactLocked() {
	keys := make(map[string]*stale)
	var kept []run // newest first
	s.events, s.bytes = 0, 0
	for _, r := range slices.Backward(s.queue) {
		if r.reset != nil {
			kept = append(kept, r)
		}
		for _, e := range slices.Backward(r.events) {
			if s.hiddenLocked(e) {
				continue
			}
			key := string(e.Encoded(keyField(s.latest), keyField(s.latest).of))
			keyed := key != ""
			if older, known := keys[key]; keyed && known {
				older.skipped += 1 + r.skipped
				continue
			}
			if keyed {
				keys[key] = &stale{newest: len(kept)}
			}
			kept = append(kept, run{events: []*Event{e}, skipped: r.skipped})
			s.events++
			s.bytes += e.size()
		}
	}
	for _, k := range keys {
		kept[k.newest].skipped += k.skipped
	}
	slices.Reverse(kept)
	s.queue = kept
}

// keyField is a field of the events' data, and what an event remembers its key under: it is read from the data
// once, however many readers fall behind.
type keyField string

// of is the event's topic with the value of the field, or nothing for an event without it.
func (f keyField) of(e *Event) []byte {
	var data map[string]json.RawMessage
	if json.Unmarshal(e.Data, &data) != nil || data[string(f)] == nil {
		return nil
	}
	return append([]byte(e.Topic+"\n"), data[string(f)]...)
}

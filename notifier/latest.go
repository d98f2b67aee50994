package notifier

import (
	"encoding/json"
	"slices"
)

// A subscription with Request.Latest needs only the newest event per key; the key is a field of the
// events' data. Nothing is skipped while its reader keeps up.

// queueLatestLocked queues events past the limit, and then skips each event that is stale because a
// newer event of the same key waits. If that does not empty half of the queue, it returns false: the
// subscription goes on by pulling. So each look at the whole queue is paid for by half a queue of
// new events, also if nearly every event waits for a key of its own.
func (s *Subscription) queueLatestLocked(found *logInterval, events []*Event) bool {
	s.queue = s.enqueueLocked(s.queue, events)
	if s.answered == s.questions { // else it is not known what the follower's roles hide
		s.skipStaleLocked()
	}
	if s.host.options.refillLimit().allows(s.queueEvents, s.queueBytes) || s.queueEvents == 1 {
		return true
	}
	s.fallBehindLocked(found.at(events[len(events)-1].ID))
	return false
}

// skipStaleLocked keeps, of the events that wait, the newest per key, with the number of events
// that were skipped for it. It keeps all events without the key, and drops those that the
// follower's roles hide.
func (s *Subscription) skipStaleLocked() {
	type newest struct{ place, skipped int } // place is in kept
	byKey := make(map[string]*newest)
	var kept []queueRun // newest first
	s.queueEvents, s.queueBytes = 0, 0
	for _, run := range slices.Backward(s.queue) {
		if run.reset != nil {
			kept = append(kept, run)
		}
		for _, e := range slices.Backward(run.events) {
			if s.isHiddenLocked(e) {
				continue
			}
			if e.reset != nil {
				kept = append(kept, queueRun{events: []*Event{e}})
				s.queueEvents++
				s.queueBytes += e.size()
				continue
			}
			key := string(e.Encoded(keyField(s.latest), keyField(s.latest).keyOf))
			keyed := key != ""
			if newer, known := byKey[key]; keyed && known {
				newer.skipped += 1 + run.skipped
				continue
			}
			if keyed {
				byKey[key] = &newest{place: len(kept)}
			}
			kept = append(kept, queueRun{events: []*Event{e}, skipped: run.skipped})
			s.queueEvents++
			s.queueBytes += e.size()
		}
	}
	for _, n := range byKey {
		kept[n.place].skipped += n.skipped
	}
	slices.Reverse(kept)
	s.queue = kept
}

// keyField is the name of a field of the events' data. It also is the key under which an event's
// memo keeps the value, so that the data is parsed once, however many readers fall behind.
type keyField string

// keyOf returns the event's topic and the value of the field, or nothing if the event has no such
// field.
func (f keyField) keyOf(e *Event) []byte {
	var data map[string]json.RawMessage
	if json.Unmarshal(e.Data, &data) != nil || data[string(f)] == nil {
		return nil
	}
	return append([]byte(e.Topic+"\n"), data[string(f)]...)
}

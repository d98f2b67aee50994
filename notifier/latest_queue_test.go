package notifier

import (
	"encoding/json"
	"fmt"
	"testing"
)

// keyedEvent is an event of one of so many keys.
func keyedEvent(id, keys int) []*Event {
	return []*Event{{ID: int64(id), Topic: "room", Data: json.RawMessage(fmt.Sprintf(`{"key": %d}`, id%keys))}}
}

// TestSkippingStaleEventsEmptiesHalfOfTheQueue has a reader that does not read fall behind on events
// of few keys and of many. With few, a look at the whole queue leaves room for half a queue of
// events. With many, skipping does not help: the reader pulls, and the queue is not looked at for
// each event.
func TestSkippingStaleEventsEmptiesHalfOfTheQueue(t *testing.T) {
	t.Parallel()
	const bound = 100
	for keys, want := range map[int]bool{1: true, 10: true, 49: true, 60: false, 99: false} {
		s := registered(newFeed(nil, Options{QueueEvents: bound}, 20), "", "room")
		s.latest = "key"
		fed, looks, before := true, 0, 0
		for id := 1; fed && id <= 10*bound; id++ {
			fed = s.queueLive(&logInterval{}, keyedEvent(id, keys))
			if s.queueEvents <= before {
				looks++
			}
			before = s.queueEvents
		}
		if fed != want {
			t.Errorf("%d keys: it is fed after %d events: %v, want %v", keys, 10*bound, fed, want)
		}
		if most := 10 * bound / (bound / 2); looks > most {
			t.Errorf("%d keys: the whole queue was looked at %d times, want at most %d", keys, looks, most)
		}
	}
}

// BenchmarkLatestWithAKeyForEachEvent is the work for one event of a reader that has fallen behind,
// where nearly all that waits is the newest of its key. When it pulls, it is taken to be live again.
func BenchmarkLatestWithAKeyForEachEvent(b *testing.B) {
	f := newFeed(nil, Options{}, 20)
	next := func() *Subscription {
		s := registered(f, "", "room")
		s.latest = "key"
		return s
	}
	s := next()
	for id := 1; b.Loop(); id++ {
		if !s.queueLive(&logInterval{}, keyedEvent(id, 990)) {
			s.Close()
			s = next()
		}
	}
}

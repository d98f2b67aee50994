package notifier

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"rowcall/notifier/topic"
)

// Event is one committed fact on one topic, as the log holds it. All subscriptions of a node share
// it, so a delivered event must not be changed.
//
// The exported fields are set when the row is read. The goroutine that brings the event sets found
// and the two cursors before any other goroutine can see it: the poller for live events and for the
// tail, a puller for a replay. After that only the memo changes, which has a lock of its own.
type Event struct {
	ID    int64           // the log's id: unique within an epoch
	Topic topic.Topic     // the topic it is filed under
	Type  string          // its name, such as chat_message_created
	Role  string          // the only role that may see it; empty: every follower may
	Data  json.RawMessage // the JSON that the trigger wrote
	Time  time.Time       // when the statement that filed it ran

	xid   uint64       // the transaction that filed it
	reset *resetScope  // of a reset event; nil for any other
	found *logInterval // the poll that found it; nil in a replay

	// The resume points after it; either may be empty. A follower of its topic or of an ancestor
	// uses cursor. A follower who also follows topics with other roots uses exact.
	cursor string
	exact  string

	memo memo
}

// Cursor is the resume point after this event, for a follower of one topic. It is empty if the
// cursor would be longer than MaxCursorBytes; a later event carries one.
func (e *Event) Cursor() string { return e.cursor }

// SharedCursor is the resume point after this event, for a follower of several topics, who may have
// more to come from the same poll. It is empty in the same case as Cursor.
func (e *Event) SharedCursor() string { return e.exact }

// size is how many bytes the event counts for in a queue, a page and a meter: its text, and a
// constant for the rest.
func (e *Event) size() int { return len(e.Data) + len(e.Topic) + len(e.Type) + 128 }

// totalSize is how many bytes the events count for in a queue.
func totalSize(events []*Event) int {
	bytes := 0
	for _, e := range events {
		bytes += e.size()
	}
	return bytes
}

// cost is how many bytes the event takes in memory, apart from its encodings: with its cursors it
// may be many times its size, because they name every transaction that was open.
func (e *Event) cost() int {
	if e.cursor == e.exact {
		return e.size() + len(e.exact)
	}
	return e.size() + len(e.exact) + len(e.cursor)
}

// totalCost is how many bytes the events take in memory.
func totalCost(events []*Event) int {
	bytes := 0
	for _, e := range events {
		bytes += e.cost()
	}
	return bytes
}

// sizeLimit bounds a number of events and their bytes.
type sizeLimit struct {
	events int
	bytes  int
}

// allows reports whether so many events with so many bytes are within the limit.
func (l sizeLimit) allows(events, bytes int) bool { return events <= l.events && bytes <= l.bytes }

// countFitting returns how many of the next events fit a queue in which so many events with so many
// bytes wait already. One event always fits an empty queue, whatever its size.
func (l sizeLimit) countFitting(waiting, bytes int, next []*Event) int {
	for i, e := range next {
		waiting++
		bytes += e.size()
		if waiting > 1 && !l.allows(waiting, bytes) {
			return i
		}
	}
	return len(next)
}

// Encoded returns encode(e), computed once per key and shared by all callers, so that all sockets
// with the same format share one encoding of the event. The key is any comparable value that stands
// for the format. The caller must not change the result.
func (e *Event) Encoded(key any, encode func(*Event) []byte) []byte {
	return e.memo.getOrEncode(key, func() []byte { return encode(e) })
}

// Told is the event as some followers hear it: with another type and other data, and with mark behind its cursors. An
// empty cursor stays empty. It shares no encodings with e.
func (e *Event) Told(eventType string, data json.RawMessage, mark string) *Event {
	marked := func(cursor string) string {
		if cursor == "" {
			return ""
		}
		return cursor + mark
	}
	return &Event{
		ID: e.ID, Topic: e.Topic, Type: eventType, Role: e.Role, Data: data, Time: e.Time, xid: e.xid, found: e.found,
		cursor: marked(e.cursor), exact: marked(e.exact),
	}
}

// memo keeps a few encodings by key. Formats are few, so a slice serves better than a map.
type memo struct {
	bytes atomic.Int64 // of all encodings

	mu      sync.Mutex // guards entries
	entries []memoEntry
}

type memoEntry struct {
	key   any
	bytes []byte
}

func (m *memo) getOrEncode(key any, encode func() []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range m.entries {
		if known.key == key {
			return known.bytes
		}
	}
	bytes := encode()
	m.entries = append(m.entries, memoEntry{key, bytes})
	m.bytes.Add(int64(len(bytes)))
	return bytes
}

// Moment is a point in the history of the database: it tells the transactions that had committed by
// then from those that commit later. The zero Moment is before all events.
type Moment struct{ seen snapshot }

// ParseMoment reads the text of pg_current_snapshot() as it was at that moment.
func ParseMoment(text string) (Moment, error) {
	seen, err := parseSnapshot(text)
	return Moment{seen}, err
}

// Sees reports whether the event had been committed at the moment. Both must be of the same epoch;
// a subscription delivers a Reset before the first event of another one.
func (m Moment) Sees(e *Event) bool { return m.seen.sees(e.xid) }

package notifier

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"rowcall/notifier/topic"
)

// Event is one committed fact on one topic, as the log holds it. Events are shared by all
// subscriptions of a node: nobody changes one.
type Event struct {
	ID    int64           // the log's id: unique within an epoch
	Topic topic.Topic     // what it is filed under
	Type  string          // its name, such as chat_message_created
	Role  string          // the only role that may see it; empty for every follower
	Data  json.RawMessage // what the trigger said
	Time  time.Time       // when its statement wrote it

	xid    uint64 // the transaction that wrote it
	batch  *batch // the node's poll that brought it; nil in a replay
	cursor string // resume point after this event, for a follower of its topic or an ancestor; may be empty
	exact  string // the same for a follower of topics of other roots besides

	round   uint32 // the last census that has seen it
	holders int32  // how many subscriptions that has found it with
	cost    int64  // what it has found it to cost

	memo memo
}

// Cursor is the point to resume from after this event, for a follower of one topic. It is empty
// where the cursor would be longer than MaxCursorBytes; a later event carries one.
func (e *Event) Cursor() string { return e.cursor }

// SharedCursor is the point to resume from after this event, for a follower of several topics, who
// may have more to come from the same batch. It is empty where Cursor may be.
func (e *Event) SharedCursor() string { return e.exact }

// size is what an event costs a queue, in bytes: its text and a constant for the rest.
func (e *Event) size() int { return len(e.Data) + len(e.Topic) + len(e.Type) + 128 }

// Encoded returns what encode makes of the event, computed once per key and shared by all callers:
// one encoding of an event serves every socket that speaks the same format. The key is any
// comparable value that stands for the format. Neither may the result be changed.
func (e *Event) Encoded(key any, encode func(*Event) []byte) []byte {
	return e.memo.get(key, func() []byte { return encode(e) })
}

// memo keeps a few encodings by key. Formats are few, so a slice serves better than a map.
type memo struct {
	bytes atomic.Int64 // of all encodings

	mu      sync.Mutex // guards entries
	entries []encoding
}

type encoding struct {
	key   any
	bytes []byte
}

func (m *memo) get(key any, encode func() []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range m.entries {
		if known.key == key {
			return known.bytes
		}
	}
	bytes := encode()
	m.entries = append(m.entries, encoding{key, bytes})
	m.bytes.Add(int64(len(bytes)))
	return bytes
}

// Moment is a moment in the history of the database: some transactions had committed by then, and none will be found
// later to have done so. The zero Moment is before all events.
type Moment struct{ seen snapshot }

// ParseMoment reads what pg_current_snapshot() was at that moment, as text.
func ParseMoment(text string) (Moment, error) {
	seen, err := parseSnapshot(text)
	return Moment{seen}, err
}

// Sees reports whether the event had been committed then. It is for events of the epoch that the moment is of: a
// subscription brings no others without a Reset before them.
func (m Moment) Sees(e *Event) bool { return m.seen.sees(e.xid) }

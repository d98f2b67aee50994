package api

import (
	"strconv"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// streamBlock is one piece of an event stream. Empty fields are left out. None may hold the end of a
// line: ids are cursors of ours, data is compact JSON, where there is none outside of strings and
// strings have it escaped.
type streamBlock struct {
	retry time.Duration
	event string
	id    string
	data  []byte
}

// streamReset is the data of a reset: unlike on a socket, it is for all topics of the stream.
type streamReset struct {
	Op     string               `json:"op"`
	Topics []topic.Topic        `json:"topics"`
	Reason notifier.ResetReason `json:"reason"`
	Cursor string               `json:"cursor"`
}

// encode is the block's text. An empty id would make the client forget the one it has.
func (b streamBlock) encode() []byte {
	var text []byte
	if b.retry > 0 {
		text = strconv.AppendInt(append(text, "retry: "...), b.retry.Milliseconds(), 10)
		text = append(text, '\n')
	}
	if b.event != "" {
		text = append(append(append(text, "event: "...), b.event...), '\n')
	}
	if b.id != "" {
		text = append(append(append(text, "id: "...), b.id...), '\n')
	}
	if len(b.data) > 0 {
		text = append(append(append(text, "data: "...), b.data...), '\n')
	}
	return append(text, '\n')
}

// blockFormat stands for the blocks of events. It differs from their text as textFormat does.
type blockFormat textFormat

// latest is the block of an event that stands for older ones that were skipped: each stream's own.
func (t texts) latest(e *notifier.Event, skipped int) []byte {
	cursor := t.cursor(e)
	frame := newEventFrame(e, t.nearest(e.Topic), cursor)
	frame.Skipped = skipped
	return streamBlock{id: cursor, data: problem.MustEncodeJSON(frame)}.encode()
}

// block is an event's block, shared by all streams of the same format.
func (t texts) block(e *notifier.Event) []byte {
	followed := t.nearest(e.Topic)
	return e.Encoded(blockFormat(t.format(followed)), func(e *notifier.Event) []byte {
		cursor := t.cursor(e)
		return streamBlock{id: cursor, data: problem.MustEncodeJSON(newEventFrame(e, followed, cursor))}.encode()
	})
}

package api

import (
	"strconv"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// sseFrame is a frame of an event stream, in the standard's words a block. Empty fields are left
// out. No field contains a line end: ids are cursors, and data is compact JSON, which has none
// outside of strings and escapes those within.
type sseFrame struct {
	retry time.Duration
	event string
	id    string
	data  []byte
}

// sseReset is the data of a reset. Unlike on a socket, it may be about several topics of the stream.
type sseReset struct {
	Op     string               `json:"op"`
	Topics []topic.Topic        `json:"topics"`
	Reason notifier.ResetReason `json:"reason"`
	Cursor string               `json:"cursor"`
}

// encode returns the text of a frame. It leaves an empty id out, which would make the client forget
// its last one.
func (b sseFrame) encode() []byte {
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

// sseFormat is the key of the SSE frames of events. Frames differ as their texts do.
type sseFormat eventTextFormat

// latestFrame returns the frame of an event that replaces older ones that were skipped. It differs
// for each stream.
func (t eventTexts) latestFrame(e *notifier.Event, skipped int) []byte {
	cursor := t.cursorOf(e)
	frame := newEventFrame(e, t.followedTopic(e.Topic), cursor)
	frame.Skipped = skipped
	return sseFrame{id: cursor, data: problem.MustEncodeJSON(frame)}.encode()
}

// eventFrame returns the frame of an event, which all streams of the same format share.
func (t eventTexts) eventFrame(e *notifier.Event) []byte {
	followed := t.followedTopic(e.Topic)
	return e.Encoded(sseFormat(t.formatKey(followed)), func(e *notifier.Event) []byte {
		cursor := t.cursorOf(e)
		return sseFrame{id: cursor, data: problem.MustEncodeJSON(newEventFrame(e, followed, cursor))}.encode()
	})
}

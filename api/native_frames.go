package api

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// The frames of the native protocol. Their keys are sent in this order.
type (
	welcomeFrame struct {
		Op               string `json:"op"`
		Session          string `json:"session"`
		Heartbeat        int64  `json:"heartbeat"` // milliseconds
		MaxSubscriptions int    `json:"max_subscriptions"`
	}
	subscribedFrame struct {
		Op        string               `json:"op"`
		Topic     topic.Topic          `json:"topic"`
		Requested string               `json:"requested,omitempty"` // the client's spelling, if it differs
		Cursor    string               `json:"cursor"`
		Recovered *bool                `json:"recovered,omitempty"` // only if since was sent
		Reason    notifier.ResetReason `json:"reason,omitempty"`
		Snapshot  json.RawMessage      `json:"snapshot,omitempty"`
		Truncated bool                 `json:"truncated,omitempty"` // there are more rows than the snapshot has
	}
	eventFrame struct {
		Op       string          `json:"op"`
		Topic    topic.Topic     `json:"topic"`
		Followed topic.Topic     `json:"followed,omitempty"` // the topic of the subscription, if it is above
		ID       int64           `json:"id,string"`
		Type     string          `json:"type"`
		Data     json.RawMessage `json:"data"`
		Time     string          `json:"time"`
		Cursor   string          `json:"cursor,omitempty"`
		Skipped  int             `json:"skipped,omitempty"` // how many older events of its key were skipped
	}
	resetFrame struct {
		Op     string               `json:"op"`
		Topic  topic.Topic          `json:"topic"`
		Reason notifier.ResetReason `json:"reason"`
		Cursor string               `json:"cursor"`
	}
	unsubscribedFrame struct {
		Op    string `json:"op"`
		Topic string `json:"topic"`
	}
	errorFrame struct {
		Op         string `json:"op"`
		Topic      string `json:"topic,omitempty"`
		Code       string `json:"code"`
		Message    string `json:"message"`
		Retryable  bool   `json:"retryable"`
		RetryAfter int    `json:"retry_after,omitempty"` // seconds
	}
	cursorFrame struct {
		Op     string `json:"op"` // heartbeat or pong
		Cursor string `json:"cursor,omitempty"`
	}
)

// encodeEventFrame returns the native frame of an event for followers of its topic or, if followed
// is another, of a topic above it.
func encodeEventFrame(e *notifier.Event, followed topic.Topic) []byte {
	return encodeTextFrame(newEventFrame(e, followed, e.Cursor()))
}

// encodeLatestFrame returns the native frame of an event that replaces older ones that were
// skipped. Their number differs for each reader, so the frame is not shared.
func encodeLatestFrame(e *notifier.Event, followed topic.Topic, skipped int) []byte {
	frame := newEventFrame(e, followed, e.Cursor())
	frame.Skipped = skipped
	return encodeTextFrame(frame)
}

func newEventFrame(e *notifier.Event, followed topic.Topic, cursor string) eventFrame {
	if followed == e.Topic {
		followed = ""
	}
	return eventFrame{
		Op:       "event",
		Topic:    e.Topic,
		Followed: followed,
		ID:       e.ID,
		Type:     e.Type,
		Data:     problem.SoundJSON(e.Data),
		Time:     e.Time.UTC().Format(time.RFC3339Nano),
		Cursor:   cursor,
	}
}

// nativeFormat is the key of the native frames of events for followers of a topic with so many
// parts: the frame says which topic above the event is followed.
type nativeFormat uint8

// nativeEncoding returns the format of events for followers of a topic, and its encoder.
func nativeEncoding(followed topic.Topic) (key any, encode func(*notifier.Event) []byte) {
	parts := 1 + strings.Count(string(followed), "/")
	return nativeFormat(parts), func(e *notifier.Event) []byte { return encodeEventFrame(e, followed) }
}

func encodeSubscribedFrame(slot *topicSlot, start notifier.Start) []byte {
	frame := subscribedFrame{Op: "subscribed", Topic: slot.topic, Cursor: start.Cursor}
	if slot.asked.Topic != string(slot.topic) {
		frame.Requested = slot.asked.Topic
	}
	switch {
	case slot.asked.Snapshot:
		frame.Snapshot, frame.Truncated = problem.SoundJSON(start.State), start.Truncated
	case slot.asked.Since != nil:
		frame.Recovered = &start.Recovered
		frame.Reason = start.Reason
	}
	return encodeTextFrame(frame)
}

// encodeErrorFrame returns an error frame about a topic. It does not repeat a name that is too long
// for a topic.
func encodeErrorFrame(name string, f problem.Fault) []byte {
	if len(name) > topic.MaxBytes {
		name = ""
	}
	frame := errorFrame{Op: "error", Topic: name, Code: f.Code, Message: f.Message, Retryable: f.Retryable}
	if f.After > 0 {
		frame.RetryAfter = problem.Seconds(f.After)
	}
	return encodeTextFrame(frame)
}

// nativeRequest is a frame of the client.
type nativeRequest struct {
	Op       string          `json:"op"`
	Topic    string          `json:"topic"`
	Since    *string         `json:"since"` // nil: from now. An empty text is a cursor that is not valid
	Token    string          `json:"token"`
	Snapshot bool            `json:"snapshot"`
	Where    json.RawMessage `json:"where"` // a filter; null is none
}

// filter returns the condition of a request, or nil. Whether it fits the topic is not looked at. The error is
// problem.ErrFilter.
func (r nativeRequest) filter() (any, error) {
	if len(r.Where) == 0 || string(r.Where) == "null" {
		return nil, nil
	}
	return access.ParseFilter(r.Where)
}

// since returns the cursor to resume from; empty without one.
func (r nativeRequest) since() string {
	if r.Since == nil {
		return ""
	}
	return givenCursor(*r.Since)
}

// parseNativeRequest reads a frame. With an error it returns what could be read, so that the answer
// can name the topic.
func parseNativeRequest(kind int, text []byte) (nativeRequest, error) {
	var req nativeRequest
	if kind != websocket.TextMessage {
		return req, problem.Explain(problem.ErrBadRequest, "frames are text")
	}
	if err := json.Unmarshal(text, &req); err != nil {
		return req, problem.Explain(problem.ErrBadRequest, "frames are JSON objects such as {\"op\":\"ping\"}")
	}
	return req, nil
}

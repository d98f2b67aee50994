package api

import (
	"encoding/json"
	"strings"

	"github.com/gorilla/websocket"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// nativeFormat stands for the native frames of events that are followed by so many parts of their
// topic: the frame of an event says which of its ancestors is followed.
type nativeFormat uint8

// nativeEncoding is the format of the events that a follower of a topic receives, and its encoder.
func nativeEncoding(followed topic.Topic) (key any, encode func(*notifier.Event) []byte) {
	parts := 1 + strings.Count(string(followed), "/")
	return nativeFormat(parts), func(e *notifier.Event) []byte { return encodeEvent(e, followed) }
}

func encodeSubscribed(h *held, start notifier.Start) []byte {
	frame := subscribedFrame{Op: "subscribed", Topic: h.topic, Cursor: start.Cursor}
	if h.request.Topic != string(h.topic) {
		frame.Requested = h.request.Topic
	}
	switch {
	case h.request.Snapshot:
		frame.Snapshot = problem.SoundJSON(start.State)
	case h.request.Since != nil:
		frame.Recovered = &start.Recovered
		frame.Reason = start.Reason
	}
	return encodeFrame(frame)
}

// encodeError tells a client what is wrong, and of which topic. A name that cannot be a topic is
// not repeated: it may be of any length.
func encodeError(name string, f problem.Fault) []byte {
	if len(name) > topic.MaxBytes {
		name = ""
	}
	frame := errorFrame{Op: "error", Topic: name, Code: f.Code, Message: f.Message, Retryable: f.Retryable}
	if f.After > 0 {
		frame.RetryAfter = problem.Seconds(f.After)
	}
	return encodeFrame(frame)
}

// request is a frame of the client.
type request struct {
	Op       string  `json:"op"`
	Topic    string  `json:"topic"`
	Since    *string `json:"since"` // nil: from now. An empty text is a cursor, and a bad one
	Token    string  `json:"token"`
	Snapshot bool    `json:"snapshot"`
}

// since is the cursor to go on from; empty without one.
func (r request) since() string {
	if r.Since == nil {
		return ""
	}
	return givenCursor(*r.Since)
}

// parseRequest returns what could be read of a malformed request too, for the answer to name.
func parseRequest(kind int, text []byte) (request, error) {
	var req request
	if kind != websocket.TextMessage {
		return req, problem.Explain(problem.ErrBadRequest, "frames are text")
	}
	if err := json.Unmarshal(text, &req); err != nil {
		return req, problem.Explain(problem.ErrBadRequest, "frames are JSON objects such as {\"op\":\"ping\"}")
	}
	return req, nil
}

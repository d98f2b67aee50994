package api

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// The frames of the native protocol, in the order of their keys on the wire.
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
		Requested string               `json:"requested,omitempty"` // the client's spelling, where it is another
		Cursor    string               `json:"cursor"`
		Recovered *bool                `json:"recovered,omitempty"` // only where since was sent
		Reason    notifier.ResetReason `json:"reason,omitempty"`
		Snapshot  json.RawMessage      `json:"snapshot,omitempty"`
	}
	eventFrame struct {
		Op       string          `json:"op"`
		Topic    topic.Topic     `json:"topic"`
		Followed topic.Topic     `json:"followed,omitempty"` // the subscription's topic, where it lies above
		ID       int64           `json:"id,string"`
		Type     string          `json:"type"`
		Data     json.RawMessage `json:"data"`
		Time     string          `json:"time"`
		Cursor   string          `json:"cursor,omitempty"`
		Skipped  int             `json:"skipped,omitempty"` // older events of its key that it stands for
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

// encodeEvent is the native frame of an event for those who follow its topic or, where followed is
// another, a topic above it.
func encodeEvent(e *notifier.Event, followed topic.Topic) []byte {
	return encodeFrame(newEventFrame(e, followed, e.Cursor()))
}

// encodeLatest is the native frame of an event that stands for older ones that were skipped. How many is
// each reader's own, so the frame is nobody else's.
func encodeLatest(e *notifier.Event, followed topic.Topic, skipped int) []byte {
	frame := newEventFrame(e, followed, e.Cursor())
	frame.Skipped = skipped
	return encodeFrame(frame)
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

// maxHeader is the longest header of a frame from a server: such frames carry no mask.
const maxHeader = 10

// encodeFrame is a text frame ready for the network: the WebSocket header and v as compact JSON.
// All of v's raw JSON must be sound.
func encodeFrame(v any) []byte {
	frame, err := problem.AppendJSON(make([]byte, maxHeader), v)
	if err != nil {
		panic("api: a frame that is no JSON: " + err.Error())
	}
	header := appendHeader(nil, websocket.TextMessage, len(frame)-maxHeader)
	frame = frame[maxHeader-len(header):]
	copy(frame, header)
	return frame
}

// controlFrame is a ping, pong or close frame ready for the network. The payload is at most 125 bytes.
func controlFrame(opcode int, payload []byte) []byte {
	return append(appendHeader(nil, opcode, len(payload)), payload...)
}

// appendHeader appends the header of an unfragmented frame as RFC 6455 section 5.2 has it.
func appendHeader(to []byte, opcode, length int) []byte {
	const final = 1 << 7
	to = append(to, final|byte(opcode))
	switch {
	case length <= 125:
		return append(to, byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(to, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(to, 127), uint64(length))
}

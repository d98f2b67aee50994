package rowcalltest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Frame is a frame of a native socket.
type Frame struct {
	Op, Topic, Code, Type, Cursor, Reason string
	ID                                    string
	Followed                              string
	Recovered                             *bool
	Data                                  map[string]any
	Snapshot                              []map[string]any
	Truncated                             bool
}

// ReceiveFrame returns the next frame of a native socket.
func (s *SocketClient) ReceiveFrame() Frame {
	s.T.Helper()
	text := s.Receive()
	var f Frame
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		s.T.Fatalf("%s: %v", text, err)
	}
	return f
}

// Subscribe subscribes to a topic and returns the answer. more are further keys of the request, such
// as "since":"…".
func (s *SocketClient) Subscribe(topic string, more ...string) Frame {
	s.T.Helper()
	keys := append([]string{`"op":"subscribe"`, fmt.Sprintf(`"topic":%q`, topic)}, more...)
	s.Send("{" + strings.Join(keys, ",") + "}")
	return s.ReceiveFrame()
}

// Follow subscribes to topics from now on, and returns the cursor of the last answer.
func (s *SocketClient) Follow(topics ...string) (cursor string) {
	s.T.Helper()
	for _, topic := range topics {
		f := s.Subscribe(topic)
		if f.Op != "subscribed" || f.Topic != topic {
			s.T.Fatalf("subscribed to %s, got %+v", topic, f)
		}
		cursor = f.Cursor
	}
	return cursor
}

// Resume subscribes from a cursor, which the server must accept.
func (s *SocketClient) Resume(topic, cursor string) {
	s.T.Helper()
	if f := s.Subscribe(topic, fmt.Sprintf(`"since":%q`, cursor)); f.Recovered == nil || !*f.Recovered || f.Cursor != cursor {
		s.T.Fatalf("resumed %s from %s, got %+v", topic, cursor, f)
	}
}

// SkipUntil takes frames until one contains a text.
func (s *SocketClient) SkipUntil(text string) {
	s.T.Helper()
	for !strings.Contains(s.Receive(), text) {
		continue
	}
}

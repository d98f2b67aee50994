package api

import (
	"strings"
	"testing"
	"time"

	"rowcall/notifier"
)

// flood gives a subscription events without end.
func (s *fakeSubscription) flood(e *notifier.Event) {
	s.mu.Lock()
	s.endless, s.settled = e, false
	s.mu.Unlock()
	s.request.Wake()
}

// TestNativeSignsOfLifePassAQueueThatIsNeverEmpty has a topic bring more than goes out. A ping is answered all the
// same, and heartbeats come, without the cursor that they would have otherwise.
func TestNativeSignsOfLifePassAQueueThatIsNeverEmpty(t *testing.T) {
	st := openStand(t, Options{Limits: Limits{PingInterval: 640 * time.Millisecond}})
	st.beat(t)
	b := st.dial(t, "/v1/ws")
	b.say(`{"op":"subscribe","topic":"room/5"}`)
	sub := st.feed.next(t)
	sub.flood(chatMessage(1))
	b.say(`{"op":"ping"}`)
	for _, want := range []string{`{"op":"pong"}`, `{"op":"heartbeat"}`, `{"op":"heartbeat"}`} {
		passed := time.After(patience)
		for heard := ""; heard != want; heard = b.hear() {
			select {
			case <-passed:
				t.Fatalf("no %s among the events", want)
			default:
			}
			if strings.HasPrefix(heard, `{"op":"pong","cursor"`) {
				t.Fatalf("heard %s while events were waiting", heard)
			}
		}
	}
}

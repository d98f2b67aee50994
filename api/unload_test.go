package api

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rowcall/notifier"
)

// TestAnswersThatNobodyTakesAreUnloaded has a client that requests much and does not read while the
// node needs room. The room is free soon, although the client had more time to read.
func TestAnswersThatNobodyTakesAreUnloaded(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/events?topic=dams&wait=30", "/v1/sse?topic=dams"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			st := openFakeFeedServer(t, Options{Limits: Limits{WriteTimeout: time.Hour}})
			raw := st.dialFrugal(t)
			if _, err := io.WriteString(raw, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			// The kernel takes less than this event for a client that does not read, so its first bytes say that
			// the write of it has begun and waits.
			big := event(1, "dams", "test", `"`+strings.Repeat("x", 1<<20)+`"`)
			st.feed.next(t).push(notifier.Taken{Events: []*notifier.Event{big}})
			readTo(t, raw, "xxxxxxxx")
			st.feed.shed()
			over := make(chan struct{})
			go func() { st.registry.requests.Wait(); close(over) }()
			select {
			case <-over:
			case <-time.After(patience):
				t.Error("it is still being sent")
			}
		})
	}
}

// readTo reads a byte at a time until the text has come.
func readTo(t *testing.T, raw net.Conn, text string) {
	t.Helper()
	_ = raw.SetReadDeadline(time.Now().Add(patience))
	var read []byte
	for !strings.HasSuffix(string(read), text) {
		next := make([]byte, 1)
		if _, err := raw.Read(next); err != nil {
			t.Fatalf("read %q, and then %v, want %q", read, err, text)
		}
		read = append(read, next...)
	}
}

// deadlineWriter counts the write deadlines that it is given.
type deadlineWriter struct {
	http.ResponseWriter
	given int
}

func (w *deadlineWriter) SetWriteDeadline(time.Time) error {
	w.given++
	return nil
}

// TestAnAnswerThatIsOverIsLeftAlone unloads an answer whose handler has returned: over HTTP/2 its
// ResponseWriter must not be used any more.
func TestAnAnswerThatIsOverIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := &deadlineWriter{ResponseWriter: httptest.NewRecorder()}
	c := newAnswerConn(w)
	c.startFinish(time.Hour)
	before := w.given
	c.abandon()
	if w.given != before {
		t.Error("it is touched")
	}
}

// TestNoCursorOvertakesAnAnswer has a pong sent while the answer to a subscribe, with a snapshot,
// is queued. A cursor in the pong would let the client resume after a state that it has not
// received.
func TestNoCursorOvertakesAnAnswer(t *testing.T) {
	t.Parallel()
	f := newFakeFeed()
	h := &topicSlot{topic: "room/5", subscription: &fakeSubscription{settled: true}, queued: true}
	n := newNative(&session{feed: f}, nil, nil)
	n.slots[h.topic] = h
	if got := n.caughtUpCursor(); got != "" {
		t.Errorf("the cursor is %q while the answer waits", got)
	}
	h.queued = false
	if got := n.caughtUpCursor(); got != "node" {
		t.Errorf("the cursor is %q", got)
	}
}

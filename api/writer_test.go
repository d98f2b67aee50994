package api

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/problem"
	"rowcall/notifier"
)

func TestNothingFollowsAGoodbye(t *testing.T) {
	c := &queueConn{wake: func() {}}
	ping := encodeControlFrame(websocket.PingMessage, nil)
	goodbye := encodeControlFrame(websocket.CloseMessage, websocket.FormatCloseMessage(1001, ""))
	for _, frame := range [][]byte{ping, goodbye} {
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	for _, frame := range [][]byte{ping, encodeControlFrame(websocket.CloseMessage, nil)} {
		if _, err := c.Write(frame); !errors.Is(err, errCloseQueued) {
			t.Errorf("%q behind a goodbye: %v", frame, err)
		}
	}
	if waiting, last := c.takeQueued(); string(waiting) != string(ping)+string(goodbye) || !last {
		t.Errorf("took %q, last %v", waiting, last)
	}
	if waiting, last := c.takeQueued(); len(waiting) > 0 || !last {
		t.Errorf("took %q again, last %v", waiting, last)
	}
}

func TestConnHoldsSoMuchAndAGoodbye(t *testing.T) {
	c := &queueConn{wake: func() {}}
	pong := encodeControlFrame(websocket.PongMessage, make([]byte, 125))
	var err error
	for taken := 0; err == nil; taken += len(pong) {
		if taken > maxQueuedBytes {
			t.Fatal("it takes everything")
		}
		_, err = c.Write(pong)
	}
	if !errors.Is(err, errUnreadFrames) {
		t.Error(err)
	}
	if _, err := c.Write(encodeControlFrame(websocket.CloseMessage, nil)); err != nil {
		t.Errorf("the goodbye: %v", err)
	}
}

// writes is a connection that records what is written, without copying it.
type writes struct {
	net.Conn
	given [][]byte
	err   error
}

func (w *writes) Write(p []byte) (int, error) {
	w.given = append(w.given, p)
	return len(p), w.err
}

func (w *writes) SetWriteDeadline(time.Time) error { return nil }

func TestBatch(t *testing.T) {
	var pool writeBuffers
	to := &writes{}
	out := pool.newBatch(to, time.Second, nil)
	small, big, long := []byte("small"), []byte(strings.Repeat("b", maxBatchBytes)), []byte(strings.Repeat("l", 3*maxChunkBytes))
	for _, frame := range [][]byte{small, small, big, small, long} {
		out.addFrame(frame)
	}
	out.flush()
	lengths := []int{2 * len(small), len(big), len(small), maxChunkBytes, maxChunkBytes, maxChunkBytes}
	if len(to.given) != len(lengths) {
		t.Fatalf("%d writes", len(to.given))
	}
	for i, p := range to.given {
		if len(p) != lengths[i] {
			t.Errorf("write %d has %d bytes, want %d", i, len(p), lengths[i])
		}
	}
	if &to.given[1][0] != &big[0] || &to.given[3][0] != &long[0] {
		t.Error("what is big was copied")
	}
	to.err = errors.New("broken")
	out.addFrame(big)
	out.addFrame(big)
	if out.err == nil || len(to.given) != len(lengths)+1 {
		t.Errorf("error %v, %d writes behind it", out.err, len(to.given)-len(lengths)-1)
	}
	pool.closeBatch(out)
}

// TestNativeHoldsSoManyAnswers sends requests without end while no writer runs.
func TestNativeHoldsSoManyAnswers(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	for name, ask := range map[string]func(*nativeFlow) error{
		"pongs":  func(n *nativeFlow) error { return n.queuePong() },
		"frames": func(n *nativeFlow) error { return n.unsubscribe(nativeRequest{Topic: "a"}) },
		"errors": func(n *nativeFlow) error { return n.answerError("", problem.ErrBadRequest) },
	} {
		n := newNative(st.unconnected(), st.topics, st.accounts)
		var err error
		asked := 0
		for ; err == nil && asked <= 2*maxUnsentAnswers; asked++ {
			err = ask(n)
		}
		if !errors.Is(err, notifier.ErrSlow) || asked < maxUnsentAnswers {
			t.Errorf("%s: %v after %d", name, err, asked)
		}
	}
}

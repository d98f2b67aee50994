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
	c := &conn{wake: func() {}}
	ping := controlFrame(websocket.PingMessage, nil)
	goodbye := controlFrame(websocket.CloseMessage, websocket.FormatCloseMessage(1001, ""))
	for _, frame := range [][]byte{ping, goodbye} {
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	for _, frame := range [][]byte{ping, controlFrame(websocket.CloseMessage, nil)} {
		if _, err := c.Write(frame); !errors.Is(err, errClosing) {
			t.Errorf("%q behind a goodbye: %v", frame, err)
		}
	}
	if waiting, last := c.take(); string(waiting) != string(ping)+string(goodbye) || !last {
		t.Errorf("took %q, last %v", waiting, last)
	}
	if waiting, last := c.take(); len(waiting) > 0 || !last {
		t.Errorf("took %q again, last %v", waiting, last)
	}
}

func TestConnHoldsSoMuchAndAGoodbye(t *testing.T) {
	c := &conn{wake: func() {}}
	pong := controlFrame(websocket.PongMessage, make([]byte, 125))
	var err error
	for taken := 0; err == nil; taken += len(pong) {
		if taken > maxWaiting {
			t.Fatal("it takes everything")
		}
		_, err = c.Write(pong)
	}
	if !errors.Is(err, errFlooding) {
		t.Error(err)
	}
	if _, err := c.Write(controlFrame(websocket.CloseMessage, nil)); err != nil {
		t.Errorf("the goodbye: %v", err)
	}
}

// writes is a connection that remembers what it is given, without copying.
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
	var pool batches
	to := &writes{}
	out := pool.borrow(to, time.Second, nil)
	small, big, long := []byte("small"), []byte(strings.Repeat("b", batchBytes)), []byte(strings.Repeat("l", 3*chunkBytes))
	for _, frame := range [][]byte{small, small, big, small, long} {
		out.add(frame)
	}
	out.flush()
	lengths := []int{2 * len(small), len(big), len(small), chunkBytes, chunkBytes, chunkBytes}
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
	out.add(big)
	out.add(big)
	if out.err == nil || len(to.given) != len(lengths)+1 {
		t.Errorf("error %v, %d writes behind it", out.err, len(to.given)-len(lengths)-1)
	}
	pool.give(out)
}

// TestNativeHoldsSoManyAnswers asks on and on while no writer is at work.
func TestNativeHoldsSoManyAnswers(t *testing.T) {
	st := openStand(t, Options{})
	for name, ask := range map[string]func(*native) error{
		"pongs":  func(n *native) error { return n.ping() },
		"frames": func(n *native) error { return n.unsubscribe(request{Topic: "a"}) },
		"errors": func(n *native) error { return n.refuse("", problem.ErrBadRequest) },
	} {
		n := newNative(st.unconnected(), st.topics, st.accounts)
		var err error
		asked := 0
		for ; err == nil && asked <= 2*maxUnsent; asked++ {
			err = ask(n)
		}
		if !errors.Is(err, notifier.ErrSlow) || asked < maxUnsent {
			t.Errorf("%s: %v after %d", name, err, asked)
		}
	}
}

package api

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/testdeadline"
)

// lineSession is a session over a TCP connection, and its other end.
func lineSession(t *testing.T, line *writeLine, f flow) (*session, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	far, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{line: line, buffers: &writeBuffers{}, limits: Limits{}.withDefaults(), flow: f, stopWork: func() {}}
	s.conn = &queueConn{Conn: near, wake: s.wake}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
		s.stopWriter()
		line.wait()
	})
	return s, far
}

// largeFlow sends so many frames once.
type largeFlow struct {
	silentFlow
	mu     sync.Mutex
	frames int
	frame  []byte
}

func (f *largeFlow) emit(out *writeBatch) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frames == 0 {
		return false
	}
	f.frames--
	out.addFrame(f.frame)
	return true
}

// TestAnUnreadSocketLeavesTheLine has sockets that nobody reads, more than there are goroutines in line, get more than
// the kernel buffers. Other sockets get what is sent to them, and so do these once they are read.
func TestAnUnreadSocketLeavesTheLine(t *testing.T) {
	t.Parallel()
	const unread, frames = 5, 64
	line := &writeLine{most: 2}
	frame := bytes.Repeat([]byte("x"), maxBatchBytes)
	var far []net.Conn
	for range unread {
		s, conn := lineSession(t, line, &largeFlow{frames: frames, frame: frame})
		s.limits.WriteTimeout = testdeadline.Scale(time.Minute)
		far = append(far, conn)
		s.wake()
	}
	read := func(conn net.Conn, want int64) {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(testdeadline.Scale(30 * time.Second)))
		if n, err := io.CopyN(io.Discard, conn, want); err != nil {
			t.Errorf("%d of %d bytes came, then %v", n, want, err)
		}
	}
	ping := encodeControlFrame(websocket.PingMessage, nil)
	healthy, conn := lineSession(t, line, silentFlow{})
	for range 3 {
		if _, err := healthy.conn.Write(ping); err != nil {
			t.Fatal(err)
		}
		read(conn, int64(len(ping)))
	}
	for _, conn := range far {
		read(conn, frames*maxBatchBytes)
	}
}

// TestAnEventOfManySocketsNeedsFewGoroutines wakes a hundred sessions, as an event of a room does. A goroutine for each
// would be one switch for each.
func TestAnEventOfManySocketsNeedsFewGoroutines(t *testing.T) {
	t.Parallel()
	const sockets, most = 100, 2
	line := &writeLine{most: most, serving: most} // as if all were at work
	var far []net.Conn
	ping := encodeControlFrame(websocket.PingMessage, nil)
	for range sockets {
		s, conn := lineSession(t, line, silentFlow{})
		far = append(far, conn)
		if _, err := s.conn.Write(ping); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(line.waiting); n != sockets {
		t.Errorf("%d sessions are in line, want %d", n, sockets)
	}
	line.running.Go(line.serve) // one of the two is enough for all
	for _, conn := range far {
		_ = conn.SetReadDeadline(time.Now().Add(testdeadline.Scale(30 * time.Second)))
		if _, err := io.ReadFull(conn, make([]byte, len(ping))); err != nil {
			t.Fatal(err)
		}
	}
	line.wait()
	if line.serving != most-1 {
		t.Errorf("then %d goroutines serve the line, want %d", line.serving, most-1)
	}
}

// TestADeadlineThatHasPassedEndsNoLaterWrite sends to a socket long after a write that had to wait.
func TestADeadlineThatHasPassedEndsNoLaterWrite(t *testing.T) {
	t.Parallel()
	flow := &largeFlow{frames: 64, frame: bytes.Repeat([]byte("x"), maxBatchBytes)}
	s, conn := lineSession(t, newWriteLine(), flow)
	s.limits.WriteTimeout = testdeadline.Scale(time.Minute)
	s.wake()
	_ = conn.SetReadDeadline(time.Now().Add(testdeadline.Scale(30 * time.Second)))
	if _, err := io.CopyN(io.Discard, conn, 64*maxBatchBytes); err != nil {
		t.Fatal(err)
	}
	s.writer.Wait()
	ping := encodeControlFrame(websocket.PingMessage, nil)
	if n := writeNow(s.conn.Conn, ping); n != len(ping) {
		t.Errorf("then %d bytes are written at once, want %d", n, len(ping))
	}
}

// TestAConnectionOfAnotherKindLeavesTheLine writes to a connection of which nobody knows whether a write would wait, as
// one with TLS.
func TestAConnectionOfAnotherKindLeavesTheLine(t *testing.T) {
	t.Parallel()
	line := &writeLine{most: 1}
	near, far := net.Pipe()
	s := &session{line: line, buffers: &writeBuffers{}, limits: Limits{}.withDefaults(), flow: silentFlow{}, stopWork: func() {}}
	s.limits.WriteTimeout = testdeadline.Scale(time.Minute)
	s.conn = &queueConn{Conn: near, wake: s.wake}
	ping := encodeControlFrame(websocket.PingMessage, nil)
	if _, err := s.conn.Write(ping); err != nil {
		t.Fatal(err)
	}
	other, conn := lineSession(t, line, silentFlow{}) // behind a write that waits, as nobody reads a pipe yet
	if _, err := other.conn.Write(ping); err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{conn, far} {
		_ = conn.SetReadDeadline(time.Now().Add(testdeadline.Scale(30 * time.Second)))
		if _, err := io.ReadFull(conn, make([]byte, len(ping))); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = near.Close(), far.Close()
	s.stopWriter()
	line.wait()
}

// fruitlessFlow looks for frames so many times and finds none, as with a filter that lets nothing through.
type fruitlessFlow struct {
	silentFlow
	looks int
	left  func() bool
	at    int // the look at which the session had left the line
}

func (f *fruitlessFlow) emit(*writeBatch) bool {
	f.looks--
	if f.at == 0 && f.left() {
		f.at = f.looks
	}
	return f.looks > 0
}

// TestASessionThatFindsNothingLeavesTheLine has a session look often without anything to write.
func TestASessionThatFindsNothingLeavesTheLine(t *testing.T) {
	t.Parallel()
	line := &writeLine{most: 1}
	flow := &fruitlessFlow{looks: 10 * quickLooks, left: func() bool {
		line.mu.Lock()
		defer line.mu.Unlock()
		return line.serving == 0
	}}
	s, _ := lineSession(t, line, flow)
	s.wake()
	s.writer.Wait()
	if flow.at == 0 {
		t.Errorf("after %d looks the session had not left the line", 10*quickLooks)
	}
}

package api

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/notifier"
)

var (
	errFlooding = errors.New("the client asks for more than it reads")
	errClosing  = errors.New("the goodbye has been said")
)

// maxWaiting bounds what a conn holds for a client that does not read, in bytes.
const maxWaiting = 64 << 10

// conn is the connection under gorilla's. Write does not block: what gorilla writes (the answer to
// the handshake, close frames) and small frames of our own collect, until the session's writer
// takes them and sends them together with the events that wait. Nothing follows a close frame.
type conn struct {
	net.Conn
	wake   func() // starts the writer
	holder *notifier.Holder

	mu      sync.Mutex // guards what follows
	waiting []byte
	closing bool   // a close frame is in waiting, or has been taken
	code    uint16 // of the close frame
}

// Write takes whole frames, or the answer to the handshake.
func (c *conn) Write(frame []byte) (int, error) {
	if err := c.put(frame); err != nil {
		return 0, err
	}
	c.holder.Add(len(frame))
	c.wake()
	return len(frame), nil
}

func (c *conn) put(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing:
		return errClosing
	case len(c.waiting)+len(frame) > maxWaiting && !isClose(frame):
		return errFlooding
	}
	c.waiting = append(c.waiting, frame...)
	if c.closing = isClose(frame); c.closing && len(frame) >= 4 {
		c.code = binary.BigEndian.Uint16(frame[2:])
	}
	return nil
}

func isClose(frame []byte) bool {
	return len(frame) > 0 && frame[0] == 1<<7|websocket.CloseMessage
}

// take returns what waits, and whether it is the last there will be.
func (c *conn) take() (waiting []byte, last bool) {
	c.mu.Lock()
	waiting, c.waiting = c.waiting, nil
	last = c.closing
	c.mu.Unlock()
	c.holder.Add(-len(waiting))
	return waiting, last
}

// saidGoodbye reports whether a close frame has been queued or sent.
func (c *conn) saidGoodbye() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// goodbye is the code of the close frame that has been queued or sent; 0 without one.
func (c *conn) goodbye() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.closing:
		return 0
	case c.code == 0:
		return websocket.CloseNoStatusReceived
	}
	return int(c.code)
}

// expect gives the client until d from now to say something. When the goodbye has been said, the
// time that was left then stays.
func (c *conn) expect(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		_ = c.SetReadDeadline(time.Now().Add(d))
	}
}

// SetWriteDeadline does nothing: Write does not block, and the writer sets deadlines of its own.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// hijacker hands gorilla a conn in place of the connection that the HTTP server gives away.
type hijacker struct {
	http.ResponseWriter
	wake   func()
	holder *notifier.Holder
	conn   *conn // after Hijack
}

// Hijack takes over the connection.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	raw, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &conn{Conn: raw, wake: h.wake, holder: h.holder}
	return h.conn, buffered, nil
}

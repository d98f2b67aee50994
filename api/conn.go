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
	errUnreadFrames = errors.New("the client asks for more than it reads")
	errCloseQueued  = errors.New("the goodbye has been said")
)

// maxQueuedBytes bounds what a queueConn holds for a client that does not read.
const maxQueuedBytes = 64 << 10

// queueConn is the connection below gorilla's. Its Write does not block: it queues what gorilla
// writes (the answer to the handshake, close frames) and small frames of our own, until the
// session's writer sends them together with the events that wait. Nothing is queued after a close
// frame.
type queueConn struct {
	net.Conn
	wake   func() // starts the writer
	holder *notifier.Holder

	mu             sync.Mutex // guards what follows
	queued         []byte
	closeQueued    bool   // a close frame is queued, or has been taken
	closeFrameCode uint16 // of the close frame
}

// Write queues whole frames, or the answer to the handshake.
func (c *queueConn) Write(frame []byte) (int, error) {
	if err := c.queueFrame(frame); err != nil {
		return 0, err
	}
	c.holder.Add(len(frame))
	c.wake()
	return len(frame), nil
}

func (c *queueConn) queueFrame(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closeQueued:
		return errCloseQueued
	case len(c.queued)+len(frame) > maxQueuedBytes && !isClose(frame):
		return errUnreadFrames
	}
	c.queued = append(c.queued, frame...)
	if c.closeQueued = isClose(frame); c.closeQueued && len(frame) >= 4 {
		c.closeFrameCode = binary.BigEndian.Uint16(frame[2:])
	}
	return nil
}

func isClose(frame []byte) bool {
	return len(frame) > 0 && frame[0] == 1<<7|websocket.CloseMessage
}

// takeQueued returns what is queued, and whether nothing will follow it.
func (c *queueConn) takeQueued() (waiting []byte, last bool) {
	c.mu.Lock()
	waiting, c.queued = c.queued, nil
	last = c.closeQueued
	c.mu.Unlock()
	c.holder.Add(-len(waiting))
	return waiting, last
}

// hasQueuedClose reports whether a close frame has been queued or sent.
func (c *queueConn) hasQueuedClose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closeQueued
}

// closeCode returns the code of the close frame that has been queued or sent; 0 without one.
func (c *queueConn) closeCode() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.closeQueued:
		return 0
	case c.closeFrameCode == 0:
		return websocket.CloseNoStatusReceived
	}
	return int(c.closeFrameCode)
}

// extendReadDeadline gives the client until d from now to send something. After a close frame was
// queued, the deadline stays as it was.
func (c *queueConn) extendReadDeadline(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closeQueued {
		_ = c.SetReadDeadline(time.Now().Add(d))
	}
}

// SetWriteDeadline does nothing: Write does not block, and the writer sets its own deadlines.
func (c *queueConn) SetWriteDeadline(time.Time) error { return nil }

// connHijacker gives gorilla a queueConn in place of the connection that the HTTP server hands
// over.
type connHijacker struct {
	http.ResponseWriter
	wake   func()
	holder *notifier.Holder
	conn   *queueConn // after Hijack
}

// Hijack takes over the connection.
func (h *connHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	raw, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &queueConn{Conn: raw, wake: h.wake, holder: h.holder}
	return h.conn, buffered, nil
}

package api

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// errGone is the error for a client that has disconnected.
var errGone = errors.New("the client has gone")

// answerConn is an HTTP answer in the form that a writeBatch writes to: each write is sent at once.
// There is no deadline between writes, because HTTP/2 ends a stream whose deadline passes even
// while nothing is written.
type answerConn struct {
	net.Conn // nil: a writeBatch only writes and sets deadlines
	w        http.ResponseWriter
	control  *http.ResponseController

	mu        sync.Mutex // guards what follows, and the write deadline, which is not ours once the handler has returned
	abandoned bool
	over      bool
}

// newAnswerConn removes the server's deadlines from a request: they are for answers that do not
// wait.
func newAnswerConn(w http.ResponseWriter) *answerConn {
	c := &answerConn{w: w, control: http.NewResponseController(w)}
	_ = c.control.SetReadDeadline(time.Time{}) // it would end the request while it waits
	_ = c.control.SetWriteDeadline(time.Time{})
	return c
}

// startFinish gives the HTTP server a deadline for what it does after the handler has returned: it
// sends the end of the answer, and reads what the client has sent behind its request.
func (c *answerConn) startFinish(timeout time.Duration) {
	end := time.Now().Add(timeout)
	_ = c.control.SetReadDeadline(end)
	_ = c.SetWriteDeadline(end)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// SetWriteDeadline bounds the next Write. The error is errGone if the client has been given up.
func (c *answerConn) SetWriteDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.abandoned {
		return errGone
	}
	return c.control.SetWriteDeadline(at)
}

// unload ends the answer because more waits on the node than may, and most of it here. A client
// that reads may still receive all of it; a client that does not read is cut off after closeWait.
func (c *answerConn) unload() { time.AfterFunc(closeWait, c.abandon) }

func (c *answerConn) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.abandoned = true
	_ = c.control.SetWriteDeadline(time.Now())
}

// Write sends p, and what was written before it.
func (c *answerConn) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err == nil {
		err = c.control.Flush()
	}
	if gone := c.SetWriteDeadline(time.Time{}); errors.Is(gone, errGone) {
		err = gone
	}
	return n, err
}

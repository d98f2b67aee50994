package api

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// answerConn is an HTTP answer as a batch sees it: what is written is sent at once. Between writes
// there is no deadline, since HTTP/2 ends a stream when one passes, even when nothing is being written.
type answerConn struct {
	net.Conn // none: batches write and set deadlines
	w        http.ResponseWriter
	control  *http.ResponseController
}

// newAnswerConn takes the server's own deadlines off a request: they are for answers that do not wait.
func newAnswerConn(w http.ResponseWriter) *answerConn {
	c := &answerConn{w: w, control: http.NewResponseController(w)}
	_ = c.control.SetReadDeadline(time.Time{}) // it would end the request while it waits
	_ = c.control.SetWriteDeadline(time.Time{})
	return c
}

// finish bounds what the HTTP server still has to do when the handler has returned: send the answer's
// end, and read what the client may have sent behind its request.
func (c *answerConn) finish(timeout time.Duration) {
	end := time.Now().Add(timeout)
	_ = c.control.SetReadDeadline(end)
	_ = c.control.SetWriteDeadline(end)
}

// SetWriteDeadline bounds the next Write.
func (c *answerConn) SetWriteDeadline(at time.Time) error { return c.control.SetWriteDeadline(at) }

// Write sends p and what has been written before.
func (c *answerConn) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err == nil {
		err = c.control.Flush()
	}
	_ = c.control.SetWriteDeadline(time.Time{})
	return n, err
}

// answer sends a JSON body that no cache may keep, in pieces that each must be taken in time. Errors of
// writing mean that the client has gone.
func (s *Server) answer(c *answerConn, body any) {
	text := mustText(body)
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	out := s.batches.borrow(c, s.limits.WriteTimeout)
	defer s.batches.give(out)
	out.add(text)
	out.flush()
}

package api

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"rowcall/api/problem"
)

// answerConn is an HTTP answer as a batch sees it: what is written is sent at once. Between writes
// there is no deadline, since HTTP/2 ends a stream when one passes, even when nothing is being written.
type answerConn struct {
	net.Conn // none: batches write and set deadlines
	w        http.ResponseWriter
	control  *http.ResponseController

	mu        sync.Mutex // guards what follows, and the deadline of writes: it is none of ours once the handler is over
	abandoned bool
	over      bool
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
	_ = c.SetWriteDeadline(end)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// SetWriteDeadline bounds the next Write. The error is errGone where the client was given up.
func (c *answerConn) SetWriteDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.abandoned {
		return errGone
	}
	return c.control.SetWriteDeadline(at)
}

// unload has the answer end because more waits on the node than may, and most of it here. Who reads may still get all
// of it; one that has left a write waiting is cut off soon.
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

// Write sends p and what has been written before.
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

// admitted has a request about topics served, if it may come in. An error of serve means that it was not answered.
func (t *topicRequests) admitted(w http.ResponseWriter, r *http.Request, serve func(out *answerConn, in *admission) error) {
	out := newAnswerConn(w)
	defer out.finish(t.limits.WriteTimeout)
	in, err := t.admit(r)
	if err == nil {
		defer in.Close()
		err = serve(out, in)
	}
	if err != nil {
		problem.Refuse(w, r, t.log, err)
	}
}

// answer sends a JSON body that no cache may keep, in pieces that each must be taken in time. Errors of
// writing mean that the client has gone.
func (t *topicRequests) answer(c *answerConn, body any) {
	text := problem.MustEncodeJSON(body)
	holder := t.feed.NewHolder(c.unload)
	defer holder.Close()
	holder.Add(len(text))
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	out := t.batches.borrow(c, t.limits.WriteTimeout, holder)
	defer t.batches.give(out)
	out.add(text)
	out.flush()
}

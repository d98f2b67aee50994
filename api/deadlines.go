package api

import (
	"io"
	"net/http"
	"time"
)

// deadlines are for clients that dawdle over a plain request, or over a handshake. Sockets, once upgraded, and streams
// have their own.
type deadlines struct {
	header time.Duration // for the header, and before that for TLS
	body   time.Duration
	answer time.Duration // to be taken
	idle   time.Duration // until the next request on the same connection
}

func usualDeadlines() *deadlines {
	return &deadlines{header: 5 * time.Second, body: 10 * time.Second, answer: 30 * time.Second, idle: 60 * time.Second}
}

// maxHeaderBytes bounds the header of a request; net/http lets 4 KiB more pass.
const maxHeaderBytes = 16 << 10

// begin gives the client its time for the body from now on, however long the header has taken. Once nothing is left to
// read, no deadline is: while somebody waits for an answer it would end the request.
func (d *deadlines) begin(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if r.ContentLength == 0 {
		_ = control.SetReadDeadline(time.Time{}) // a ResponseWriter without deadlines is a test's
		return
	}
	_ = control.SetReadDeadline(time.Now().Add(d.body))
	r.Body = &timedBody{r.Body, control}
}

// timedBody is a body with a deadline.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read takes the deadline off at the end, and nowhere else: what a client still owes has its time.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

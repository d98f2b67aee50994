package api

import (
	"net/http"
	"time"
)

// pageStep is how much of a page must be taken within one deadline of an answer.
const pageStep = 16 << 10

// servePages gives the client its time anew for each piece of a file: a slow link may need longer for the whole of one than
// any other answer may take.
func servePages(next http.Handler, d *deadlines) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&steadyWriter{w, d.answer}, r)
	})
}

// steadyWriter moves the deadline of an answer with every step.
type steadyWriter struct {
	http.ResponseWriter
	patience time.Duration
}

// Unwrap lets an http.ResponseController find what it needs.
func (w *steadyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *steadyWriter) Write(p []byte) (written int, err error) {
	control := http.NewResponseController(w.ResponseWriter)
	for {
		_ = control.SetWriteDeadline(time.Now().Add(w.patience)) // a ResponseWriter without deadlines is a test's
		step := p[written:min(written+pageStep, len(p))]
		n, err := w.ResponseWriter.Write(step)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

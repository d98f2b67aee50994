package api

import (
	"cmp"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rowcall/api/door"
	"rowcall/api/problem"
)

// Requests to these addresses wait for events.
const (
	streamPath = "/v1/sse"
	eventsPath = "/v1/events"
	tailPath   = "/api/console/tail"
)

// Limits bound what a socket may take. The zero value of each is its documented default.
type Limits struct {
	SubscriptionsPerSocket int           // topics that a native socket may hold; 100
	FramesPerSecond        int           // that a socket may send; more wait unread; 50
	FrameBytes             int           // of a message from the client; 64 KiB
	WriteTimeout           time.Duration // for the client to take at most 256 KiB; 10 s
	PingInterval           time.Duration // between pings and heartbeats; 25 s
	PongTimeout            time.Duration // after which a silent client is cut off; 60 s
}

func (l Limits) withDefaults() Limits {
	l.SubscriptionsPerSocket = cmp.Or(l.SubscriptionsPerSocket, 100)
	l.FramesPerSecond = cmp.Or(l.FramesPerSecond, 50)
	l.FrameBytes = cmp.Or(l.FrameBytes, 64<<10)
	l.WriteTimeout = cmp.Or(l.WriteTimeout, 10*time.Second)
	l.PingInterval = cmp.Or(l.PingInterval, 25*time.Second)
	l.PongTimeout = cmp.Or(l.PongTimeout, 60*time.Second)
	return l
}

// requestLimits bound requests that are not handshakes.
type requestLimits struct {
	door      *door.Door
	deadlines *deadlines
	log       *slog.Logger
}

// limit answers a plain HTTP request, unless its address has sent too many. Requests that read the
// database count. Pages do not: they are read from memory, and a visit loads many at once. /healthz
// and /readyz do not, because operators need them most under load. A stream counts as a handshake,
// and is told there if there are too many: an error status here would make EventSource give up for
// good.
func (l *requestLimits) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if countsAsRequest(r.URL.Path) {
			if err := l.door.AdmitRequest(r); err != nil {
				problem.Refuse(w, r, l.log, err)
				return
			}
		}
		l.deadlines.startBody(w, r)
		next.ServeHTTP(w, r)
	})
}

func countsAsRequest(path string) bool {
	switch path {
	case streamPath, tailPath:
		return false
	}
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/")
}

// deadlines are for clients that are slow with a plain request or a handshake. Open sockets and
// streams have their own.
type deadlines struct {
	header time.Duration // for the header, and for TLS before it
	body   time.Duration
	answer time.Duration // for the client to take the answer
	idle   time.Duration // between requests on a connection
}

func defaultDeadlines() *deadlines {
	return &deadlines{header: 5 * time.Second, body: 10 * time.Second, answer: 30 * time.Second, idle: 60 * time.Second}
}

// maxHeaderBytes bounds the header of a request; net/http allows 4 KiB more.
const maxHeaderBytes = 16 << 10

// startBody starts the deadline for the body, however long the header has taken. Without a body it
// removes the deadline, which would end a request that waits for its answer.
func (d *deadlines) startBody(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if r.ContentLength == 0 {
		_ = control.SetReadDeadline(time.Time{}) // only the ResponseWriter of a test has no deadlines
		return
	}
	_ = control.SetReadDeadline(time.Now().Add(d.body))
	r.Body = &deadlineBody{r.Body, control}
}

// deadlineBody is a body with a read deadline.
type deadlineBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read removes the deadline at the end of the body, and not earlier.
func (b *deadlineBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

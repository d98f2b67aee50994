package api

import (
	"log/slog"
	"net/http"
	"strings"

	"rowcall/api/door"
	"rowcall/api/problem"
)

// requestLimits bound requests that are not handshakes.
type requestLimits struct {
	door      *door.Door
	deadlines *deadlines
	log       *slog.Logger
}

// limit answers a plain HTTP request, unless its address has asked too often. What reads the database counts; pages
// do not: they come out of memory, many at once for one visit. Neither do /healthz and /readyz, which somebody asks
// most urgently when too much is going on. A stream counts as a handshake, and who asks for too many hears it there:
// a status that says so would end EventSource for good.
func (l *requestLimits) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if countsAsRequest(r.URL.Path) {
			if err := l.door.AdmitRequest(r); err != nil {
				problem.Refuse(w, r, l.log, err)
				return
			}
		}
		l.deadlines.begin(w, r)
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

// notACursor is a text that no cursor has: the feed refuses it as notifier.ErrBadCursor.
const notACursor = "(empty)"

// givenCursor is a cursor that a client sent, for notifier.Request.Since. There the empty text means
// that there is no cursor. A client that sends an empty cursor has lost its own: to start it from now
// would hide from it what it has missed.
func givenCursor(text string) string {
	if text == "" {
		return notACursor
	}
	return text
}

// sinceIn reads the parameter since, which may be given once. It is empty if it is not given.
func sinceIn(q problem.Query) (string, error) {
	text, err := q.Text("since")
	if err != nil || !q.Has("since") {
		return "", err
	}
	return givenCursor(text), nil
}

// sinceOf reads the parameter since of a socket's address. It is empty if it is not given.
func sinceOf(r *http.Request) string {
	q := r.URL.Query()
	if !q.Has("since") {
		return ""
	}
	return givenCursor(q.Get("since"))
}

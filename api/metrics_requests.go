package api

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
	"time"
)

// counting counts what is answered, by the pattern that the address matched. What the door turns away has
// matched none.
func (m *Metrics) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := &answerStatus{ResponseWriter: w}
		defer func() {
			route := r.Pattern
			if route == "" {
				route = "none"
			}
			m.requests.WithLabelValues(route, strconv.Itoa(answer.code())).Inc()
			if answer.status != http.StatusSwitchingProtocols && !lasting(route) {
				m.took.WithLabelValues(route).Observe(time.Since(began).Seconds())
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// lasting reports whether requests for a route wait for events: how long they take says nothing.
func lasting(route string) bool {
	switch route {
	case "GET " + streamPath, "GET " + eventsPath, "GET " + tailPath:
		return true
	}
	return false
}

// answerStatus notes the status of an answer.
type answerStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status that counts; others are of the kind that another follows.
func (a *answerStatus) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Hijack is for sockets: whoever takes a connection over switches protocols.
func (a *answerStatus) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}

// Unwrap lets an http.ResponseController find what it needs.
func (a *answerStatus) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answerStatus) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

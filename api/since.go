package api

import (
	"net/http"

	"rowcall/api/problem"
)

// notACursor is a text that no cursor has: the feed refuses it as notifier.ErrBadCursor.
const notACursor = "(empty)"

// givenCursor returns a cursor that a client has sent, for notifier.Request.Since. There the empty text
// means that there is no cursor. A client that sends an empty cursor has lost its own: to start it
// from now would hide from it what it has missed.
func givenCursor(text string) string {
	if text == "" {
		return notACursor
	}
	return text
}

// sinceIn reads the parameter since, which may be given once; empty if it is not given.
func sinceIn(q problem.Query) (string, error) {
	text, err := q.Text("since")
	if err != nil || !q.Has("since") {
		return "", err
	}
	return givenCursor(text), nil
}

// sinceOf reads the parameter since of a socket's address; empty if it is not given.
func sinceOf(r *http.Request) string {
	q := r.URL.Query()
	if !q.Has("since") {
		return ""
	}
	return givenCursor(q.Get("since"))
}

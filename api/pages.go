package api

import (
	"log/slog"
	"net/http"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// pageStep is how much of a page the client must take within one deadline.
const pageStep = 16 << 10

// servePages starts the deadline anew for each piece of a file: over a slow link a whole file may
// need longer than any other answer may take.
func servePages(next http.Handler, d *deadlines) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&steadyWriter{w, d.answer}, r)
	})
}

// steadyWriter moves the write deadline with each piece.
type steadyWriter struct {
	http.ResponseWriter
	patience time.Duration
}

// Unwrap returns the ResponseWriter below, for http.ResponseController.
func (w *steadyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *steadyWriter) Write(p []byte) (written int, err error) {
	control := http.NewResponseController(w.ResponseWriter)
	for {
		_ = control.SetWriteDeadline(time.Now().Add(w.patience)) // only the ResponseWriter of a test has no deadlines
		step := p[written:min(written+pageStep, len(p))]
		n, err := w.ResponseWriter.Write(step)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// Site is what a server tells its pages about itself.
type Site struct {
	Apps  bool   `json:"apps"`            // the example applications are served
	Demo  *Demo  `json:"demo,omitempty"`  // nil: this is no demo
	Tiles *Tiles `json:"tiles,omitempty"` // nil: the map draws its own basemap
	Watch bool   `json:"watch,omitempty"` // the node is that of rowcall watch: a one-time code opens its pages
}

// Tiles says where the map's tiles come from.
type Tiles struct {
	URL         string `json:"url"` // with {z}, {x} and {y}
	Attribution string `json:"attribution"`
}

// Demo is what a demo tells everybody.
type Demo struct {
	Accounts []string `json:"accounts"` // usernames, which are also the passwords
	Psql     string   `json:"psql"`     // a command that opens the database; empty: not known
}

// sessionAnswer is the answer to GET /api/session.
type sessionAnswer struct {
	User *identity.ShownUser `json:"user"`
	Site
}

// serveSession answers GET /api/session with the user, or null, and the Site. Unlike for /api/me,
// an anonymous request is no error: browsers log each error status to the console of a page that
// only wants to know.
func serveSession(accounts *identity.Accounts, site Site, log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := accounts.Visitor(w, r)
		if err != nil {
			problem.Refuse(w, r, log, err)
			return
		}
		problem.WriteJSON(w, http.StatusOK, sessionAnswer{User: user, Site: site})
	}
}

package api

import (
	"log/slog"
	"net/http"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// Site is what a server tells its pages about itself.
type Site struct {
	Apps  bool   `json:"apps"`            // the example applications are there
	Demo  *Demo  `json:"demo,omitempty"`  // nil: this is no demo
	Tiles *Tiles `json:"tiles,omitempty"` // nil: the map draws its own basemap
}

// Tiles says where the map's tiles come from.
type Tiles struct {
	URL         string `json:"url"` // with {z}, {x} and {y}
	Attribution string `json:"attribution"`
}

// Demo is what a demo tells everybody who looks at it.
type Demo struct {
	Accounts []string `json:"accounts"` // whose passwords are their names
	Psql     string   `json:"psql"`     // a command that opens the database; empty: not known
}

// sessionAnswer is the answer of GET /api/session.
type sessionAnswer struct {
	User *identity.ShownUser `json:"user"`
	Site
}

// serveSession answers GET /api/session with the user, or null, and what the site is. To be anonymous is
// no error here, as it is for /api/me: browsers log each error status to the console of a page that
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

package api

import (
	"errors"
	"net/http"

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
	User *shownUser `json:"user"`
	Site
}

// Visitor answers GET /api/session: who is logged in, or null, and what the site is. To be nobody is
// no error here, as it is for /api/me: browsers write each of those to the console of a page that
// only wants to know. A cookie that is of no use any more is taken away.
func (a *Accounts) Visitor(site Site) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, _, err := a.identify(r.Context(), r)
		_, token := bearer(r)
		if errors.Is(err, problem.ErrUnauthorized) && !token {
			a.takeCookie(w, r)
			err = nil
		}
		if err != nil {
			problem.Refuse(w, r, a.log, err)
			return
		}
		answer := sessionAnswer{Site: site}
		if who != nil {
			shown := a.users.shown(who)
			answer.User = &shown
		}
		problem.WriteJSON(w, http.StatusOK, answer)
	}
}

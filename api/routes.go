package api

import (
	"net/http"
	"strings"

	"github.com/gorilla/websocket"

	"rowcall/api/door"
	"rowcall/api/problem"
)

// nativePath is where the native protocol is spoken.
const nativePath = door.NativePath

// Requests to these wait for events.
const (
	streamPath = "/v1/sse"
	eventsPath = "/v1/events"
	tailPath   = "/api/console/tail"
)

// routes sends handshakes to their sockets and everything else to a mux: the mux would answer some
// spellings of a path with a redirect, which no WebSocket follows.
func (s *Server) routes(o Options) http.Handler {
	mux := http.NewServeMux()
	s.handle(mux, "POST", "/api/login", s.accounts.Login)
	s.handle(mux, "POST", "/api/logout", s.logout)
	s.handle(mux, "GET", "/api/me", s.accounts.Me)
	s.handle(mux, "GET", "/api/session", serveSession(s.accounts, o.Site, s.log))
	s.handle(mux, "GET", streamPath, s.serveStream)
	s.handle(mux, "GET", eventsPath, s.serveEvents)
	s.handle(mux, "GET", "/v1/topics/{topic...}", s.serveTopic)
	if o.Health != nil {
		s.handle(mux, "GET", "/healthz", o.Health.Alive)
		s.handle(mux, "GET", "/readyz", o.Health.Ready)
	}
	o.Resources.Routes(mux, s.accounts.Require)
	o.Functions.Routes(mux, s.accounts.Require)
	s.serveConsole(mux)
	mux.HandleFunc("/api/", s.notFound)
	mux.HandleFunc("/v1/", s.notFound)
	if o.Pages != nil {
		mux.Handle("/", s.pages(o.Pages))
	} else {
		mux.HandleFunc("/", s.notFound)
	}
	requests := s.requests(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handshake := s.socketAt(r.URL.Path)
		switch {
		case handshake == nil && websocket.IsWebSocketUpgrade(r):
			s.notFound(w, r)
		case handshake == nil:
			requests.ServeHTTP(w, r)
		case !websocket.IsWebSocketUpgrade(r):
			problem.Refuse(w, r, s.log, problem.Explain(problem.ErrBadRequest, "this address speaks WebSocket only"))
		default:
			handshake(w, r)
		}
	})
}

// handle answers one method at a path, and tells the others which it is.
func (s *Server) handle(mux *http.ServeMux, method, path string, answer http.HandlerFunc) {
	mux.HandleFunc(method+" "+path, answer)
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", method)
		problem.Refuse(w, r, s.log, problem.ErrMethod)
	})
}

// logout ends a session together with its sockets on this node.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	login := s.accounts.LoginName(r)
	s.accounts.Logout(w, r)
	if login != "" {
		s.watch.endLogin(login)
	}
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	problem.Refuse(w, r, s.log, problem.Explain(problem.ErrNotFound, "there is nothing at this address"))
}

// socketAt finds the socket that a path leads to; nil without one.
func (s *Server) socketAt(path string) http.HandlerFunc {
	if strings.TrimSuffix(path, "/") == nativePath {
		return routed(nativePath, s.serveNative)
	}
	for _, candidate := range s.sockets {
		if values, ok := candidate.path.MatchPath(path); ok {
			return routed(candidate.path.String(), func(w http.ResponseWriter, r *http.Request) { s.servePlain(w, r, candidate, values) })
		}
	}
	for _, candidate := range s.dcrf {
		if _, ok := candidate.path.MatchPath(path); ok {
			return routed(candidate.path.String(), func(w http.ResponseWriter, r *http.Request) { s.serveDCRF(w, r, candidate) })
		}
	}
	return nil
}

// routed notes the pattern of an address, as the mux does for the others.
func routed(pattern string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Pattern = pattern
		answer(w, r)
	}
}

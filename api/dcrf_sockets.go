package api

import (
	"errors"
	"net/http"

	"rowcall/api/problem"
	"rowcall/api/resource"
	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// dcrfSocket is a compiled rule of a socket that serves resources.
type dcrfSocket struct {
	path    topic.Pattern
	bare    bool // it serves one resource, whose name does not stand in frames
	streams []*servedResource
}

// servedResource is a resource as a socket serves it. It is the key of its encodings.
type servedResource struct {
	name     string // empty on a bare socket
	resource *resource.Resource
}

// compileDCRFSocket makes a socket of a rule that has passed the checks.
func compileDCRFSocket(source rules.Socket, resources *resource.Resources) *dcrfSocket {
	if source.Resource != "" {
		only := &servedResource{resource: resources.Named(source.Resource)}
		return &dcrfSocket{path: source.PathPattern(), bare: true, streams: []*servedResource{only}}
	}
	s := &dcrfSocket{path: source.PathPattern()}
	for _, name := range source.Streams {
		s.streams = append(s.streams, &servedResource{name, resources.Named(name)})
	}
	return s
}

// serveDCRF answers handshakes of a socket that serves resources. Everybody may open one; those who are
// not logged in have their requests refused, and hear of nothing.
func (s *Server) serveDCRF(w http.ResponseWriter, r *http.Request, to *dcrfSocket) {
	in, err := s.admit(r)
	if err != nil {
		s.turnAway(w, r, sessionDCRF, err)
		return
	}
	defer func() { in.release() }()
	session := s.sessionOf(&in, s.plainUpgrader)
	session.terse, session.presence.kind = true, sessionDCRF
	if in.unknown != nil && !errors.Is(in.unknown, problem.ErrUnauthorized) {
		s.closeAtOnce(w, r, session, &in, in.unknown)
		return
	}
	flow, err := openDCRF(r.Context(), session, s.feed, s.accounts, to, r.URL.Query().Get("since"))
	if err != nil {
		s.closeAtOnce(w, r, session, &in, err)
		return
	}
	session.flow = flow
	s.carry(w, r, session, &in)
}

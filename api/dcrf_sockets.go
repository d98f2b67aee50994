package api

import (
	"errors"
	"net/http"

	"rowcall/api/identity"
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

// dcrfProtocol is the protocol of a socket that serves resources.
type dcrfProtocol struct {
	socket   *dcrfSocket
	accounts *identity.Accounts
}

func (dcrfProtocol) kind() sessionKind { return sessionDCRF }

// refuses lets everybody open a socket. Users who are not logged in have their requests refused and
// receive no events.
func (dcrfProtocol) refuses(*admission) error { return nil }

func (p dcrfProtocol) open(r *http.Request, in *admission, s *session) (flow, error) {
	if in.unknown != nil && !errors.Is(in.unknown, problem.ErrUnauthorized) {
		return nil, in.unknown
	}
	opened, err := openDCRF(r.Context(), s, p.accounts, p.socket, sinceOf(r))
	if err != nil {
		return nil, err
	}
	return opened, nil
}

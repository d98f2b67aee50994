package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"rowcall/api/problem"
	"rowcall/notifier/topic"
)

// protocolDCRF is the protocol of sockets that serve resources.
const protocolDCRF = "dcrf"

// dcrfSocket is a compiled SocketRule of protocol dcrf.
type dcrfSocket struct {
	path    topic.Pattern
	bare    bool // it serves one resource, whose name does not stand in frames
	streams []*servedResource
}

// servedResource is a resource as a socket serves it. It is the key of its encodings.
type servedResource struct {
	name     string // empty on a bare socket
	resource *resource
}

// compileDCRF takes those of the rules that are of protocol dcrf. The error joins all problems, each with
// its key path.
func compileDCRF(rules []SocketRule, resources *Resources, others []*socket) ([]*dcrfSocket, error) {
	return compileEach("sockets", speaking(rules, true), func(rule SocketRule, before []*dcrfSocket) (*dcrfSocket, error) {
		compiled, err := compileDCRFSocket(rule, resources)
		if err == nil {
			err = at("path", compiled.clash(before, others))
		}
		return compiled, err
	})
}

// compileDCRFSocket returns all that is wrong with one rule, joined.
func compileDCRFSocket(rule SocketRule, resources *Resources) (*dcrfSocket, error) {
	s := &dcrfSocket{bare: rule.Resource != ""}
	var problems []error
	note := func(key string, err error) { problems = append(problems, at(key, err)) }
	path, err := topic.ParsePathPattern(rule.Path)
	if err == nil && len(path.Parameters()) > 0 {
		err = fmt.Errorf("%q: such a socket has no use for parameters", rule.Path)
	}
	s.path = path
	note("path", err)
	switch {
	case s.bare && len(rule.Streams) > 0:
		note("streams", errors.New("give resource or streams, not both"))
	case s.bare:
		note("resource", s.serve("", rule.Resource, resources))
	case len(rule.Streams) == 0:
		note("resource", errors.New("name one, or several under streams"))
	}
	for i, name := range rule.Streams {
		note(fmt.Sprintf("streams[%d]", i), s.serve(name, name, resources))
	}
	return s, errors.Join(problems...)
}

// serve adds a resource under a name.
func (s *dcrfSocket) serve(name, resource string, resources *Resources) error {
	found := resources.named(resource)
	switch {
	case found == nil:
		return fmt.Errorf("%q is not listed under resources", resource)
	case slices.ContainsFunc(s.streams, func(other *servedResource) bool { return other.resource == found }):
		return fmt.Errorf("%q stands twice", resource)
	case found.topic == nil:
		return fmt.Errorf("%q has no topic, so that nobody would hear of its changes", resource)
	}
	s.streams = append(s.streams, &servedResource{name: name, resource: found})
	return nil
}

func (s *dcrfSocket) clash(others []*dcrfSocket, plain []*socket) error {
	paths := make([]topic.Pattern, 0, len(others)+len(plain))
	for _, other := range others {
		paths = append(paths, other.path)
	}
	for _, other := range plain {
		paths = append(paths, other.path)
	}
	for _, other := range paths {
		if other.Overlaps(s.path) {
			return fmt.Errorf("%q and %q could be the same path", other.String(), s.path.String())
		}
	}
	return nil
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

package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// socket is a compiled rule of a socket that is bound to a topic. It is the key of its encodings.
type socket struct {
	path    topic.Pattern
	topic   topic.Pattern
	refuse  bool                // anonymous followers, at the handshake
	literal json.RawMessage     // the frame, whatever the event says; nil: it depends on the event
	kwargs  bool                // the frame is type and kwargs; else data alone
	forward map[string][]string // the fields that are sent, by type of event
}

// compileSocket makes a socket of a rule that has passed the checks.
func compileSocket(source rules.Socket) *socket {
	s := &socket{
		path:    source.PathPattern(),
		topic:   source.TopicPattern(),
		refuse:  source.RefusesAnonymous(),
		literal: source.LiteralFrame(),
		kwargs:  source.Frame == rules.FrameKwargs,
		forward: make(map[string][]string, len(source.Forward)),
	}
	for _, f := range source.Forward {
		s.forward[f.Type] = f.Fields
	}
	return s
}

// topicOf is the topic behind an address, for a follower.
func (s *socket) topicOf(values []string, user string) string {
	names := s.path.Parameters()
	return s.topic.Expand(func(name string) string {
		if name == rules.ParameterMe {
			return user
		}
		return values[slices.IndexFunc(names, func(p topic.Parameter) bool { return p.Name == name })]
	})
}

// plain is the flow of a socket bound to one topic, in a seed's own format: events of the types it
// forwards and nothing else. What the page sends is not even read.
type plain struct {
	session *session
	socket  *socket
	sub     subscription
	encode  func(*notifier.Event) []byte
}

// plainProtocol is the protocol of a socket that is bound to a topic, at one of its paths.
type plainProtocol struct {
	socket *socket
	values []string // of the path's parameters
}

func (plainProtocol) kind() sessionKind { return sessionPlain }

// refuses refuses anonymous users if the socket is configured so. A user who is not known because the
// database did not answer is not anonymous.
func (p plainProtocol) refuses(in *admission) error {
	known := in.unknown == nil || errors.Is(in.unknown, problem.ErrUnauthorized)
	if p.socket.refuse && known && in.who.Anonymous() {
		return problem.Explain(problem.ErrForbidden, "log in first")
	}
	return nil
}

// open subscribes to the topic before the handshake is answered, so that the socket delivers what commits
// after the answer. Credentials that are not valid count as none, as they did for the seeds.
func (p plainProtocol) open(r *http.Request, in *admission, s *session) (flow, error) {
	if in.unknown != nil && !errors.Is(in.unknown, problem.ErrUnauthorized) {
		return nil, in.unknown
	}
	name := p.socket.topicOf(p.values, in.who.User)
	sub, err := followOne(r.Context(), s, s.meter, name, sinceOf(r))
	if err != nil {
		return nil, err
	}
	return &plain{session: s, socket: p.socket, sub: sub, encode: p.socket.encode}, nil
}

// followOne subscribes a session to one topic, from now or from a cursor that must be of use.
func followOne(ctx context.Context, s *session, meter notifier.Meter, name, since string) (subscription, error) {
	parsed, err := topic.Parse(name)
	switch {
	case err != nil && s.identity.Anonymous():
		return nil, problem.ErrUnauthorized
	case err != nil:
		return nil, problem.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	sub, start, err := s.feed.Subscribe(ctx, notifier.Request{
		Topics:   []topic.Topic{parsed},
		Follower: s.identity.Follower(),
		Since:    since,
		Holder:   s.holder,
		Meter:    meter,
		Wake:     s.wake,
	})
	if errors.Is(err, notifier.ErrBadCursor) {
		return nil, problem.ErrCursorExpired
	}
	if err != nil {
		return nil, err
	}
	if since != "" && !start.Recovered {
		sub.Close()
		return nil, problem.ErrCursorExpired
	}
	return sub, nil
}

func (p *plain) receive(context.Context, int, io.Reader) error { return nil }

// emit sends what the topic has waiting. These formats have no frame for a reset: the page must
// come again and read its state anew.
func (p *plain) emit(out *batch) (more bool) {
	taken, err := p.sub.Take(eventsPerTake)
	switch {
	case errors.Is(err, problem.ErrClosed):
		return false // by end
	case err != nil:
		p.session.endWith(err)
		return true
	case taken.Reset != nil:
		p.session.endWith(problem.ErrCursorExpired)
		return true
	}
	for _, e := range taken.Events {
		out.add(e.Encoded(p.socket, p.encode))
	}
	return len(taken.Events) > 0
}

func (p *plain) start() {}

func (p *plain) beat() {}

func (p *plain) follows() []subscription { return []subscription{p.sub} }

func (p *plain) end() { p.sub.Close() }

// encode is the frame of an event; nil for one that is not forwarded.
func (s *socket) encode(e *notifier.Event) []byte {
	fields, forwarded := s.forward[e.Type]
	switch {
	case !forwarded:
		return nil
	case s.literal != nil:
		return encodeFrame(s.literal)
	case s.kwargs:
		return encodeFrame(kwargsFrame{Type: e.Type, Kwargs: pick(e.Data, fields)})
	}
	return encodeFrame(pick(e.Data, fields))
}

// kwargsFrame is how the chat's original calls its page.
type kwargsFrame struct {
	Type   string          `json:"type"`
	Kwargs json.RawMessage `json:"kwargs"`
}

// pick is an object of the named fields of another, in the order of the names. A field that is
// not there stays away.
func pick(data json.RawMessage, names []string) json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(problem.SoundJSON(data), &all) // what is no object has no fields
	picked := []byte{'{'}
	for _, name := range names {
		value, there := all[name]
		if !there {
			continue
		}
		if len(picked) > 1 {
			picked = append(picked, ',')
		}
		key, _ := problem.EncodeJSON(name) // a string always has a JSON form
		picked = append(append(append(picked, key...), ':'), value...)
	}
	return append(picked, '}')
}

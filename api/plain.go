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

// plainSocket is a compiled rule of a socket that is bound to a topic. It is the key of its
// encodings.
type plainSocket struct {
	path            topic.Pattern
	topic           topic.Pattern
	refuseAnonymous bool                // refuse anonymous users at the handshake
	literal         json.RawMessage     // the frame of every event; nil: the frame depends on the event
	kwargs          bool                // the frame is type and kwargs, else only data
	forward         map[string][]string // the fields that are sent, by event type
}

// compilePlainSocket compiles a rule that has passed the checks.
func compilePlainSocket(source rules.Socket) *plainSocket {
	s := &plainSocket{
		path:            source.PathPattern(),
		topic:           source.TopicPattern(),
		refuseAnonymous: source.RefusesAnonymous(),
		literal:         source.LiteralFrame(),
		kwargs:          source.Frame == rules.FrameKwargs,
		forward:         make(map[string][]string, len(source.Forward)),
	}
	for _, f := range source.Forward {
		s.forward[f.Type] = f.Fields
	}
	return s
}

// topicAt returns the topic of a path for a follower.
func (s *plainSocket) topicAt(values []string, user string) string {
	names := s.path.Parameters()
	return s.topic.Expand(func(name string) string {
		if name == rules.ParameterMe {
			return topic.Segment(user)
		}
		return values[slices.IndexFunc(names, func(p topic.Parameter) bool { return p.Name == name })]
	})
}

// plainFlow is the flow of a socket that is bound to one topic, in the format of a seed: it sends
// events of the types that it forwards, and nothing else. It does not read what the page sends.
type plainFlow struct {
	session *session
	socket  *plainSocket
	sub     subscription
	encode  func(*notifier.Event) []byte
}

// plainProtocol is the protocol of a socket that is bound to a topic, at one of its paths.
type plainProtocol struct {
	socket *plainSocket
	values []string // of the path's parameters
}

func (plainProtocol) kind() sessionKind { return sessionPlain }

// refuses refuses anonymous users if the socket is configured so. A user whom the database could
// not identify is not anonymous.
func (p plainProtocol) refuses(in *admission) error {
	known := in.unknown == nil || errors.Is(in.unknown, problem.ErrUnauthorized)
	if p.socket.refuseAnonymous && known && in.identity.Anonymous() {
		return problem.Explain(problem.ErrForbidden, "log in first")
	}
	return nil
}

// open subscribes to the topic before the handshake is answered, so that the socket delivers what
// commits after the answer. Credentials that are not valid count as none, as they did for the
// seeds.
func (p plainProtocol) open(r *http.Request, in *admission, s *session) (flow, error) {
	if in.unknown != nil && !errors.Is(in.unknown, problem.ErrUnauthorized) {
		return nil, in.unknown
	}
	name := p.socket.topicAt(p.values, in.identity.User)
	sub, err := subscribeOne(r.Context(), s, s.meter, name, sinceOf(r))
	if err != nil {
		return nil, err
	}
	return &plainFlow{session: s, socket: p.socket, sub: sub, encode: p.socket.encodeEvent}, nil
}

// subscribeOne subscribes a session to one topic, from now or from a cursor. A cursor that cannot
// be resumed from is problem.ErrCursorExpired.
func subscribeOne(ctx context.Context, s *session, meter notifier.Meter, name, since string) (subscription, error) {
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

func (p *plainFlow) receive(context.Context, int, io.Reader) error { return nil }

// emit sends what the topic has waiting. These formats have no frame for a reset: the socket ends,
// and the page must come again and read its state anew.
func (p *plainFlow) emit(out *writeBatch) (more bool) {
	taken, err := p.sub.Take(eventsPerTake)
	switch {
	case errors.Is(err, problem.ErrClosed):
		return false // release has closed it
	case err != nil:
		p.session.endWith(err)
		return true
	case taken.Reset != nil:
		p.session.endWith(problem.ErrCursorExpired)
		return true
	}
	for _, e := range taken.Events {
		out.addFrame(e.Encoded(p.socket, p.encode))
	}
	return len(taken.Events) > 0
}

func (p *plainFlow) start() {}

func (p *plainFlow) heartbeatDue() {}

func (p *plainFlow) subscriptions() []subscription { return []subscription{p.sub} }

func (p *plainFlow) release() { p.sub.Close() }

// encodeEvent returns the frame of an event; nil for an event that is not forwarded.
func (s *plainSocket) encodeEvent(e *notifier.Event) []byte {
	fields, forwarded := s.forward[e.Type]
	switch {
	case !forwarded:
		return nil
	case s.literal != nil:
		return encodeTextFrame(s.literal)
	case s.kwargs:
		return encodeTextFrame(kwargsFrame{Type: e.Type, Kwargs: pickFields(e.Data, fields)})
	}
	return encodeTextFrame(pickFields(e.Data, fields))
}

// kwargsFrame is the frame of the chat's seed.
type kwargsFrame struct {
	Type   string          `json:"type"`
	Kwargs json.RawMessage `json:"kwargs"`
}

// pickFields returns an object of the named fields of another, in the order of the names, without
// fields that are not there.
func pickFields(data json.RawMessage, names []string) json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(problem.SoundJSON(data), &all) // a value that is no object has no fields
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

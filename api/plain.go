package api

import (
	"context"
	"errors"
	"io"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// plain is the flow of a socket bound to one topic, in a seed's own format: events of the types it
// forwards and nothing else. What the page sends is not even read.
type plain struct {
	session *session
	socket  *socket
	sub     subscription
	encode  func(*notifier.Event) []byte
}

// openPlain subscribes. The error is what the socket must be closed with.
func openPlain(ctx context.Context, s *session, f feed, to *socket, topic, since string) (*plain, error) {
	sub, err := followOne(ctx, s, f, topic, since)
	if err != nil {
		return nil, err
	}
	return &plain{session: s, socket: to, sub: sub, encode: to.encode}, nil
}

// followOne subscribes a session to one topic, from now or from a cursor that must be of use.
func followOne(ctx context.Context, s *session, f feed, name, since string) (subscription, error) {
	parsed, err := topic.Parse(name)
	switch {
	case err != nil && s.identity.Anonymous():
		return nil, problem.ErrUnauthorized
	case err != nil:
		return nil, problem.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	sub, start, err := f.Subscribe(ctx, notifier.Request{
		Topics:   []topic.Topic{parsed},
		Follower: s.identity.Follower(),
		Since:    since,
		Holder:   s.holder,
		Meter:    s.meter,
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

func (p *plain) beat() {}

func (p *plain) follows() []subscription { return []subscription{p.sub} }

func (p *plain) end() { p.sub.Close() }

// silent is the flow of a socket that is only there to be closed: a browser sees the code of a close
// frame, but not why a handshake is refused.
type silent struct{}

func (silent) receive(context.Context, int, io.Reader) error { return nil }
func (silent) emit(*batch) bool                              { return false }
func (silent) beat()                                         {}
func (silent) follows() []subscription                       { return nil }
func (silent) end()                                          {}

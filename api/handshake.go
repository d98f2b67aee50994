package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// handshakeWait bounds each question to the database before a handshake is answered.
const handshakeWait = 5 * time.Second

// nativeProtocol is the native subprotocol's name.
const nativeProtocol = "rowcall.v1"

// admission is a handshake that may be answered with a socket.
type admission struct {
	who     identity.Identity
	address netip.Addr
	unknown error // why it is not known who asks: problem.ErrUnauthorized, or the database's error
	release func()
}

// admit counts a handshake and finds out who asks. The error refuses it with an HTTP status.
func (s *Server) admit(r *http.Request) (in admission, err error) {
	leave, err := s.registry.enter()
	if err != nil {
		return in, err
	}
	defer func() {
		if err != nil {
			leave()
		}
	}()
	if err := s.door.AdmitHandshake(r); err != nil {
		return in, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), handshakeWait)
	defer cancel()
	in.who, in.unknown = s.accounts.Identify(ctx, r)
	in.address = s.door.Address(r)
	giveBack, err := s.door.AdmitSocket(in.address, in.who.User)
	in.release = func() { giveBack(); leave() }
	return in, err
}

// serveNative answers handshakes of the native protocol. Whoever may not have a socket, or has bad
// credentials, is told by the code of a close frame.
func (s *Server) serveNative(w http.ResponseWriter, r *http.Request) {
	in, err := s.admit(r)
	if err != nil {
		s.turnAway(w, r, sessionNative, err)
		return
	}
	defer func() { in.release() }()
	session := s.sessionOf(&in, s.nativeUpgrader)
	if err := s.unfit(in, r); err != nil {
		s.closeAtOnce(w, r, session, &in, err)
		return
	}
	flow := newNative(session, s.feed, s.topics)
	session.flow = flow
	session.presence.name = s.name()
	flow.welcome(session.presence.name)
	s.carry(w, r, session, &in)
}

// unfit says why a native socket must be closed at once.
func (s *Server) unfit(in admission, r *http.Request) error {
	offered := websocket.Subprotocols(r)
	switch {
	case len(offered) > 0 && !slices.Contains(offered, nativeProtocol):
		return problem.ErrNoSubprotocol
	case in.unknown != nil:
		return in.unknown
	case s.feed.Health().Err != nil:
		return problem.ErrUnavailable
	}
	return nil
}

// servePlain answers handshakes of a configured socket. The topic is subscribed before the answer,
// so that whatever commits after it is delivered. Credentials that are of no use count as none, as
// they did for the originals.
func (s *Server) servePlain(w http.ResponseWriter, r *http.Request, to *socket, values []string) {
	in, err := s.admit(r)
	if err == nil {
		defer func() { in.release() }()
		err = to.refuses(in)
	}
	if err != nil {
		s.turnAway(w, r, sessionPlain, err)
		return
	}
	session := s.sessionOf(&in, s.plainUpgrader)
	session.terse, session.presence.kind = true, sessionPlain
	if in.unknown != nil && !errors.Is(in.unknown, problem.ErrUnauthorized) {
		s.closeAtOnce(w, r, session, &in, in.unknown)
		return
	}
	flow, err := openPlain(r.Context(), session, s.feed, to, to.topicOf(values, in.who.User), r.URL.Query().Get("since"))
	if err != nil {
		s.closeAtOnce(w, r, session, &in, err)
		return
	}
	session.flow = flow
	s.carry(w, r, session, &in)
}

// refuses says why a handshake is not answered with a socket.
func (s *socket) refuses(in admission) error {
	known := in.unknown == nil || errors.Is(in.unknown, problem.ErrUnauthorized)
	if s.refuse && known && in.who.Anonymous() {
		return problem.Explain(problem.ErrForbidden, "log in first")
	}
	return nil
}

// sessionOf begins the session of an admission, whose release ends what the feed knows of it.
func (s *Server) sessionOf(in *admission, u *websocket.Upgrader) *session {
	session := s.newSession(in.who, u)
	session.meter = s.door.ReplayMeter(in.address, in.who.User)
	leave := in.release
	in.release = func() { session.holder.Close(); leave() }
	return session
}

func (s *Server) newSession(who identity.Identity, u *websocket.Upgrader) *session {
	session := newSession(who, s.limits, u, &s.batches, s.log)
	session.metrics = s.metrics
	session.holder = s.feed.NewHolder(session.unload)
	session.presence = presence{kind: sessionNative, who: who, since: time.Now()}
	return session
}

// name is one that no other session of the node has.
func (s *Server) name() string { return "s" + strconv.FormatUint(s.names.Add(1), 10) }

// turnAway answers a handshake that may not become a socket.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, kind sessionKind, err error) {
	s.metrics.handshake(kind, err)
	problem.Refuse(w, r, s.log, err)
}

// closeAtOnce opens a socket to close it with what an error stands for.
func (s *Server) closeAtOnce(w http.ResponseWriter, r *http.Request, session *session, in *admission, err error) {
	session.flow = silent{}
	session.last = err
	s.carry(w, r, session, in)
}

// carry answers the handshake and leaves the session to a goroutine of its own, which gives the
// place of the admission back. So the request ends, and with it what net/http keeps for one: three times
// what an idle socket needs. The registry waits for the session.
func (s *Server) carry(w http.ResponseWriter, r *http.Request, session *session, in *admission) {
	if err := session.upgrade(w, r); err != nil {
		s.metrics.handshake(session.presence.kind, problem.ErrBadRequest)
		session.flow.end() // the client has been answered
		session.holder.Close()
		return
	}
	s.metrics.handshake(session.presence.kind, session.last)
	session.presence.address, session.presence.follows = in.address, session.flow.follows
	if session.presence.name == "" && session.last == nil {
		session.presence.name = s.name()
	}
	release := in.release
	in.release = func() {}
	session.accounts = s.accounts
	session.watched = s.watch.add(session.identity, session.endWith)
	remove := s.registry.add(session)
	ctx := context.WithoutCancel(r.Context()) // the session outlives its request
	go func() {
		defer release()
		defer session.watched.leave()
		defer remove()
		defer session.holder.Close()
		defer session.contain()
		defer session.giveUp()
		defer session.contain()
		session.run(ctx)
	}()
}

// upgrader speaks no extension: compressed messages would be counted before they are unpacked, and
// events are encoded once for all sockets. The read buffer is small since ten thousand sockets
// that wait for events have one each; gorilla writes nothing that would need the other.
func upgrader(log *slog.Logger, protocols ...string) *websocket.Upgrader {
	return &websocket.Upgrader{
		ReadBufferSize:  512,
		WriteBufferPool: new(sync.Pool),
		Subprotocols:    protocols,
		CheckOrigin:     func(*http.Request) bool { return true }, // the door has
		Error: func(w http.ResponseWriter, r *http.Request, _ int, _ error) {
			problem.Refuse(w, r, log, problem.Explain(problem.ErrBadRequest, "this is no WebSocket handshake"))
		},
	}
}

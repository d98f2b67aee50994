package api

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"rowcall/api/problem"
)

// socketServer answers the handshakes of sockets of every protocol, and opens their sessions.
type socketServer struct {
	*handshakes
	feed     feed
	vigil    *vigil
	limits   Limits
	buffers  *writeBuffers
	line     *writeLine
	names    *sessionNames
	upgrader *websocket.Upgrader
}

// protocol is what the sockets of an address speak.
type protocol interface {
	kind() sessionKind
	// refuses returns why the handshake is answered with an HTTP error; nil if it is not.
	refuses(in *admission) error
	// open begins the flow of a session. An error closes the socket as soon as it is open: a page can
	// read the code of a close frame, but not why a handshake is refused.
	open(r *http.Request, in *admission, s *session) (flow, error)
}

// serve answers a handshake.
func (o *socketServer) serve(w http.ResponseWriter, r *http.Request, p protocol) {
	in, err := o.admit(r)
	if err == nil {
		defer in.Close()
		err = p.refuses(in)
	}
	if err != nil {
		o.refuse(w, r, p.kind(), err)
		return
	}
	o.serveSession(w, r, in, o.newSession(r, in, p))
}

// newSession builds the session of an admission and opens its flow. The admission closes the
// session's holder, also after a panic of the flow.
func (o *socketServer) newSession(r *http.Request, in *admission, p protocol) *session {
	s := &session{
		identity: in.identity,
		terse:    p.kind() != sessionNative,
		feed:     o.feed,
		meter:    o.door.ReplayMeter(in.address, in.identity.User),
		limits:   o.limits,
		buffers:  o.buffers,
		line:     o.line,
		metrics:  o.metrics,
		log:      o.log,
		inbound:  newInboundLimiter(o.limits),
		stopWork: func() {},
		writing:  true, // frames wait until run starts the writer
	}
	s.holder = o.feed.NewHolder(s.unload)
	in.releaseLater(s.holder.Close)
	s.flow, s.refusal = p.open(r, in, s)
	if s.refusal != nil {
		s.flow = silentFlow{}
	}
	s.presence = presence{
		name: o.names.nextUnless(s.refusal != nil), kind: p.kind(), identity: in.identity,
		address: in.address, since: time.Now(), subscriptions: s.flow.subscriptions,
	}
	return s
}

func newInboundLimiter(l Limits) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(l.FramesPerSecond), 2*max(l.FramesPerSecond, l.SubscriptionsPerSocket))
}

// serveSession makes the request a WebSocket and leaves the session to a goroutine of its own,
// which adopts the admission. So the request ends, and with it what net/http keeps for a request:
// three times what an idle socket needs.
func (o *socketServer) serveSession(w http.ResponseWriter, r *http.Request, in *admission, s *session) {
	if err := s.upgrade(o.upgrader, w, r); err != nil { // the client has been answered
		o.metrics.countHandshake(s.presence.kind, problem.ErrBadRequest)
		s.flow.release()
		return
	}
	o.metrics.countHandshake(s.presence.kind, s.refusal)
	release := in.Adopt()
	s.vigilEntry = o.vigil.addIdentity(s.identity, s.endWith)
	unregister := o.registry.addSession(s)
	ctx := context.WithoutCancel(r.Context()) // the session outlives its request
	go func() {
		s.protect(func() { s.run(ctx) })
		s.protect(s.cleanUp) // what a panic has left
		unregister()
		s.vigilEntry.remove()
		release()
	}()
}

// sessionNames gives each session of the node a name of its own.
type sessionNames struct{ last atomic.Uint64 }

func (n *sessionNames) next() string { return "s" + strconv.FormatUint(n.last.Add(1), 10) }

// nextUnless returns an empty name for a session that is closed at once.
func (n *sessionNames) nextUnless(closed bool) string {
	if closed {
		return ""
	}
	return n.next()
}

package api

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/api/resource"
	"rowcall/config/rules"
)

// socketServer answers the handshakes of sockets, whatever protocol they speak, and opens their
// sessions.
type socketServer struct {
	*handshakes
	feed           feed
	watch          *watch
	limits         Limits
	batches        *batches
	names          *sessionNames
	nativeUpgrader *websocket.Upgrader
	plainUpgrader  *websocket.Upgrader
}

// protocol is what the sockets of one address speak.
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

// newSession builds the session of an admission and opens its flow. It closes the session's holder with
// the admission, also after a panic of the flow.
func (o *socketServer) newSession(r *http.Request, in *admission, p protocol) *session {
	s := &session{
		identity: in.who,
		terse:    p.kind() != sessionNative,
		feed:     o.feed,
		meter:    o.door.ReplayMeter(in.address, in.who.User),
		limits:   o.limits,
		batches:  o.batches,
		metrics:  o.metrics,
		log:      o.log,
		inbound:  newInboundLimiter(o.limits),
		stop:     func() {},
		writing:  true, // corked: frames wait until run has started the writer
	}
	s.holder = o.feed.NewHolder(s.unload)
	in.releaseLater(s.holder.Close)
	s.flow, s.refusal = p.open(r, in, s)
	if s.refusal != nil {
		s.flow = silent{}
	}
	s.presence = presence{
		name: o.names.nextUnless(s.refusal != nil), kind: p.kind(), who: in.who,
		address: in.address, since: time.Now(), follows: s.flow.follows,
	}
	return s
}

func newInboundLimiter(l Limits) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(l.FramesPerSecond), 2*max(l.FramesPerSecond, l.SubscriptionsPerSocket))
}

// serveSession makes the request a WebSocket and leaves the session to a goroutine of its own, which
// adopts the admission. So the request ends, and with it what net/http keeps for a request: three
// times what an idle socket needs.
func (o *socketServer) serveSession(w http.ResponseWriter, r *http.Request, in *admission, s *session) {
	if err := s.upgrade(o.upgrader(s.presence.kind), w, r); err != nil { // the client has been answered
		o.metrics.handshake(s.presence.kind, problem.ErrBadRequest)
		s.flow.end()
		return
	}
	o.metrics.handshake(s.presence.kind, s.refusal)
	release := in.Adopt()
	s.watched = o.watch.add(s.identity, s.endWith)
	unregister := o.registry.add(s)
	ctx := context.WithoutCancel(r.Context()) // the session outlives its request
	go func() {
		s.protect(func() { s.run(ctx) })
		s.protect(s.giveUp) // what a panic has left
		unregister()
		s.watched.leave()
		release()
	}()
}

func (o *socketServer) upgrader(kind sessionKind) *websocket.Upgrader {
	if kind == sessionNative {
		return o.nativeUpgrader
	}
	return o.plainUpgrader
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

// compileSockets checks the rules and compiles them. The error is a rules.Problems.
func compileSockets(sources []rules.Socket, topics *access.Rules, resources *resource.Resources) ([]*socket, []*dcrfSocket, error) {
	var wrong rules.Problems
	rules.CheckSockets(sources, topics.Sources(), resources.Sources(), &wrong)
	if err := wrong.Err(); err != nil {
		return nil, nil, err
	}
	var plain []*socket
	var dcrf []*dcrfSocket
	for _, source := range sources {
		if source.ServesResources() {
			dcrf = append(dcrf, compileDCRFSocket(source, resources))
		} else {
			plain = append(plain, compileSocket(source))
		}
	}
	return plain, dcrf, nil
}

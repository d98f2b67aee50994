package api

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// heartbeatSlots is how many parts an interval of heartbeats has.
const heartbeatSlots = 64

// sessionRegistry holds the sessions of the node. One goroutine sends the heartbeats of all, and
// all are closed when the node stops.
type sessionRegistry struct {
	requests sync.WaitGroup // requests that are sessions or may become some
	stopping chan struct{}  // closed when the node stops: ends requests that wait

	mu      sync.Mutex // guards all below
	closing bool       // the node is stopping
	aborted bool       // the time for close frames is over
	slots   [heartbeatSlots]map[*session]struct{}
	streams map[*presence]struct{} // their requests send signs of life and end by themselves
	open    map[sessionKind]int
}

func newSessionRegistry() *sessionRegistry {
	r := &sessionRegistry{stopping: make(chan struct{}), streams: map[*presence]struct{}{}, open: map[sessionKind]int{}}
	for i := range r.slots {
		r.slots[i] = map[*session]struct{}{}
	}
	return r
}

// enterRequest counts a request that is to become a session; the caller must call leave at its end.
// The error is problem.ErrRestarting once the node is stopping.
func (r *sessionRegistry) enterRequest() (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return nil, problem.ErrRestarting
	}
	r.requests.Add(1)
	return r.requests.Done, nil
}

// addSession registers an upgraded session until remove is called. Its heartbeats are in a random
// slot, so that not all sessions send at once. If the node is stopping, addSession closes the
// session.
func (r *sessionRegistry) addSession(s *session) (remove func()) {
	slot := r.slots[rand.IntN(heartbeatSlots)]
	r.mu.Lock()
	slot[s] = struct{}{}
	r.open[s.presence.kind]++
	closing, over := r.closing, r.aborted
	r.mu.Unlock()
	switch {
	case over:
		s.abort()
	case closing:
		s.sayGoodbye()
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(slot, s)
		r.open[s.presence.kind]--
	}
}

// addStream registers a stream until remove is called.
func (r *sessionRegistry) addStream(p *presence) (remove func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams[p] = struct{}{}
	r.open[p.kind]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.streams, p)
		r.open[p.kind]--
	}
}

// countByKind returns how many sessions of each kind there are.
func (r *sessionRegistry) countByKind() map[sessionKind]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.open)
}

// presences returns all sessions, in no order.
func (r *sessionRegistry) presences() []*presence {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Collect(maps.Keys(r.streams))
	for _, slot := range r.slots {
		for s := range slot {
			all = append(all, &s.presence)
		}
	}
	return all
}

// sendHeartbeats has each session send a heartbeat once per interval until ctx ends.
func (r *sessionRegistry) sendHeartbeats(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval / heartbeatSlots)
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % heartbeatSlots {
		for _, s := range r.sessionsIn(i, i+1) {
			s.sendHeartbeat()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sessionsIn returns the sessions of the slots from one up to another.
func (r *sessionRegistry) sessionsIn(from, to int) []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*session
	for _, slot := range r.slots[from:to] {
		for s := range slot {
			found = append(found, s)
		}
	}
	return found
}

// shutDown lets no more sessions in, closes all there are, and waits until they have ended. When
// ctx ends, it aborts those that are left.
func (r *sessionRegistry) shutDown(ctx context.Context) {
	r.mu.Lock()
	if !r.closing {
		close(r.stopping)
	}
	r.closing = true
	r.mu.Unlock()
	for _, s := range r.sessionsIn(0, heartbeatSlots) {
		s.sayGoodbye()
	}
	stop := context.AfterFunc(ctx, r.abortAll)
	defer stop()
	r.requests.Wait()
}

// abortAll aborts sessions that have not answered their close frame, and those that are being
// opened.
func (r *sessionRegistry) abortAll() {
	r.mu.Lock()
	r.aborted = true
	r.mu.Unlock()
	for _, s := range r.sessionsIn(0, heartbeatSlots) {
		s.abort()
	}
}

// sessionKind is what a session speaks.
type sessionKind string

const (
	sessionNative sessionKind = "native"
	sessionPlain  sessionKind = "plain"
	sessionDCRF   sessionKind = "dcrf"
	sessionStream sessionKind = "sse"
)

func sessionKinds() []sessionKind {
	return []sessionKind{sessionNative, sessionPlain, sessionDCRF, sessionStream}
}

// presence describes an open session to staff. It never changes.
type presence struct {
	name          string
	kind          sessionKind
	identity      identity.Identity
	as            string // id of the user whose events a tail shows; empty: those of its own user
	address       netip.Addr
	since         time.Time
	subscriptions func() []subscription // at present
}

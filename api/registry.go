package api

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rowcall/api/problem"
)

// beatSlots is into how many parts an interval of heartbeats is divided.
const beatSlots = 64

// registry knows the sessions of a node: one goroutine gives all of them their heartbeats, and
// all hear a goodbye when the node stops.
type registry struct {
	handlers sync.WaitGroup // requests that are or may become sessions
	stopping chan struct{}  // closed when the node stops, for requests that wait and are no sessions

	mu      sync.Mutex // guards all below
	closing bool       // nobody is let in any more
	over    bool       // the time for goodbyes is over
	slots   [beatSlots]map[*session]struct{}
	streams map[*presence]struct{} // they are no sessions of sockets: their requests beat and end by themselves
	open    map[sessionKind]int
}

func newRegistry() *registry {
	r := &registry{stopping: make(chan struct{}), streams: map[*presence]struct{}{}, open: map[sessionKind]int{}}
	for i := range r.slots {
		r.slots[i] = map[*session]struct{}{}
	}
	return r
}

// enter counts a request that is to become a session. The error is problem.ErrRestarting once the node is
// stopping; else leave must be called at its end.
func (r *registry) enter() (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return nil, problem.ErrRestarting
	}
	r.handlers.Add(1)
	return r.handlers.Done, nil
}

// add gives an upgraded session its beats, in a slot of its own chance so that not all beat at
// once, until remove is called. In a node that is stopping it hears the goodbye at once.
func (r *registry) add(s *session) (remove func()) {
	slot := r.slots[rand.IntN(beatSlots)]
	r.mu.Lock()
	slot[s] = struct{}{}
	r.open[s.presence.kind]++
	closing, over := r.closing, r.over
	r.mu.Unlock()
	switch {
	case over:
		s.abort()
	case closing:
		s.goodbye()
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(slot, s)
		r.open[s.presence.kind]--
	}
}

// addStream makes a stream known until remove is called.
func (r *registry) addStream(p *presence) (remove func()) {
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

// count is how many sessions of each kind there are.
func (r *registry) count() map[sessionKind]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.open)
}

// present are all sessions, in no order.
func (r *registry) present() []*presence {
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

// run beats each session once per interval until ctx ends.
func (r *registry) run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval / beatSlots)
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % beatSlots {
		for _, s := range r.members(i, i+1) {
			s.beat()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// members are the sessions of the slots from one up to another.
func (r *registry) members(from, to int) []*session {
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

// close lets no more sessions in, says goodbye to those there are, and waits until all are gone.
// Those that are still there when ctx ends are cut off.
func (r *registry) close(ctx context.Context) {
	r.mu.Lock()
	if !r.closing {
		close(r.stopping)
	}
	r.closing = true
	r.mu.Unlock()
	for _, s := range r.members(0, beatSlots) {
		s.goodbye()
	}
	stop := context.AfterFunc(ctx, r.cutOff)
	defer stop()
	r.handlers.Wait()
}

// cutOff ends what has not answered its goodbye, and what is only now being opened.
func (r *registry) cutOff() {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	for _, s := range r.members(0, beatSlots) {
		s.abort()
	}
}

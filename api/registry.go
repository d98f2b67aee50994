package api

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// beatSlots is into how many parts an interval of heartbeats is divided.
const beatSlots = 64

// registry knows the sessions of a node: one goroutine gives all of them their heartbeats, and
// all hear a goodbye when the node stops.
type registry struct {
	handlers sync.WaitGroup // requests that are or may become sessions

	mu      sync.Mutex // guards closing and slots
	closing bool
	slots   [beatSlots]map[*session]struct{}
}

func newRegistry() *registry {
	r := &registry{}
	for i := range r.slots {
		r.slots[i] = map[*session]struct{}{}
	}
	return r
}

// enter counts a request that is to become a session. The error is errRestarting once the node is
// stopping; else leave must be called at its end.
func (r *registry) enter() (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return nil, errRestarting
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
	late := r.closing
	r.mu.Unlock()
	if late {
		s.goodbye()
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(slot, s)
	}
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
	r.closing = true
	r.mu.Unlock()
	for _, s := range r.members(0, beatSlots) {
		s.goodbye()
	}
	stop := context.AfterFunc(ctx, func() {
		for _, s := range r.members(0, beatSlots) {
			s.abort()
		}
	})
	defer stop()
	r.handlers.Wait()
}

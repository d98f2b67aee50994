package api

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// replays bound what reading the log costs for one user, or for one address where nobody is logged in: how many
// replays at a time, and how many bytes a minute.
type replays struct {
	limit int
	bytes *throttle[owner]

	mu    sync.Mutex // guards lines; one that nobody stands in is removed
	lines map[owner]*replayLine
}

// replayLine is where the replays of one owner wait for their turn.
type replayLine struct {
	turns chan struct{} // holds one for each replay under way
	users int           // who hold or wait for a turn
}

func newReplays(limit, bytesPerMinute int) *replays {
	return &replays{
		limit: limit,
		bytes: newThrottle[owner](rate.Limit(bytesPerMinute)/60, bytesPerMinute),
		lines: map[owner]*replayLine{},
	}
}

// Meter bounds the replays of a user, or of an address where there is no user. It is nil where nobody counts.
func (d *Door) Meter(addr netip.Addr, user string) notifier.Meter {
	switch {
	case within(addr, d.exempt):
		return nil
	case user != "":
		return &replayer{replays: d.replays, owner: owner{user: user}}
	}
	return &replayer{replays: d.replays, owner: owner{addr: block(addr)}}
}

// replayer is one owner's part in replays.
type replayer struct {
	*replays
	owner owner
}

var _ notifier.Meter = (*replayer)(nil)

// BeginReplay refuses who has read too much, and has who reads too much at a time wait.
func (r *replayer) BeginReplay(ctx context.Context) (done func(), err error) {
	if wait := r.bytes.debt(r.owner, time.Now()); wait > 0 {
		return nil, problem.ExplainDelay(problem.ErrRateLimited, "too much was replayed", wait)
	}
	line := r.enter(r.owner)
	select {
	case line.turns <- struct{}{}:
		return sync.OnceFunc(func() { <-line.turns; r.leave(r.owner) }), nil
	case <-ctx.Done():
		r.leave(r.owner)
		return nil, problem.Explain(problem.ErrRateLimited, "too many replays at a time")
	}
}

// Spend notes what was read. One that has read too much goes on more slowly.
func (r *replayer) Spend(bytes int) time.Duration { return r.bytes.spend(r.owner, bytes, time.Now()) }

func (r *replays) enter(o owner) *replayLine {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := r.lines[o]
	if line == nil {
		line = &replayLine{turns: make(chan struct{}, r.limit)}
		r.lines[o] = line
	}
	line.users++
	return line
}

func (r *replays) leave(o owner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := r.lines[o]
	if line.users--; line.users == 0 {
		delete(r.lines, o)
	}
}

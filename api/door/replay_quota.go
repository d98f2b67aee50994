package door

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// replayQuota limits what reading the log may cost for one owner, a user or, for anonymous followers, an
// address: how many replays run at the same time, and how many bytes they read in a minute.
type replayQuota struct {
	atOnce int
	bytes  *Throttle[quotaOwner]

	mu     sync.Mutex // guards queues; an empty queue has no entry
	queues map[quotaOwner]*replayQueue
}

// replayQueue is where the replays of one owner wait.
type replayQueue struct {
	slots   chan struct{} // holds a value for each replay that runs
	members int           // replays that run or wait
}

func newReplayQuota(limit, bytesPerMinute int) *replayQuota {
	return &replayQuota{
		atOnce: limit,
		bytes:  NewThrottle[quotaOwner](rate.Limit(bytesPerMinute)/60, bytesPerMinute),
		queues: map[quotaOwner]*replayQueue{},
	}
}

// ReplayMeter returns the meter for the replays of a user, or of an address if the user is empty. It is nil
// for exempt addresses.
func (d *Door) ReplayMeter(addr netip.Addr, user string) notifier.Meter {
	switch {
	case d.Exempt(addr):
		return nil
	case user != "":
		return &replayMeter{replayQuota: d.replayQuota, owner: quotaOwner{user: user}}
	}
	return &replayMeter{replayQuota: d.replayQuota, owner: quotaOwner{addr: AddressBlock(addr)}}
}

// replayMeter is the part of one owner in a replayQuota.
type replayMeter struct {
	*replayQuota
	owner quotaOwner
}

var _ notifier.Meter = (*replayMeter)(nil)

// BeginReplay returns problem.ErrRateLimited if the owner's byte budget is overdrawn. It waits while as
// many replays of the owner run as may; ctx bounds the wait.
func (r *replayMeter) BeginReplay(ctx context.Context) (done func(), err error) {
	if wait := r.bytes.timeUntilToken(r.owner, time.Now()); wait > 0 {
		return nil, problem.ExplainDelay(problem.ErrRateLimited, "too much was replayed", wait)
	}
	line := r.joinQueue(r.owner)
	select {
	case line.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-line.slots; r.leaveQueue(r.owner) }), nil
	case <-ctx.Done():
		r.leaveQueue(r.owner)
		return nil, problem.Explain(problem.ErrRateLimited, "too many replays at a time")
	}
}

// Spend takes bytes from the owner's budget. It returns how long the replay must pause if the budget is
// overdrawn.
func (r *replayMeter) Spend(bytes int) time.Duration {
	return r.bytes.spendTokens(r.owner, bytes, time.Now())
}

func (r *replayQuota) joinQueue(o quotaOwner) *replayQueue {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := r.queues[o]
	if line == nil {
		line = &replayQueue{slots: make(chan struct{}, r.atOnce)}
		r.queues[o] = line
	}
	line.members++
	return line
}

func (r *replayQuota) leaveQueue(o quotaOwner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := r.queues[o]
	if line.members--; line.members == 0 {
		delete(r.queues, o)
	}
}

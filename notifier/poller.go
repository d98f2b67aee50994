package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// poller is the one goroutine that reads the log for all subscriptions and moves the node's place.
// It uses one connection after the other; see pollConn.
type poller struct {
	options      *Options
	log          *slog.Logger
	connector    *connector
	listener     *listener
	hub          *hub
	pulls        *pullQueue
	pullPace     *pullPace
	reask        *reaskQueue
	load         *load
	unfollowable *unfollowableCount
	wake         signal        // raised when a poll is wanted now
	ready        chan struct{} // closed after the first poll that began while LISTEN was confirmed

	// The poller's goroutine alone uses these, across its connections.
	reading readingState
	alive   aliveKeeper
	tally   pollTally

	mu        sync.Mutex // guards all below
	nextRound *pollRound // these wait for the next poll that begins
	owed      []*pollRound
	largePoll *largePoll // under way, or the next one
	status    pollStatus
	shown     pollTally // the tally at the end of the last poll
}

// readingState is how far the log was read. It belongs to the poller's goroutine, and outlives its
// connections.
type readingState struct {
	epoch         string
	run           time.Time     // the start of the server in which the node has read last
	prev          snapshot      // where the node stands; zero: it begins anew at the next snapshot
	partial       *poll         // begun, and cut short when a connection was lost
	cutShort      bool          // the last poll failed
	newest        newestEvent   // of this epoch; see history.go
	resetReason   ResetReason   // what subscriptions are told when the node begins anew
	patience      time.Duration // how long a poll may bring nothing
	tailPlanted   bool          // the tail was given the log's newest events, once in a process
	lossyReported bool          // the log has a line about text that could not be converted, once in a process
}

// beginAnew forgets where the node stands: subscriptions get a reset with this reason.
func (r *readingState) beginAnew(reason ResetReason) {
	r.prev, r.partial, r.newest, r.resetReason = snapshot{}, nil, newestEvent{}, reason
}

// handedOn is the last id that was handed on of a poll that was cut short; 0 if there is none.
func (r *readingState) handedOn() int64 {
	if r.partial == nil {
		return 0
	}
	return r.partial.lastID
}

// pollStatus is what the last poll has shown.
type pollStatus struct {
	polledAt time.Time // zero: there was none
	epoch    string
	armed    bool
	ringing  bool
	err      error // why the connection was lost after that
}

// pollRound is what waits for a poll that begins after it. A poll that had begun before may have
// taken its snapshot too early: it need not see what the waiting subscriber's cursor has seen on
// another node.
type pollRound struct{ done chan struct{} }

func newPollRound() *pollRound { return &pollRound{done: make(chan struct{})} }

// keepPolling polls until ctx ends, through lost connections. It returns an error only if no retry
// can help.
func (p *poller) keepPolling(ctx context.Context) error {
	var retry backoff
	for ctx.Err() == nil {
		err := p.pollOnce(ctx, &retry)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrSchema) && p.reading.epoch == "" {
			return err
		}
		p.noteLost(err)
		p.connector.noticePooler(err)
		p.log.Warn("polling again: the connection to the log was lost", "err", err)
		retry.pauseAfterFailure(ctx)
	}
	return nil
}

// pollOnce polls on one connection until it breaks.
func (p *poller) pollOnce(ctx context.Context, retry *backoff) error {
	conn, err := p.connector.connect(ctx, "poller")
	if err != nil {
		return err
	}
	defer closeConn(conn)
	c := newPollConn(p, conn)
	if err := c.prepare(ctx); err != nil {
		return schemaMissing(err)
	}
	for {
		before := p.reading.handedOn()
		err := c.pollAndFollowUp(ctx)
		if err == nil || p.reading.handedOn() > before {
			retry.succeed()
		}
		if err != nil {
			return err
		}
		if err := c.rest(ctx); err != nil {
			return err
		}
	}
}

// schemaMissing turns PostgreSQL's errors for a missing schema, relation or function into
// ErrSchema.
func schemaMissing(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		switch pgErr.Code {
		case "3F000", "42P01", "42883":
			return fmt.Errorf("%w (%w)", ErrSchema, err)
		}
	}
	return err
}

// waitForRound waits for a poll that begins after the call, and returns the node's place after it.
func (p *poller) waitForRound(ctx context.Context) (cursor, string, error) {
	return p.waitForEither(ctx, newLargePoll()) // which never begins
}

// waitForEither waits for a poll that begins after the call, or for a large poll to be announced, and
// returns where the node stands, or will stand, after it.
func (p *poller) waitForEither(ctx context.Context, large *largePoll) (cursor, string, error) {
	p.mu.Lock()
	round := p.nextRound
	p.mu.Unlock()
	p.wake.raise()
	select {
	case <-round.done:
		here, text := p.hub.place()
		return here, text, nil
	case <-large.begun:
		return large.place, large.place.String(), nil
	case <-ctx.Done():
		return cursor{}, "", fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// startRound begins a poll: those that wait so far are owed this poll, and after a failure the next
// one that succeeds.
func (p *poller) startRound() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed = append(p.owed, p.nextRound)
	p.nextRound = newPollRound()
}

// releaseWaiters releases those that are owed a poll, and makes the status and the tally public.
func (p *poller) releaseWaiters(status pollStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, round := range p.owed {
		close(round.done)
	}
	p.owed = nil
	p.status, p.shown = status, p.tally
}

func (p *poller) noteLost(err error) {
	p.tally.lostConnections++
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.err, p.status.armed, p.shown = err, false, p.tally
}

// lastStatus is what the last poll has shown.
func (p *poller) lastStatus() pollStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// lastTally is the tally at the end of the last poll.
func (p *poller) lastTally() pollTally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown
}

package notifier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// poller is the one goroutine that reads the log for everybody and moves the node's place.
type poller struct {
	feed   *Feed
	ready  chan struct{}
	poking chan struct{} // holds a token while somebody wants a poll now

	// The poller's own, across connections.
	epoch   string
	prev    snapshot      // where the node stands; zero: anew from the next snapshot
	partial *batch        // begun, and cut short by a lost connection
	reason  ResetReason   // what subscriptions are told after a start anew
	stall   time.Duration // how long a poll may bring nothing
	seeded  bool          // the tail was given the log's newest events, once a process
	gap     bool          // triggers have stopped filing for a while, and no new epoch has begun since
	tally   tally

	mu     sync.Mutex // guards all below
	next   *waiter    // for the next poll that begins
	owed   []*waiter  // for a poll that failed; the next good one serves them too
	status Health
	kept   LogState
	shown  tally // as it was at the end of the last poll
}

// waiter waits for a poll that began after it did.
type waiter struct{ done chan struct{} }

func newPoller(f *Feed) *poller {
	return &poller{
		feed:   f,
		ready:  make(chan struct{}),
		poking: make(chan struct{}, 1),
		stall:  stall,
		next:   &waiter{done: make(chan struct{})},
	}
}

// poke asks for a poll now.
func (p *poller) poke() {
	select {
	case p.poking <- struct{}{}:
	default:
	}
}

// fresh waits for a poll that begins after the call, and returns where the node is after it.
func (p *poller) fresh(ctx context.Context) (cursor, string, error) {
	p.mu.Lock()
	w := p.next
	p.mu.Unlock()
	p.poke()
	select {
	case <-w.done:
		here, text := p.feed.hub.where()
		return here, text, nil
	case <-ctx.Done():
		return cursor{}, "", fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// began moves who waits so far to the poll that begins now.
func (p *poller) began() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed = append(p.owed, p.next)
	p.next = &waiter{done: make(chan struct{})}
}

// ended releases who waited for a good poll and notes the state.
func (p *poller) ended(status Health) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.owed {
		close(w.done)
	}
	p.owed = nil
	p.status, p.shown = status, p.tally
}

// counted is the tally of the last poll's end.
func (p *poller) counted() tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown
}

func (p *poller) troubled(err error) {
	p.tally.lost++
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Err, p.status.Armed, p.shown = err, false, p.tally
}

func (p *poller) noteLog(state LogState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = state
}

func (p *poller) health() Health {
	p.mu.Lock()
	h := p.status
	h.Log = p.kept
	p.mu.Unlock()
	hearing, _, _ := p.feed.listener.hears()
	h.Listening = hearing != 0
	switch {
	case h.Err != nil:
	case h.PolledAt.IsZero():
		h.Err = errors.New("the log has not been polled yet")
	case !h.Listening && p.feed.options.Ring != RingNever:
		h.Err = errors.Join(errors.New("LISTEN is not confirmed"), p.feed.listener.trouble())
	case time.Since(h.PolledAt) > stall:
		h.Err = errors.New("the log has not been polled for a while")
	}
	return h
}

// run polls until ctx ends, through lost connections.
func (p *poller) run(ctx context.Context) error {
	var wait backoff
	for ctx.Err() == nil {
		err := p.watch(ctx, &wait)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrSchema) && p.epoch == "" {
			return err
		}
		p.troubled(err)
		p.feed.noticePooler(err)
		p.feed.log.Warn("polling again: the connection to the log was lost", "err", err)
		wait.wait(ctx)
	}
	return nil
}

// watch polls on one connection until it breaks.
func (p *poller) watch(ctx context.Context, wait *backoff) error {
	conn, err := p.feed.connect(ctx, "poller")
	if err != nil {
		return err
	}
	defer closeConn(conn)
	w := &watch{poller: p, conn: conn}
	if err := w.open(ctx); err != nil {
		return schemaMissing(err)
	}
	for {
		if err := w.step(ctx); err != nil {
			return err
		}
		wait.reset()
		if err := w.rest(ctx); err != nil {
			return err
		}
	}
}

// schemaMissing turns PostgreSQL's words for a missing schema, relation or function into ErrSchema.
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

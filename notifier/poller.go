package notifier

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// leastRest is the least time between two polls: rings are anybody's to send, and must not make a node
	// poll without end.
	leastRest = time.Millisecond
	// emptyPolls is how many polls in a row may find nothing before rings are heeded less often.
	emptyPolls = 10
	// crowded is how many transactions one poll must find for the next to be taken at leisure: there, larger
	// batches cost the server less than more of them.
	crowded = 16
	// longestStall is what a poll's patience grows to, where its first row takes long to come.
	longestStall = 10 * time.Minute
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

	mu     sync.Mutex // guards all below
	next   *waiter    // for the next poll that begins
	owed   []*waiter  // for a poll that failed; the next good one serves them too
	status Health
	kept   LogState
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
	p.status = status
}

func (p *poller) troubled(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Err, p.status.Armed = err, false
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

// watch is the time of one poll connection.
type watch struct {
	*poller
	conn     *pgx.Conn
	boot     string
	arming   arming
	gate     gatekeeper
	alive    time.Time // when the sequence alive was last set
	began    time.Time // when the last poll did
	found    bool      // whether the last poll found events
	crowd    int       // transactions that the last poll found
	empty    int       // polls since then
	lastFind time.Time
	interval time.Duration
	suspect  suspicion
}

// open prepares the connection and finds out whether the log still has the history the node knows.
func (w *watch) open(ctx context.Context) error {
	if err := w.keepAlive(ctx); err != nil {
		return err
	}
	return w.history(ctx)
}

// history asks for the epoch. A log with another history than the one the node has read begins anew.
func (w *watch) history(ctx context.Context) error {
	var epoch string
	err := timed(ctx, func(ctx context.Context) error {
		if err := w.conn.QueryRow(ctx, `SELECT rowcall.epoch()`).Scan(&epoch); err != nil {
			return fmt.Errorf("asking for the epoch: %w", err)
		}
		if err := w.conn.QueryRow(ctx, `SELECT id::text FROM rowcall.boot`).Scan(&w.boot); err != nil {
			return fmt.Errorf("reading the boot row: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if epoch == w.epoch {
		return nil
	}
	if w.epoch != "" {
		w.feed.log.Warn("the log's history has changed: subscribers read their snapshots again", "epoch", epoch)
	}
	w.epoch, w.prev, w.partial, w.reason = epoch, snapshot{}, nil, ResetEpoch
	return nil
}

// step is one poll and what follows from it.
func (w *watch) step(ctx context.Context) error {
	hearing, heard, _ := w.feed.listener.hears()
	w.poller.began()
	swept := w.arming.armed() && time.Since(w.began) >= w.feed.options.Sweep
	w.began = time.Now()
	b, err := w.poll(ctx)
	if errors.Is(err, errExpired) {
		w.feed.log.Error("retention has overtaken this node: subscribers read their snapshots again")
		w.prev, w.partial, w.reason = snapshot{}, nil, ResetExpired
		w.poke()
		return nil
	}
	if err != nil {
		return err
	}
	w.found = b.writers > 0
	w.crowd = b.writers
	w.empty++
	if w.found {
		w.lastFind, w.empty = w.began, 0
	}
	w.suspect.consider(swept && w.found, heard, w.feed)
	if err := w.arm(ctx, b, hearing); err != nil {
		return err
	}
	w.note(b, hearing)
	if err := w.gate.decide(ctx, w, b); err != nil {
		return err
	}
	return w.keepAlive(ctx)
}

// poll reads the next batch, or what is left of one that was cut short.
func (w *watch) poll(ctx context.Context) (*batch, error) {
	to := handing{feed: w.feed, epoch: w.epoch, boot: w.boot}
	if w.partial != nil {
		if err := w.learn(resume(ctx, w.conn, w.feed.aside, w.stall, w.partial, to)); err != nil {
			return nil, err
		}
		w.finish(w.partial)
	}
	b, err := poll(ctx, w.conn, w.feed.aside, w.stall, w.prev, to)
	if w.learn(err) != nil {
		w.partial = b
		return nil, err
	}
	w.finish(b)
	if w.seeded {
		return b, nil
	}
	w.seeded = true
	return b, w.seed(ctx, b.seen)
}

// learn makes the next poll more patient where this one was cut short for bringing nothing: sorting a
// very long backlog takes its time.
func (w *watch) learn(err error) error {
	switch {
	case err == nil:
		w.stall = stall
	case errors.Is(err, errStalled):
		w.stall = min(2*w.stall, longestStall)
	}
	return err
}

// finish moves the node's place behind a batch.
func (w *watch) finish(b *batch) {
	w.partial = nil
	if w.prev = b.seen; !b.prev.zero() {
		w.feed.pulls.add(w.feed.hub.finish(b)...)
		return
	}
	all := w.feed.hub.restart(w.epoch, b.seen)
	here, text := w.feed.hub.where()
	for _, s := range all {
		s.reset(w.reason, here, text)
	}
	w.feed.pulls.add(w.feed.hub.restarted()...)
}

// note makes the state public and, once, says that the feed is ready.
func (w *watch) note(b *batch, hearing uint64) {
	w.ended(Health{PolledAt: w.began, Epoch: w.epoch, Armed: w.arming.armed(), Ringing: ringing(b.gate)})
	if hearing == 0 {
		return
	}
	select {
	case <-w.ready:
	default:
		close(w.ready)
	}
}

// rest waits until it is time to look again.
func (w *watch) rest(ctx context.Context) error {
	if err := sleep(ctx, nil, w.breath()-time.Since(w.began)); err != nil {
		return err
	}
	return sleep(ctx, w.poking, w.pace())
}

// breath is the least time between two polls. Rings that lead to nothing, time after time, may be anybody's.
func (w *watch) breath() time.Duration {
	if w.empty < emptyPolls {
		return leastRest
	}
	return w.feed.options.PollBusy
}

// pace is how long nobody looks unless somebody pokes.
func (w *watch) pace() time.Duration {
	o := &w.feed.options
	if w.arming.armed() {
		return w.suspect.within(o.Sweep)
	}
	switch {
	case w.crowd >= crowded:
		w.interval = 2 * o.PollBusy
	case w.found || w.interval == 0:
		w.interval = o.PollBusy
	default:
		w.interval = min(2*w.interval, w.slowest())
	}
	return w.interval*3/4 + rand.N(w.interval/2+1)
}

// slowest is what the interval may back off to: not far while writers that do not ring are busy.
func (w *watch) slowest() time.Duration {
	o := &w.feed.options
	if !ringing(w.gate.generation) && time.Since(w.lastFind) < time.Second {
		return min(2*o.PollBusy, o.PollIdle)
	}
	return o.PollIdle
}

// sleep waits for d, for a token, or for ctx to end.
func sleep(ctx context.Context, token <-chan struct{}, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-token:
	case <-timer.C:
	}
	return nil
}

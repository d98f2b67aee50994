package notifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// longestStall is what a poll's patience grows to, where its first row takes long to come.
const longestStall = 10 * time.Minute

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
	w.tally.poll(w.began)
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
	w.tally.gate = w.gate.state(b.gate)
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

package notifier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Subscribe registers, fixes the bound, asks access, and returns a subscription that will first
// replay what Since asks for and then go live. Close it in any case. The errors are ErrUnauthorized,
// ErrForbidden, ErrNotFound, ErrBadCursor, ErrNoSnapshot, those of the request's Meter, and ErrUnavailable when the
// database does not answer before ctx ends.
func (f *Feed) Subscribe(ctx context.Context, r Request) (*Subscription, Start, error) {
	s := &Subscription{
		feed: f, topics: r.Topics, follower: r.Follower, latest: r.Latest, wake: r.Wake,
		holder: cmp.Or(r.Holder, new(Holder)), meter: r.Meter, grants: make([]Grant, len(r.Topics)),
	}
	f.hub.add(s)
	joined := false
	defer func() {
		if !joined { // also where a fault ends it
			s.Close()
		}
	}()
	start, err := f.join(ctx, s, r)
	if err != nil {
		return nil, Start{}, err
	}
	joined = true
	if f.goLive(s) != notNow {
		s.release()
	}
	return s, start, nil
}

// join takes a registered subscription through the steps whose order is the promise: a bound that
// began after the request, then access, then the place to start from. It begins again where
// the log's history changes meanwhile.
func (f *Feed) join(ctx context.Context, s *Subscription, r Request) (Start, error) {
	for {
		_, resets := s.place()
		from, start, err := f.bound(ctx, s, r)
		if err != nil {
			return Start{}, err
		}
		if ok, err := s.start(resets, from, start.Cursor); ok || err != nil {
			return start, err
		}
	}
}

// bound finds where the subscription starts, and asks access after that.
func (f *Feed) bound(ctx context.Context, s *Subscription, r Request) (cursor, Start, error) {
	state, seen, err := f.state(ctx, s, r)
	if err != nil {
		return cursor{}, Start{}, err
	}
	here, text, err := f.poller.fresh(ctx)
	if err != nil {
		return cursor{}, Start{}, err
	}
	if err := f.begin(ctx, s, r, here); err != nil {
		return cursor{}, Start{}, err
	}
	leave, err := f.enter(ctx)
	if err != nil {
		return cursor{}, Start{}, err
	}
	defer leave()
	if err := f.admit(ctx, s); err != nil {
		return cursor{}, Start{}, err
	}
	start := Start{Cursor: text, State: state, Roles: s.roles()}
	switch {
	case r.Snapshot:
		from := cursor{epoch: here.epoch, position: after(seen)}
		start.Cursor = from.String()
		return from, start, nil
	case r.Since != "":
		return f.since(ctx, s, r.Since, here, start)
	}
	return here, start, nil
}

// enter waits for a place at the database.
func (f *Feed) enter(ctx context.Context) (leave func(), err error) {
	select {
	case f.joins <- struct{}{}:
		return func() { <-f.joins }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// admit asks access and returns the refusal, or ErrUnavailable where there is no answer.
func (f *Feed) admit(ctx context.Context, s *Subscription) error {
	err := f.ask(ctx, s)
	if failure(err) != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// roles is what access to the first topic granted.
func (s *Subscription) roles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants[0].Roles
}

// state reads the topic's state together with the snapshot it was read in. Access is asked before,
// so that nobody makes the database work for what he may not see; what counts is asked after.
func (f *Feed) state(ctx context.Context, s *Subscription, r Request) (json.RawMessage, snapshot, error) {
	if !r.Snapshot {
		return nil, snapshot{}, nil
	}
	leave, err := f.enter(ctx)
	if err != nil {
		return nil, snapshot{}, err
	}
	defer leave()
	if err := f.admit(ctx, s); err != nil {
		return nil, snapshot{}, err
	}
	var state json.RawMessage
	var text string
	read := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, f.pool, read, func(tx pgx.Tx) (err error) {
		if err = tx.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&text); err != nil {
			return err
		}
		state, err = f.rules.State(ctx, tx, Question{Topic: s.topics[0], Follower: s.follower})
		return err
	})
	if errors.Is(err, ErrNoSnapshot) {
		return nil, snapshot{}, ErrNoSnapshot
	}
	if err != nil {
		return nil, snapshot{}, fmt.Errorf("%w: reading the state of %s: %w", ErrUnavailable, s.topics[0], err)
	}
	seen, err := parseSnapshot(text)
	return state, seen, err
}

// since decides whether a cursor is of use, and where a subscription with it starts.
func (f *Feed) since(ctx context.Context, s *Subscription, text string, here cursor, start Start) (cursor, Start, error) {
	c, err := parseCursor(text)
	if err != nil {
		return cursor{}, Start{}, err
	}
	start.Reason, err = f.useless(ctx, s, c, here)
	if err != nil {
		return cursor{}, Start{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if start.Reason != "" {
		f.counts.reset(start.Reason)
		return here, start, nil
	}
	start.Recovered, start.Cursor = true, text
	return c, start, nil
}

// useless says why the cursor cannot be resumed from, if so. The node's place is newer than the
// request, so an honest cursor of any node is not ahead of it.
func (f *Feed) useless(ctx context.Context, s *Subscription, c, here cursor) (ResetReason, error) {
	if c.epoch != here.epoch || !here.prev.covers(c.top()) {
		return ResetEpoch, nil
	}
	n, known := f.hub.ahead(c.position, s.topics)
	if known {
		return f.replay(n, &f.counts.fromTail), nil
	}
	err := checkFloor(ctx, f.pool, c.prev)
	if errors.Is(err, errExpired) {
		return ResetExpired, nil
	}
	if err != nil {
		return "", err
	}
	n, err = countAfter(ctx, f.pool, c.position, here.prev, s.topics, f.options.ReplayEvents+1)
	if err != nil {
		return "", err
	}
	return f.replay(n, &f.counts.fromLog), nil
}

// replay counts one of n events by where they come from, or says that they are too many.
func (f *Feed) replay(n int, from *atomic.Uint64) ResetReason {
	if n > f.options.ReplayEvents {
		return ResetOverflow
	}
	from.Add(1)
	return ""
}

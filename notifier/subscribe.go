package notifier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// Request says what to follow, and from where.
type Request struct {
	Topics   []topic.Topic // one topic for a socket; several topics share one order and one cursor
	Follower Follower
	Since    string  // resume after this cursor; empty: from now on
	Snapshot bool    // read the first topic's state and go on from it; Since is then ignored
	Meter    Meter   // bounds the cost of the replay; nil: no bound
	Holder   *Holder // is shed together with the subscription; nil: the subscription alone is shed

	// Resumable says that the reader will resume with the cursors that it gets. If there is no cursor,
	// because its text would exceed MaxCursorBytes, Subscribe returns ErrUnavailable, or an open
	// subscription that needs a reset ends with ErrUnavailable: a reader without a cursor would miss
	// events and not notice.
	Resumable bool
	// Latest names a field of the events' data. A reader that falls behind then gets the newest
	// event for each value of the field, and skips the others. If it is empty, every event is
	// delivered.
	Latest string
	// Filter is a condition that the rows of the state must fulfil; nil: none. Rules.State knows its type; to the feed
	// it means nothing, and events are not tested.
	Filter any
	// Wake is called, from any goroutine, when Take has something new. It must not block.
	Wake func()
}

// Start is where a subscription starts.
type Start struct {
	Cursor    string          // Since if a replay follows; else where the subscription is live from, or empty
	Recovered bool            // whether Since was of use; meaningless without Since
	Reason    ResetReason     // why Since was of no use
	State     json.RawMessage // with Snapshot: the topic's state as a JSON array
	Truncated bool            // whether State lacks rows, because there are more than its limit
	Roles     []string        // the roles that access to the first topic granted
}

// Subscribe starts a subscription, which first replays what Since asks for and then goes live. If
// it returns one, the caller must close it. The errors are ErrUnauthorized, ErrForbidden,
// ErrNotFound, ErrBadCursor, ErrNoSnapshot, those of the request's Meter, and ErrUnavailable if the
// database does not answer before ctx ends.
func (f *Feed) Subscribe(ctx context.Context, r Request) (*Subscription, Start, error) {
	s := &Subscription{
		host: f.host, topics: r.Topics, follower: r.Follower, latest: r.Latest, resumable: r.Resumable, wake: r.Wake,
		holder: cmp.Or(r.Holder, new(Holder)), meter: r.Meter, grants: make([]Grant, len(r.Topics)),
	}
	f.hub.register(s)
	joined := false
	defer func() {
		if !joined { // also if Rules panic
			s.Close()
		}
	}()
	start, err := f.join(ctx, s, r)
	if err != nil {
		return nil, Start{}, err
	}
	joined = true
	if f.hub.goLive(s) != attachDeferred {
		s.endTurn()
	}
	return s, start, nil
}

// errNoCursor says that a reader cannot be told where it is: too many transactions are open to name
// them all in a cursor.
var errNoCursor = fmt.Errorf("%w: too many transactions are open for a cursor", ErrUnavailable)

// join decides where a registered subscription starts. It begins again if the log's history has
// changed meanwhile.
func (f *Feed) join(ctx context.Context, s *Subscription, r Request) (Start, error) {
	for {
		_, resets := s.pullPlace()
		from, start, err := f.findStart(ctx, s, r)
		if err != nil {
			return Start{}, err
		}
		if r.Resumable && start.Cursor == "" {
			return Start{}, errNoCursor
		}
		if ok, err := s.startAt(resets, from, start.Cursor); ok || err != nil {
			return start, err
		}
	}
}

// findStart finds where the subscription starts, and asks access. The order of its steps is the
// promise: the state is read, then a poll that began after the request bounds what the subscription
// may replay, then access is asked, then the cursor is looked at. Without a cursor nothing is
// replayed: then the subscription may begin where a large poll that is under way will end.
//
// Since access is asked after the bound is fixed, the answer takes every removal of a right into
// account that committed before the bound. A later removal files an access event in a later poll,
// which reaches the subscription because it is registered.
func (f *Feed) findStart(ctx context.Context, s *Subscription, r Request) (cursor, Start, error) {
	read, err := f.readState(ctx, s, r)
	if err != nil {
		return cursor{}, Start{}, err
	}
	wait := f.poller.waitForPlace
	if r.Since != "" && !r.Snapshot {
		wait = f.poller.waitForRound
	}
	here, text, err := wait(ctx)
	if err != nil {
		return cursor{}, Start{}, err
	}
	plan := f.planReplay(r, here)
	if err := f.meterReplay(ctx, s, plan); err != nil {
		return cursor{}, Start{}, err
	}
	var from cursor
	var start Start
	err = f.joins.run(ctx, s.root(), func(ctx context.Context) (err error) {
		if err := f.admit(ctx, s); err != nil {
			return err
		}
		start = Start{Cursor: text, State: read.state, Truncated: read.truncated, Roles: s.grantedRoles()}
		if r.Snapshot {
			from = cursorAfter(here.epoch, read.seen)
			start.Cursor = from.String()
			return nil
		}
		from, start, err = f.startReplay(ctx, s, plan, here, start)
		return err
	})
	return from, start, err
}

// admit asks access, and returns the refusal, or ErrUnavailable if there is no answer.
func (f *Feed) admit(ctx context.Context, s *Subscription) error {
	err := askAccess(ctx, f.rules, s)
	if err != nil && !isRefusal(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// stateRead is a topic's state, and the snapshot it was read in.
type stateRead struct {
	state     json.RawMessage
	truncated bool // there are more rows than the state has
	seen      snapshot
}

// readState reads the topic's state together with the snapshot it was read in. Access is asked
// before, so that a follower without access causes no work in the database. The answer that counts
// is asked for after it.
func (f *Feed) readState(ctx context.Context, s *Subscription, r Request) (read stateRead, err error) {
	if !r.Snapshot {
		return stateRead{}, nil
	}
	err = f.joins.run(ctx, s.root(), func(ctx context.Context) (err error) {
		if err := f.admit(ctx, s); err != nil {
			return err
		}
		read, err = f.readStateTwice(ctx, s, r.Filter)
		return err
	})
	return read, err
}

// readStateTwice reads the state, in a second transaction if the first cannot.
func (f *Feed) readStateTwice(ctx context.Context, s *Subscription, filter any) (stateRead, error) {
	read, text, err := f.readStateInSnapshot(ctx, s, filter)
	if errors.Is(err, ErrReadAgain) {
		read, text, err = f.readStateInSnapshot(ctx, s, filter)
	}
	if errors.Is(err, ErrNoSnapshot) {
		return stateRead{}, ErrNoSnapshot
	}
	if err != nil {
		return stateRead{}, fmt.Errorf("%w: reading the state of %s: %w", ErrUnavailable, s.topics[0], err)
	}
	read.seen, err = parseSnapshot(text)
	return read, err
}

// readStateInSnapshot reads the topic's state, and the text of the snapshot in which it reads.
func (f *Feed) readStateInSnapshot(ctx context.Context, s *Subscription, filter any) (read stateRead, text string, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, f.pool, options, func(tx pgx.Tx) (err error) {
		if err = tx.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&text); err != nil {
			return err
		}
		read.state, read.truncated, err = f.rules.State(ctx, tx, Question{Topic: s.topics[0], Follower: s.follower, Filter: filter})
		return err
	})
	return read, text, err
}

// replaySource is where the events behind a cursor come from.
type replaySource int

const (
	replayNone       replaySource = iota // the request has no cursor, or its text is not a cursor
	replayOtherEpoch                     // the cursor belongs to another history
	replayFromTail                       // the tail reaches back to the cursor
	replayFromLog                        // the events have to be read from the log
)

// replayPlan says how a request's cursor is resumed from.
type replayPlan struct {
	text   string // of the cursor
	cursor cursor
	source replaySource
	err    error // ErrBadCursor; returned only after access was asked
}

// planReplay decides how to resume from the request's cursor. It only looks at where the tail
// begins, because access was not asked yet: what costs more waits for checkReplay. The node's place
// is newer than the request, so a genuine cursor of any node is not ahead of it.
func (f *Feed) planReplay(r Request, here cursor) replayPlan {
	if r.Snapshot || r.Since == "" {
		return replayPlan{}
	}
	c, err := parseCursor(r.Since)
	if err != nil {
		return replayPlan{err: err}
	}
	plan := replayPlan{text: r.Since, cursor: c, source: replayFromLog}
	switch {
	case c.epoch != here.epoch || !here.prev.covers(c.upperBound()):
		plan.source = replayOtherEpoch
	case f.hub.tailReaches(c.position):
		plan.source = replayFromTail
	}
	return plan
}

// meterReplay waits for a turn among the metered replays if the plan needs one: only reading the
// log does.
func (f *Feed) meterReplay(ctx context.Context, s *Subscription, plan replayPlan) error {
	if s.meter == nil || plan.source != replayFromLog {
		return nil
	}
	s.releaseReplaySlot() // it has one if this is the second time, after a change of history
	giveBack, err := s.meter.BeginReplay(ctx)
	if err != nil {
		return err
	}
	s.holdReplaySlot(giveBack)
	return nil
}

// startReplay carries the plan out as far as Subscribe does: the subscription starts at the cursor
// if that is of use, and else at the node's place.
func (f *Feed) startReplay(ctx context.Context, s *Subscription, plan replayPlan, here cursor, start Start) (cursor, Start, error) {
	if plan.err != nil || plan.source == replayNone {
		return here, start, plan.err
	}
	reason, err := f.checkReplay(ctx, s, plan, here)
	if err != nil {
		return cursor{}, Start{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if reason != "" {
		f.counts.countReset(reason)
		start.Reason = reason
		return here, start, nil
	}
	start.Recovered, start.Cursor = true, plan.text
	return plan.cursor, start, nil
}

// checkReplay returns why the cursor cannot be resumed from, if so: it counts the events behind it.
// If the tail does not know them, it reads the floor and counts in the log.
func (f *Feed) checkReplay(ctx context.Context, s *Subscription, plan replayPlan, here cursor) (ResetReason, error) {
	if plan.source == replayOtherEpoch {
		return ResetEpoch, nil
	}
	n, known := f.hub.countInTail(plan.cursor.position, s.topics)
	if known {
		return f.countReplay(&f.counts.fromTail, n), nil
	}
	err := checkFloor(ctx, f.pool, plan.cursor.prev)
	if errors.Is(err, errExpired) {
		return ResetExpired, nil
	}
	if err != nil {
		return "", err
	}
	n, err = f.reader.countAfter(ctx, plan.cursor, here.prev, s.topics, f.options.ReplayEvents+1, func() {})
	if err != nil {
		return "", err
	}
	return f.countReplay(&f.counts.fromLog, n), nil
}

// countReplay records a replay of n events in the given counter. It returns ResetOverflow if n
// exceeds Options.ReplayEvents.
func (f *Feed) countReplay(counter *atomic.Uint64, n int) ResetReason {
	if n > f.options.ReplayEvents {
		return ResetOverflow
	}
	counter.Add(1)
	return ""
}

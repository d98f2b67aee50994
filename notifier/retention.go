package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier/dbconn"
)

const (
	// slotCount is how many slots the log has; schema/core makes them.
	slotCount = 4
	// noSlot is not the number of a slot.
	noSlot = -1
	// rotationLock is the advisory lock of the node that empties a slot, or advances to it.
	rotationLock = 0x726f7763_736c6f74
	// rotationTries is how often one attempt asks for the slot's lock. Each try asks without
	// waiting: a lock that waits stops every writer behind it. Polls hold their lock for a moment
	// only.
	rotationTries = 50
	// replayLock is the number, in SQL, of the advisory lock that replays share while they read the
	// log: "rowcread" in ASCII.
	replayLock = "8245940711743381860"
	// shortestReplayWait is how long retention waits at first for the replays that are reading; the
	// wait doubles up to longestReplayWait while that is not enough. New replays wait behind it, so it is
	// shorter than slowAfter: the wait must not make their roots slow.
	shortestReplayWait, longestReplayWait = 100 * time.Millisecond, 400 * time.Millisecond
	// rotationAlarm is how long rotation may be refused before an operator should know.
	rotationAlarm = 5 * time.Minute
)

// LogState is what the log holds.
type LogState struct {
	Bytes int64         // of all slots with their indexes
	Since time.Time     // when its oldest event was filed, by the database's clock; zero if it has none
	Age   time.Duration // of that event, by the database's clock; 0 if there is none

	SlotBytes int64         // of the slot that is being written
	SlotSince time.Time     // when that slot's oldest event was filed; zero if it has none
	SlotAge   time.Duration // of that event; 0 if there is none

	// Refused is since when the lock of another session has kept retention from emptying a slot
	// that is due. It is zero if none does.
	Refused time.Time
}

// Alarming reports whether retention has been refused for so long that an operator should know.
func (s LogState) Alarming() bool {
	return !s.Refused.IsZero() && time.Since(s.Refused) >= rotationAlarm
}

// Retention truncates one of the log's slots at a time. It needs a lock that excludes writers, and
// it never waits for that lock: behind a waiting ACCESS EXCLUSIVE lock every writer would wait too.
// So a long transaction, or a dump, only delays it.
//
// Replays would delay it for ever: they read all slots, and while many clients come back there is
// always one that reads. So each replay shares an advisory lock while it reads a page, on every node,
// and retention waits a moment for that lock before it asks for the slot. Neither writers nor polls
// take the advisory lock. A replay that waits for a lock of a table holds it meanwhile: then retention
// gives up after replayWait.

// retention keeps the log within Options.Keep and Options.KeepBytes. Every node tries; a lock
// decides which node empties a slot.
type retention struct {
	options *Options
	log     *slog.Logger
	pool    *dbconn.Pool

	replayWait time.Duration // how long the next rotation waits for replays; 0: the shortest

	state atomic.Pointer[LogState] // as it was last seen; nil: not yet
}

// lastState is the log as retention last saw it.
func (r *retention) lastState() LogState {
	if state := r.state.Load(); state != nil {
		return *state
	}
	return LogState{}
}

// keepEmptying looks after the log every Options.Retain, until ctx ends.
func (r *retention) keepEmptying(ctx context.Context) {
	for sleep(ctx, r.options.Retain) == nil {
		before := r.lastState()
		next, err := r.lookAfterLog(ctx, before)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("retention: the log was not looked after", "err", err)
			continue
		}
		if next.Alarming() && !before.Alarming() {
			r.log.Error("retention: a slot cannot be emptied because somebody holds a lock on it: look for a long transaction or a dump", "since", next.Refused, "bytes", next.Bytes)
		}
		r.state.Store(&next)
	}
}

// lookAfterLog reads what the log holds, and rotates it if that is due. It returns the new state.
func (r *retention) lookAfterLog(ctx context.Context, before LogState) (LogState, error) {
	ctx, cancel := context.WithTimeout(ctx, silenceLimit)
	defer cancel()
	state, err := readLogState(ctx, r.pool)
	if err != nil {
		return before, fmt.Errorf("looking at the log: %w", err)
	}
	if !r.isDue(state) {
		return state, nil
	}
	wait := max(r.replayWait, shortestReplayWait)
	switch err := rotateLog(ctx, r.pool, wait); {
	case isLockRefused(err):
		r.replayWait = min(2*wait, longestReplayWait)
		state.Refused = before.Refused
		if state.Refused.IsZero() {
			state.Refused = time.Now()
		}
		return state, nil
	case err != nil:
		return state, err
	}
	r.replayWait = shortestReplayWait
	return readLogState(ctx, r.pool)
}

// readLogState reads all of the log's state but Refused. The database computes the ages, because the
// times of events are those of its clock, and the node's clock may be wrong.
func readLogState(ctx context.Context, q querier) (state LogState, err error) {
	const sql = `
SELECT log_bytes, log_since, coalesce(clock_timestamp() - log_since, '0'),
       slot_bytes, slot_since, coalesce(clock_timestamp() - slot_since, '0')
  FROM rowcall.log_state()`
	var since, slotSince *time.Time
	err = q.QueryRow(ctx, sql).Scan(&state.Bytes, &since, &state.Age, &state.SlotBytes, &slotSince, &state.SlotAge)
	if since != nil {
		state.Since = *since
	}
	if slotSince != nil {
		state.SlotSince = *slotSince
	}
	return state, err
}

// isDue reports whether a slot should be emptied. That is so when the slot that is being written has
// had its share of the limits: after the oldest of four slots was emptied, two full slots and the new
// one are left, so each slot spans half of Keep.
//
// It is also so when the whole log is too large, although its newest slot is small: a bulk load may
// have left a slot that is larger than all of KeepBytes. Each look then empties the oldest slot, until
// the rotation comes to the large one, also if nothing is written meanwhile.
func (r *retention) isDue(state LogState) bool {
	switch {
	case state.Since.IsZero():
		return false // the log has no events
	case state.Bytes > r.options.KeepBytes:
		return true
	case state.SlotSince.IsZero():
		return false
	}
	return state.SlotAge >= r.options.Keep/(slotCount-2) || state.SlotBytes >= r.options.KeepBytes/slotCount
}

// isLockRefused reports whether another session holds a lock that rotation would have to wait for.
func isLockRefused(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "55P03"
}

// rotateLog empties the next slot and advances to it, in two transactions that each take the lock.
// The second does nothing if another node has advanced in between. Neither leaves anything in its
// session, which may be shared through a pooler.
func rotateLog(ctx context.Context, pool *dbconn.Pool, replayWait time.Duration) error {
	slot, err := emptyNextSlot(ctx, pool, replayWait)
	if err != nil {
		return fmt.Errorf("emptying a slot: %w", err)
	}
	err = withRotationLock(ctx, pool, func(tx pgx.Tx, written int64) error {
		if written != slot {
			return nil
		}
		_, err := tx.Exec(ctx, `SELECT rowcall.advance_slot()`)
		return err
	})
	if err != nil {
		return fmt.Errorf("advancing to the next slot: %w", err)
	}
	return nil
}

// emptyNextSlot empties the next slot if no replay reads within replayWait, and if it then gets the
// slot's lock within rotationTries. It returns the slot that is being written, or noSlot if another
// node is rotating.
func emptyNextSlot(ctx context.Context, pool *dbconn.Pool, replayWait time.Duration) (slot int64, err error) {
	slot = noSlot
	err = withRotationLock(ctx, pool, func(tx pgx.Tx, written int64) error {
		if err := holdReplays(ctx, tx, replayWait); err != nil {
			return err
		}
		var err error
		for range rotationTries {
			err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { // a savepoint
				_, err := tx.Exec(ctx, `SELECT rowcall.empty_next_slot()`)
				return err
			})
			if err == nil {
				slot = written
			}
			if !isLockRefused(err) {
				return err
			}
			pause(ctx, 2*time.Millisecond)
		}
		return err
	})
	return slot, err
}

// holdReplays keeps replays from reading the log until the transaction ends. It waits for those that
// are reading a page.
func holdReplays(ctx context.Context, tx pgx.Tx, wait time.Duration) error {
	if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`, milliseconds(wait)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(`+replayLock+`)`)
	return err
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// withRotationLock calls step in a transaction of its own, with the slot that is being written. It
// does nothing if another node has the lock. If the node is stopped in the transaction, the server ends
// it after silenceLimit, so that replays and other nodes do not wait for its locks. The statements of step must see what is newer than its
// locks, so the isolation level is given here and not left to settings.
func withRotationLock(ctx context.Context, pool *dbconn.Pool, step func(tx pgx.Tx, written int64) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		var locked bool
		var written int64
		const lock = `SELECT pg_try_advisory_xact_lock($1) FROM set_config('idle_in_transaction_session_timeout', $2, true)`
		if err := tx.QueryRow(ctx, lock, int64(rotationLock), milliseconds(silenceLimit)).Scan(&locked); err != nil || !locked {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT rowcall.slot_rotations()`).Scan(&written); err != nil {
			return err
		}
		return step(tx, written)
	})
}

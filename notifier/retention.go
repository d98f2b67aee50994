package notifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// slots is how many parts the log has; schema/core makes them.
	slots = 4
	// noSlot is no slot's number.
	noSlot = -1
	// rotationLock is the advisory lock of the node that empties a slot, or advances to it.
	rotationLock = 0x726f7763_736c6f74
	// rotationTries is how often one attempt asks for the slot's lock. Each asks without waiting: a lock
	// that waits stops everybody behind it, and polls hold theirs for a moment only.
	rotationTries = 50
	// rotationAlarm is how long rotation may be refused before an operator should know.
	rotationAlarm = 5 * time.Minute
)

// LogState is what the log holds.
type LogState struct {
	Bytes int64     // of all slots with their indexes
	Since time.Time // its oldest event; zero when there is none

	SlotBytes int64     // of the slot that is written
	SlotSince time.Time // its oldest event; zero when there is none

	Refused time.Time // since when retention is due but somebody holds the slot that is to be emptied; zero when it is not
}

// retain keeps the log within Options.Keep and Options.KeepBytes until ctx ends. Every node tries;
// a lock decides.
func (f *Feed) retain(ctx context.Context) {
	var state LogState
	for sleep(ctx, nil, f.options.Retain) == nil {
		next, err := f.retainOnce(ctx, state)
		if err != nil && ctx.Err() == nil {
			f.log.Warn("retention: the log was not looked after", "err", err)
			continue
		}
		if alarming(next) && !alarming(state) {
			f.log.Error("retention: a slot cannot be emptied because somebody holds a lock on it: look for a long transaction or a dump", "since", next.Refused, "bytes", next.Bytes)
		}
		state = next
		f.poller.noteLog(state)
	}
}

func alarming(s LogState) bool {
	return !s.Refused.IsZero() && time.Since(s.Refused) >= rotationAlarm
}

// retainOnce looks at the log and rotates it where it is due.
func (f *Feed) retainOnce(ctx context.Context, before LogState) (LogState, error) {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	var slotSince, logSince *time.Time
	state := LogState{}
	const sql = `SELECT slot_bytes, slot_since, log_bytes, log_since FROM rowcall.log_state()`
	if err := f.pool.QueryRow(ctx, sql).Scan(&state.SlotBytes, &slotSince, &state.Bytes, &logSince); err != nil {
		return before, fmt.Errorf("looking at the log: %w", err)
	}
	if logSince != nil {
		state.Since = *logSince
	}
	if slotSince != nil {
		state.SlotSince = *slotSince
	}
	if !f.due(state.SlotBytes, slotSince) {
		return state, nil
	}
	err := rotate(ctx, f.pool)
	if refused(err) {
		state.Refused = before.Refused
		if state.Refused.IsZero() {
			state.Refused = time.Now()
		}
		return state, nil
	}
	return state, err
}

// due reports whether the slot that is written has had its share. Emptying the oldest of four leaves two
// full ones and the new one, so each spans half of Keep.
func (f *Feed) due(bytes int64, since *time.Time) bool {
	if since == nil {
		return false
	}
	return time.Since(*since) >= f.options.Keep/(slots-2) || bytes >= f.options.KeepBytes/slots
}

// refused reports whether somebody holds a lock that rotation would have to wait for.
func refused(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "55P03"
}

// rotate empties the next slot and advances to it: two transactions, each under the lock, of which the second does
// nothing where another node has advanced in between. Neither leaves anything in the session: it may be a pooler's.
func rotate(ctx context.Context, pool *pgxpool.Pool) error {
	slot, err := emptyNext(ctx, pool)
	if err != nil {
		return fmt.Errorf("emptying a slot: %w", err)
	}
	err = underLock(ctx, pool, func(tx pgx.Tx, written int64) error {
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

// emptyNext empties the next slot, if it can be had within a few tries, and returns the one that is written; or
// noSlot, where another node is at it.
func emptyNext(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	slot := int64(noSlot)
	var err error
	for range rotationTries {
		err = underLock(ctx, pool, func(tx pgx.Tx, written int64) error {
			_, err := tx.Exec(ctx, `SELECT rowcall.empty_next_slot()`)
			if err == nil {
				slot = written
			}
			return err
		})
		if !refused(err) {
			return slot, err
		}
		pause(ctx, 2*time.Millisecond)
	}
	return slot, err
}

// underLock does one step of a rotation in a transaction of its own, unless another node is at it. It is told the
// slot that is written. What a step sees must be newer than its locks, so the isolation is not left to settings.
func underLock(ctx context.Context, pool *pgxpool.Pool, step func(tx pgx.Tx, written int64) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		var mine bool
		var written int64
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(rotationLock)).Scan(&mine); err != nil || !mine {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT last_value FROM rowcall.slot`).Scan(&written); err != nil {
			return err
		}
		return step(tx, written)
	})
}

package notifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// slots is how many parts the log has; schema/core makes them.
	slots = 4
	// rotationLock is the session advisory lock of the node that empties a slot and advances to it.
	rotationLock = 0x726f7763_736c6f74
	// rotationTries is how often one attempt asks for the slot's lock. Each asks without waiting: a lock
	// that waits stops everybody behind it, and polls hold theirs for a moment only.
	rotationTries = 50
	// rotationAlarm is how long rotation may be refused before an operator should know.
	rotationAlarm = 5 * time.Minute
)

// LogState is what the log holds.
type LogState struct {
	Bytes   int64     // of all slots with their indexes
	Since   time.Time // its oldest event; zero when there is none
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
	conn, err := f.pool.Acquire(ctx)
	if err != nil {
		return before, err
	}
	defer conn.Release()
	var slotBytes int64
	var slotSince, logSince *time.Time
	state := LogState{}
	const sql = `SELECT slot_bytes, slot_since, log_bytes, log_since FROM rowcall.log_state()`
	if err := conn.QueryRow(ctx, sql).Scan(&slotBytes, &slotSince, &state.Bytes, &logSince); err != nil {
		return before, fmt.Errorf("looking at the log: %w", err)
	}
	if logSince != nil {
		state.Since = *logSince
	}
	if !f.due(slotBytes, slotSince) {
		return state, nil
	}
	err = rotate(ctx, conn)
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

// rotate empties the next slot and advances to it: two transactions under one lock, so that two
// nodes cannot advance twice.
func rotate(ctx context.Context, conn *pgxpool.Conn) error {
	var mine bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(rotationLock)).Scan(&mine); err != nil || !mine {
		return err
	}
	defer func() {
		// The lock belongs to the connection: one that cannot give it back is not used again.
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(rotationLock)); err != nil {
			closeConn(conn.Conn())
		}
	}()
	if err := emptyNext(ctx, conn); err != nil {
		return fmt.Errorf("emptying a slot: %w", err)
	}
	if _, err := conn.Exec(ctx, `SELECT rowcall.advance_slot()`); err != nil {
		return fmt.Errorf("advancing to the next slot: %w", err)
	}
	return nil
}

func emptyNext(ctx context.Context, conn *pgxpool.Conn) error {
	var err error
	for range rotationTries {
		if _, err = conn.Exec(ctx, `SELECT rowcall.empty_next_slot()`); !refused(err) {
			return err
		}
		pause(ctx, 2*time.Millisecond)
	}
	return err
}

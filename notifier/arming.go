package notifier

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// arming decides whether a node may sleep until a ring. It may once it knows that every writer
// who read an older gate has ended and been polled: LISTEN confirmed, then a poll that read the gate
// odd, then the barrier of all writers at work, then a poll that sees all of them ended.
type arming struct {
	stage      int
	generation int64    // the gate's, when the barrier was taken
	hearing    uint64   // the listener's
	barrier    []uint64 // transactions that may have read an older gate
}

const (
	disarmed = iota
	awaiting
	sleeping
)

func (a *arming) armed() bool { return a.stage == sleeping }

// ringing reports whether writers who read this generation of the gate ring.
func ringing(generation int64) bool { return generation%2 == 1 }

// arm moves the arming on after a poll. hearing was read before the poll began.
func (w *watch) arm(ctx context.Context, b *batch, hearing uint64) error {
	a := &w.arming
	heard := hearing != 0 && w.gate.heardProbe(ctx, w, hearing)
	if !heard || !ringing(b.gate) {
		a.stage = disarmed
		return nil
	}
	if a.stage != disarmed && (a.generation != b.gate || a.hearing != hearing) {
		a.stage = disarmed
	}
	switch a.stage {
	case disarmed:
		barrier, err := takeBarrier(ctx, w.conn, b.seen)
		if err != nil {
			return err
		}
		*a = arming{stage: awaiting, generation: b.gate, hearing: hearing, barrier: barrier}
	case awaiting:
		if b.seen.seesAll(a.barrier) {
			a.stage, a.barrier = sleeping, nil
		}
	}
	return nil
}

// barrierSQL names the transactions that hold the lock of a writer on the log or a slot. A holder
// without a transaction id has not inserted yet: it will read the gate later.
const barrierSQL = `
SELECT t.transactionid::text::bigint
  FROM pg_locks t
 WHERE t.locktype = 'transactionid' AND t.mode = 'ExclusiveLock' AND t.granted
   AND t.virtualtransaction IN (
       SELECT l.virtualtransaction
         FROM pg_locks l
        WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (l.relation = 'rowcall.log'::regclass
               OR l.relation IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'rowcall.log'::regclass)))`

func takeBarrier(ctx context.Context, conn *pgx.Conn, near snapshot) ([]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	rows, err := conn.Query(ctx, barrierSQL)
	if err != nil {
		return nil, fmt.Errorf("taking the barrier: %w", err)
	}
	xids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("taking the barrier: %w", err)
	}
	barrier := make([]uint64, len(xids))
	for i, x := range xids {
		barrier[i] = widen(uint32(x), near.xmax)
	}
	return barrier, nil
}

// widen gives a 32-bit transaction id the epoch that brings it nearest to a 64-bit one.
func widen(xid uint32, near uint64) uint64 {
	return near + uint64(int64(int32(xid-uint32(near))))
}

// suspicion watches sweeps: one that finds events no ring has announced, nor announces within a
// grace period, means that rings do not arrive, as after a half-open connection or a writer that died
// between the gate's two states.
type suspicion struct {
	since time.Time // zero: none
	heard uint64
}

// grace is how long a ring may come after its event was visible.
const grace = 500 * time.Millisecond

func (s *suspicion) consider(foundUnasked bool, heard uint64, f *Feed) {
	if !s.since.IsZero() {
		_, now, _ := f.listener.hears()
		switch {
		case now != s.heard:
			s.since = time.Time{}
		case time.Since(s.since) >= grace:
			s.since = time.Time{}
			f.log.Warn("a sweep found events that no ring announced: listening anew")
			f.listener.reconnect()
		}
		return
	}
	if foundUnasked && heard == s.heard {
		s.since = time.Now()
	}
	s.heard = heard
}

// within shortens a rest so that a suspicion is looked at in time.
func (s *suspicion) within(rest time.Duration) time.Duration {
	if s.since.IsZero() {
		return rest
	}
	return min(rest, max(time.Until(s.since.Add(grace)), leastRest))
}

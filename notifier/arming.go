package notifier

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// arming decides whether the node may sleep until a ring. It may once it knows that every writer
// who read an older generation of the gate has ended, and its events were polled. The steps are:
// LISTEN is confirmed and the probe came back; a poll reads the gate odd; the barrier is taken,
// which lists the writers at work; a later poll sees that all of them have ended, and the gate is
// still the same.
type arming struct {
	stage      armingStage
	generation int64    // the gate's, when the barrier was taken
	listening  uint64   // the LISTEN's, when the barrier was taken
	barrier    []uint64 // transactions that may have read an older generation of the gate
}

type armingStage int

const (
	disarmed        armingStage = iota
	awaitingBarrier             // some of the barrier's transactions may still run
	armed
)

func (a *arming) isArmed() bool { return a.stage == armed }

// disarm makes the node poll without waiting for rings.
func (a *arming) disarm() { a.stage = disarmed }

// advance moves the arming on after a poll, which began while the LISTEN of this generation was
// confirmed.
func (a *arming) advance(ctx context.Context, conn *pgx.Conn, p *poll, listening uint64) error {
	if !isRinging(p.gate) {
		a.disarm()
		return nil
	}
	if a.stage != disarmed && (a.generation != p.gate || a.listening != listening) {
		a.disarm()
	}
	switch a.stage {
	case disarmed:
		barrier, err := takeBarrier(ctx, conn, p.seen)
		if err != nil {
			return err
		}
		*a = arming{stage: awaitingBarrier, generation: p.gate, listening: listening, barrier: barrier}
	case awaitingBarrier:
		if p.seen.seesAll(a.barrier) {
			a.stage, a.barrier = armed, nil
		}
	}
	return nil
}

// barrierSQL lists the transactions that hold a writer's lock on the log or on a slot. A holder
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
	ctx, cancel := context.WithTimeout(ctx, silenceLimit)
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
		barrier[i] = widenXID(uint32(x), near.xmax)
	}
	return barrier, nil
}

// widenXID returns the 64-bit transaction id that has these 32 low bits and is nearest to near.
func widenXID(xid uint32, near uint64) uint64 {
	return near + uint64(int64(int32(xid-uint32(near))))
}

// ringSuspicion watches sweeps, the polls of a node that sleeps until a ring. If a sweep finds
// events that no ring has announced, nor announces within ringGrace, then rings do not arrive: the
// connection is half-open, or a writer has died between the gate's two states.
type ringSuspicion struct {
	since time.Time // zero: there is none
	rings uint64    // the listener's count at the last poll
}

// ringGrace is how long a ring may come after its event became visible.
const ringGrace = 500 * time.Millisecond

// isConfirmed looks at one poll, and reports whether rings do not arrive. sweptEvents says that the
// poll was a sweep and found events, before is the number of rings before the poll, and now reads
// it.
func (s *ringSuspicion) isConfirmed(sweptEvents bool, before uint64, now func() uint64) bool {
	if s.since.IsZero() {
		if sweptEvents && before == s.rings {
			s.since = time.Now()
		}
		s.rings = before
		return false
	}
	switch {
	case now() != s.rings:
		s.since = time.Time{}
	case time.Since(s.since) >= ringGrace:
		s.since = time.Time{}
		return true
	}
	return false
}

// shorten shortens a rest so that the suspicion is looked at in time.
func (s *ringSuspicion) shorten(rest time.Duration) time.Duration {
	if s.since.IsZero() {
		return rest
	}
	return min(rest, max(time.Until(s.since.Add(ringGrace)), leastRest))
}

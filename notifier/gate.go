package notifier

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// gateQuiet is how long the rate must stay low before writers ring again.
	gateQuiet = 2 * time.Second
	// busyRateKept is how long busyRate counts. After that time writers ring again at any rate, because
	// the disk may have become faster.
	busyRateKept = 10 * time.Minute
	// gateLookAfter is the interval at which the gatekeeper tries the lock and reads the queue's
	// usage.
	gateLookAfter = time.Second
	// gateLock is the session advisory lock of the one node that flips the gate.
	gateLock = 0x726f7763_67617465
	// notifyQueueFull is the part of the server's NOTIFY queue in use above which no writer should
	// ring.
	notifyQueueFull = 0.05
	// probeWait is how long a probe may take before rings count as not arriving.
	probeWait = 5 * time.Second
	// probeAgain is the interval of probes while rings do not arrive.
	probeAgain = 30 * time.Second
)

// isRinging reports whether writers who read this generation of the gate ring.
func isRinging(generation int64) bool { return generation%2 == 1 }

// GateState is what the gate is, and why.
type GateState struct {
	Generation int64
	Ringing    bool // writers ring
	Keeper     bool // this node is the one that flips the gate
	Full       bool // the server's NOTIFY queue is so full that no writer should ring
	Deaf       bool // rings do not reach this node
}

// probeListener is the listener, as far as probes need it.
type probeListener interface {
	expectProbe(probe string)
	hasProbeReturned() bool
}

// The gate exists because NOTIFY takes a lock on the whole server until the commit is on disk. A
// writer that never waits for this lock rings for nearly nothing, however often it commits. Where
// commits wait for it, ringing costs all writers more than frequent polls cost the server. Then the
// gate is even, writers do not ring, and nodes poll every few milliseconds. The gate is also a
// breaker: no writer should ring while the NOTIFY queue is almost full, or while rings do not
// arrive.

// gatekeeper decides, on one node, whether writers ring. On every node it also finds out whether
// rings reach the node. It lives as long as one poll connection, and belongs to the poller's
// goroutine.
type gatekeeper struct {
	conn     *pgx.Conn
	options  *Options
	log      *slog.Logger
	listener probeListener

	generation int64 // as the last poll read it
	isKeeper   bool  // this node holds gateLock
	queueFull  bool
	lookedAt   time.Time // when isKeeper and queueFull were read
	traffic    gateTraffic
	busyRate   float64   // transactions a second when commits last waited for NOTIFY's lock; 0: not seen yet
	busySince  time.Time // when that was
	quietSince time.Time // when the rate became low; zero: it is not

	probedFor uint64 // the LISTEN that the last probe was sent for
	probedAt  time.Time
	deaf      bool // the last probe did not come back in time
}

// state returns the gate's state, with the generation that the last poll has read.
func (g *gatekeeper) state(generation int64) GateState {
	return GateState{Generation: generation, Ringing: isRinging(generation), Keeper: g.isKeeper, Full: g.queueFull, Deaf: g.deaf}
}

// flipIfDue flips the gate if this node is the keeper and the poll shows that it should be flipped.
func (g *gatekeeper) flipIfDue(ctx context.Context, p *poll) error {
	g.generation = p.gate
	if err := g.lookAfter(ctx); err != nil {
		return err
	}
	if err := g.lookForWaiters(ctx); err != nil {
		return err
	}
	wanted := g.wantRinging(p)
	if !g.isKeeper || wanted == isRinging(p.gate) {
		return nil
	}
	var now int64
	err := exchange(ctx, func(ctx context.Context) error {
		return g.conn.QueryRow(ctx, `SELECT rowcall.flip_gate($1)`, p.gate).Scan(&now)
	})
	if err != nil {
		return fmt.Errorf("flipping the gate: %w", err)
	}
	g.log.Debug("gate flipped", "generation", now, "ringing", isRinging(now))
	return nil
}

// lookAfter takes the keeper's lock if it is free, and reads how full the NOTIFY queue is.
func (g *gatekeeper) lookAfter(ctx context.Context) error {
	if time.Since(g.lookedAt) < gateLookAfter {
		return nil
	}
	g.lookedAt = time.Now()
	return exchange(ctx, func(ctx context.Context) error {
		var usage float64
		const sql = `SELECT $2 OR pg_try_advisory_lock($1), pg_notification_queue_usage()`
		if err := g.conn.QueryRow(ctx, sql, int64(gateLock), g.isKeeper).Scan(&g.isKeeper, &usage); err != nil {
			return fmt.Errorf("looking after the gate: %w", err)
		}
		g.queueFull = usage > notifyQueueFull
		return nil
	})
}

// isLookingForWaiters reports whether writers ring so often that they might wait for each other, and this
// node has to find out.
func (g *gatekeeper) isLookingForWaiters() bool {
	return g.isKeeper && isRinging(g.generation) && g.options.Ring == RingAuto && g.traffic.lastRate > float64(g.options.RingBusy)
}

// lookForWaiters looks whether commits wait for NOTIFY's lock, while that is of interest.
func (g *gatekeeper) lookForWaiters(ctx context.Context) error {
	if !g.isLookingForWaiters() || !g.traffic.isLookDue() {
		return nil
	}
	return exchange(ctx, func(ctx context.Context) error {
		var waiting bool
		if err := g.conn.QueryRow(ctx, waitersSQL).Scan(&waiting); err != nil {
			return fmt.Errorf("looking for commits that wait for NOTIFY's lock: %w", err)
		}
		g.traffic.noteLook(waiting)
		return nil
	})
}

// waitersSQL reports whether a commit waits for the lock that NOTIFY holds until the commit is on
// disk: an exclusive lock on database 0, see PreCommit_Notify in PostgreSQL's async.c.
const waitersSQL = `
SELECT EXISTS (SELECT FROM pg_locks
                WHERE locktype = 'object' AND classid = 'pg_database'::regclass AND objid = 0 AND NOT granted)`

// wantRinging decides whether writers should ring. They stop where many of them commit and wait for
// each other. They ring again when the rate is half of that at which they waited, or below
// RingQuiet.
func (g *gatekeeper) wantRinging(p *poll) bool {
	window, judged := g.traffic.count(p.writers)
	ringing := isRinging(p.gate)
	switch {
	case g.options.Ring == RingNever, g.queueFull, g.deaf:
		return false
	case g.options.Ring == RingAlways:
		return true
	case !judged:
		return ringing
	case ringing && window.isCrowded(float64(g.options.RingBusy)):
		g.busyRate, g.busySince, g.quietSince = window.rate, time.Now(), time.Time{}
		return false
	case ringing:
		return true
	case window.rate >= g.quietRate():
		g.quietSince = time.Time{}
		return false
	case g.quietSince.IsZero():
		g.quietSince = time.Now()
	}
	return time.Since(g.quietSince) >= gateQuiet
}

// quietRate is the rate of transactions a second below which writers ring again. Whether they would
// wait at another rate is not known while they do not ring, so the rate at which they last waited
// counts. If that is unknown or long ago, they ring again at any rate, and the keeper looks for waiting commits.
func (g *gatekeeper) quietRate() float64 {
	if g.options.RingQuiet < 0 {
		return 0 // the gate stays as it is
	}
	if g.busyRate == 0 || time.Since(g.busySince) > busyRateKept {
		return math.Inf(1)
	}
	return max(float64(g.options.RingQuiet), g.busyRate/2)
}

// checkProbe reports whether a ring that this node sent to itself, through its poll connection,
// came back on the LISTEN of this generation. A transaction pooler in between swallows it: then the
// node does not sleep, but polls.
func (g *gatekeeper) checkProbe(ctx context.Context, listening uint64) bool {
	if g.probedFor == listening && g.listener.hasProbeReturned() {
		g.deaf = false
		return true
	}
	waited := time.Since(g.probedAt)
	if g.probedFor == listening && !g.deaf && waited >= probeWait {
		g.deaf = true
		g.log.Warn("rings do not arrive, so the log is polled: is there a transaction pooler in between? set database.direct_url")
	}
	if g.probedFor != listening || waited >= probeAgain {
		g.sendProbe(ctx, listening)
	}
	return false
}

func (g *gatekeeper) sendProbe(ctx context.Context, listening uint64) {
	probe := strconv.FormatUint(rand.Uint64(), 16)
	g.probedFor, g.probedAt = listening, time.Now()
	g.listener.expectProbe(probe)
	err := exchange(ctx, func(ctx context.Context) error {
		_, err := g.conn.Exec(ctx, `SELECT pg_notify($1, $2)`, ringChannel, `{"probe":"`+probe+`"}`)
		return err
	})
	if err != nil {
		g.probedFor = 0 // the connection is lost; the next statement reports it
	}
}

package notifier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

const (
	// gateWindow is how long transactions are counted before the rate is judged.
	gateWindow = 250 * time.Millisecond
	// gateQuiet is how long the rate must stay low before writers ring again.
	gateQuiet = 2 * time.Second
	// queueFull is the part of the server's NOTIFY queue past which nobody should ring.
	queueFull = 0.05
	// keeperLock is the session advisory lock of the one node that flips the gate.
	keeperLock = 0x726f7763_67617465
	// probeAgain is how often a node that hears no rings tries again.
	probeAgain = 30 * time.Second
	// probeWait is how long a probe may take before rings count as not arriving.
	probeWait = 5 * time.Second
	// housekeeping is how often lock, queue and the like are looked after.
	housekeeping = time.Second
)

// gatekeeper decides, on one node, whether writers ring. It also finds out whether rings reach
// this node at all.
type gatekeeper struct {
	generation int64 // as the last poll read it
	keeper     bool  // this node holds the lock
	full       bool  // the NOTIFY queue is
	looked     time.Time
	counting   time.Time // since when transactions are counted
	writers    int
	quiet      time.Time // since when the rate is low

	probedFor uint64 // the LISTEN it was sent for
	probedAt  time.Time
	deaf      bool // no probe came back
}

// decide flips the gate where this node is the one to do so.
func (g *gatekeeper) decide(ctx context.Context, w *watch, b *batch) error {
	g.generation = b.gate
	if err := g.look(ctx, w); err != nil {
		return err
	}
	wanted := g.wanted(w.feed.options, b)
	if !g.keeper || wanted == ringing(b.gate) {
		return nil
	}
	var now int64
	err := timed(ctx, func(ctx context.Context) error {
		return w.conn.QueryRow(ctx, `SELECT rowcall.flip_gate($1)`, b.gate).Scan(&now)
	})
	if err != nil {
		return fmt.Errorf("flipping the gate: %w", err)
	}
	w.feed.log.Debug("gate flipped", "generation", now, "ringing", ringing(now))
	return nil
}

// state is what others may know, with the generation that the last poll has read.
func (g *gatekeeper) state(generation int64) GateState {
	return GateState{Generation: generation, Ringing: ringing(generation), Keeper: g.keeper, Full: g.full, Deaf: g.deaf}
}

// look takes the keeper's lock when it is free, and reads how full the NOTIFY queue is.
func (g *gatekeeper) look(ctx context.Context, w *watch) error {
	if time.Since(g.looked) < housekeeping {
		return nil
	}
	g.looked = time.Now()
	return timed(ctx, func(ctx context.Context) error {
		var usage float64
		const sql = `SELECT $2 OR pg_try_advisory_lock($1), pg_notification_queue_usage()`
		if err := w.conn.QueryRow(ctx, sql, int64(keeperLock), g.keeper).Scan(&g.keeper, &usage); err != nil {
			return fmt.Errorf("looking after the gate: %w", err)
		}
		g.full = usage > queueFull
		return nil
	})
}

// wanted says whether writers should ring, with hysteresis on the rate of their transactions.
func (g *gatekeeper) wanted(o Options, b *batch) bool {
	rate, judged := g.rate(b)
	switch {
	case o.Ring == RingNever, g.full, g.deaf:
		return false
	case o.Ring == RingAlways:
		return true
	case !judged:
		return ringing(b.gate)
	case rate >= float64(o.RingQuiet):
		g.quiet = time.Time{}
		return ringing(b.gate) && rate <= float64(o.RingBusy)
	case g.quiet.IsZero():
		g.quiet = time.Now()
	}
	return ringing(b.gate) || time.Since(g.quiet) >= gateQuiet
}

// rate is the transactions a second since the last judgement, once there is enough to judge.
func (g *gatekeeper) rate(b *batch) (float64, bool) {
	g.writers += b.writers
	elapsed := time.Since(g.counting)
	if elapsed < gateWindow {
		return 0, false
	}
	rate := float64(g.writers) / elapsed.Seconds()
	g.counting, g.writers = time.Now(), 0
	return rate, true
}

// heardProbe reports whether a ring this node sent to itself through its own poll connection came
// back on the LISTEN of this generation. A pooler in between swallows it: then the node polls.
func (g *gatekeeper) heardProbe(ctx context.Context, w *watch, hearing uint64) bool {
	_, _, probed := w.feed.listener.hears()
	if g.probedFor == hearing && probed {
		g.deaf = false
		return true
	}
	waited := time.Since(g.probedAt)
	if g.probedFor == hearing && !g.deaf && waited >= probeWait {
		g.deaf = true
		w.feed.log.Warn("rings do not arrive, so the log is polled: is there a transaction pooler in between? set database.direct_url")
	}
	if g.probedFor != hearing || waited >= probeAgain {
		g.sendProbe(ctx, w, hearing)
	}
	return false
}

func (g *gatekeeper) sendProbe(ctx context.Context, w *watch, hearing uint64) {
	probe := strconv.FormatUint(rand.Uint64(), 16)
	g.probedFor, g.probedAt = hearing, time.Now()
	w.feed.listener.expect(probe)
	err := timed(ctx, func(ctx context.Context) error {
		_, err := w.conn.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, `{"probe":"`+probe+`"}`)
		return err
	})
	if err != nil {
		g.probedFor = 0 // the connection is lost, as the next statement will find
	}
}

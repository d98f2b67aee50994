package notifier_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// shaken runs writers and witnesses on two nodes while something happens to their PostgreSQL again and again.
func (o *oracle) shaken(times int, happen func(nodes []*node)) {
	o.t.Helper()
	o.t.Logf("replay with -seed=%d", *seed)
	options := notifier.Options{QueueEvents: 200, TailEvents: 500, ReplayEvents: 10_000_000}
	rules := openRules{state: o.state}
	nodes := []*node{startNode(o.t, o.db.URL, rules, options), startNode(o.t, o.db.URL, rules, options)}
	start := o.cursor()
	var writing, reading sync.WaitGroup
	ctx, stop := context.WithCancel(o.t.Context())
	defer stop()
	o.writers(ctx, &writing)
	for i := range 6 {
		reading.Go(func() { o.witness(100+i, start, func() []*node { return nodes }).followAll() })
	}
	for range times {
		wait(ctx, time.Duration(300+random(500).IntN(1200))*time.Millisecond)
		happen(nodes)
	}
	wait(ctx, 500*time.Millisecond)
	stop()
	writing.Wait()
	close(o.done)
	reading.Wait()
	o.t.Logf("%d events, %d moves between nodes, %d resets", o.events.Load(), o.moves.Load(), o.resets.Load())
}

// blows is how often something happens.
func blows() int {
	if long() {
		return 12
	}
	return 2
}

// TestAKilledPostgreSQLHidesNothing kills it while writers commit without waiting for the disk, so that it forgets
// transactions that were seen, and gives their ids to others. No cursor of before is good after that.
func TestAKilledPostgreSQLHidesNothing(t *testing.T) {
	t.Parallel()
	db := schematest.PrivateWith(t, map[string]string{"synchronous_commit": "off", "wal_writer_delay": "10s"}, schematest.CoreOnly)
	o := newOracle(t, db)
	o.away, o.forgot = true, true
	o.shaken(blows(), func(nodes []*node) {
		held := []string{o.cursor(), nodes[0].Cursor(), nodes[1].Cursor()}
		db.Kill(t)
		db.Start(t)
		for i, c := range held {
			if c == "" {
				continue // the node was in the middle of a batch
			}
			r := follow(t, nodes[i%2], notifier.Request{Since: c}, "rows")
			if r.start.Recovered || r.start.Reason != notifier.ResetEpoch {
				t.Errorf("after the crash a cursor of before was answered %+v", r.start)
			}
			r.sub.Close()
		}
	})
	if o.resets.Load() == 0 {
		t.Error("nobody was reset")
	}
}

// TestACleanRestartLosesNothing shuts PostgreSQL down and starts it again: all cursors stay good.
func TestACleanRestartLosesNothing(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	o := newOracle(t, db)
	o.away = true
	o.shaken(blows(), func([]*node) {
		db.Stop(t)
		db.Start(t)
	})
}

// TestAKilledBackendIsACrash kills one backend: PostgreSQL then ends all others and forgets what was not logged.
func TestAKilledBackendIsACrash(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room")
	count(t, db, "room/1", 1, 3)
	r.data(3)
	kill(t, backend(t, db, "rowcall listener"))
	_, reset, err := r.take(time.After(patience))
	if err != nil || reset == nil || reset.Reason != notifier.ResetEpoch {
		t.Fatalf("reset %+v, %v", reset, err)
	}
	r.silent(db, "room/1")
}

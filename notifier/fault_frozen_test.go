package notifier_test

import (
	"syscall"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// freezes are how long a node is frozen.
func freezes() map[string]time.Duration {
	all := map[string]time.Duration{"0.6s": 600 * time.Millisecond}
	if long() {
		all["60s"] = time.Minute
	}
	return all
}

// count files the numbers of a range, a transaction each.
func count(t testing.TB, db *schematest.Database, topic topic.Topic, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		publish(t, db, topic, numbers(i, i)[0])
	}
}

func TestAFrozenNodeMissesNothing(t *testing.T) {
	t.Parallel()
	for name, d := range freezes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			c := startNodeProcess(t, db, "room")
			count(t, db, "room/1", 1, 5)
			c.expect(1, 5)
			c.freeze(d, func() { count(t, db, "room/1", 6, 30) })
			count(t, db, "room/1", 31, 35)
			c.expect(6, 35)
		})
	}
}

// TestAFrozenNodeThatRetentionOvertookSaysReset takes away what the node has not read while it is frozen. Nobody
// else can tell it.
func TestAFrozenNodeThatRetentionOvertookSaysReset(t *testing.T) {
	t.Parallel()
	for name, d := range freezes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			c := startNodeProcess(t, db, "room")
			count(t, db, "room/1", 1, 5)
			before := c.expect(1, 5)
			c.freeze(d, func() {
				count(t, db, "room/1", 6, 30)
				rotate(t, db, 4)
				count(t, db, "room/1", 31, 35)
			})
			line := c.next()
			if line.Reset != notifier.ResetExpired {
				t.Fatalf("the node process prints %s %s, want a reset", line.Data, line.Reset)
			}
			count(t, db, "room/1", 36, 40)
			c.expect(36, 40)

			n := startNode(t, db.URL, openRules{}, notifier.Options{})
			if r := follow(t, n, notifier.Request{Since: before}, "room"); r.start.Reason != notifier.ResetExpired {
				t.Errorf("its last cursor of before was answered %+v", r.start)
			}
			r := follow(t, n, notifier.Request{Since: line.Cursor}, "room")
			r.data(5)
			r.silent(db, "room/1")
		})
	}
}

// TestANodeFrozenInTheMiddleOfABatchFinishesItOnce freezes it while the server is sending.
func TestANodeFrozenInTheMiddleOfABatchFinishesItOnce(t *testing.T) {
	t.Parallel()
	const events = 30_000
	for name, d := range freezes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			c := startNodeProcess(t, db, "bulk")
			bulk(t, db, events)
			c.expect(1, 1500)
			c.freeze(d, func() { publish(t, db, "bulk/1", "0") })
			c.expect(1501, events)
			c.expect(0, 0)
		})
	}
}

// TestANodeFrozenInTheMiddleOfABatchDoesNotKeepTheLog freezes it while the server is sending more than buffers hold,
// for longer than the server waits. Then slots can be emptied, and the node is told.
func TestANodeFrozenInTheMiddleOfABatchDoesNotKeepTheLog(t *testing.T) {
	if !long() {
		t.Skip("the server waits for half a minute: make faults")
	}
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	c := startNodeProcess(t, db, "bulk")
	db.Exec(t, `SELECT rowcall.publish('bulk', 'test', to_json(repeat('x', 10000))) FROM generate_series(1, 4000) AS i`)
	c.next()
	c.freeze(0, func() {
		wait(t.Context(), 25*time.Second)
		rotate(t, db, 4)
	})
	for {
		if line := c.next(); line.Reset == notifier.ResetExpired {
			break
		}
	}
	publish(t, db, "bulk", "0")
	c.expect(0, 0)
}

// TestAKilledNodesFollowersGoOnElsewhere kills a node in the middle of a batch.
func TestAKilledNodesFollowersGoOnElsewhere(t *testing.T) {
	t.Parallel()
	const events = 5000
	db := schematest.New(t, schematest.CoreOnly)
	c := startNodeProcess(t, db, "bulk")
	bulk(t, db, events)
	last := 1000 + random(1).IntN(1000)
	since := c.expect(1, last)
	c.signal(syscall.SIGKILL)
	t.Logf("killed after event %d; replay with -seed=%d", last, *seed)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{Since: since}, "bulk")
	for i := last + 1; i <= events; i++ {
		if got := r.data(1); got[0] != numbers(i, i)[0] {
			t.Fatalf("event %d is %v", i, got)
		}
	}
	r.silent(db, "bulk/1")
}

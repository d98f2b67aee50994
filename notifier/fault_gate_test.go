package notifier_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// In these tests no sweep saves the day: a node that falls asleep while a writer is at work who does not ring
// sleeps through the event.

// sleepy are the options of a node that never sweeps and leaves the gate to the test.
func sleepy() notifier.Options {
	return notifier.Options{Sweep: never, RingBusy: 1 << 30, RingQuiet: -1}
}

// turn flips the gate until writers ring, or do not.
func turn(t testing.TB, conn *pgx.Conn, ringing bool) {
	t.Helper()
	for {
		var odd bool
		if err := conn.QueryRow(t.Context(), `SELECT rowcall.ringing()`).Scan(&odd); err != nil {
			t.Fatal(err)
		}
		if odd == ringing {
			return
		}
		run(t, conn, `SELECT rowcall.flip_gate(rowcall.gate_generation())`)
	}
}

// flipInSilence turns the gate without a ring that says so, as if the node that flipped it had died before the ring.
const flipInSilence = `SELECT rowcall.lock_state(),
	rowcall.set_state(rowcall.files_until(), rowcall.gate_generation() + 1, rowcall.slot_rotations())`

// run executes one statement, or several without parameters.
func run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// pollsAwake is how many polls show that a node has not fallen asleep: it needs fewer to do so.
const pollsAwake = 10

// silentWriters file an event each where the writer has no need to ring, and wait before they commit.
var silentWriters = []struct{ name, before, commit string }{
	{"read committed", `BEGIN; SELECT rowcall.publish('room', 'test', '1')`, `COMMIT`},
	{"repeatable read", `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT rowcall.publish('room', 'test', '2')`, `COMMIT`},
	{"serializable", `BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT rowcall.publish('room', 'test', '3')`, `COMMIT`},
	{"savepoint", `BEGIN; SAVEPOINT a; SELECT rowcall.publish('room', 'test', '4')`, `COMMIT`},
	{"rolled back savepoint", `BEGIN; SELECT rowcall.publish('room', 'test', '5'); SAVEPOINT a; SELECT rowcall.publish('room', 'test', '"no"'); ROLLBACK TO a`, `COMMIT`},
	{"exception block", `BEGIN; DO $$ BEGIN
		BEGIN PERFORM rowcall.publish('room', 'test', '"no"'); RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS THEN END;
		BEGIN PERFORM rowcall.publish('room', 'test', '6'); EXCEPTION WHEN OTHERS THEN END; END $$`, `COMMIT`},
	{"prepared", `BEGIN; SELECT rowcall.publish('room', 'test', '7'); PREPARE TRANSACTION 'silent writer'`, `COMMIT PREPARED 'silent writer'`},
}

// TestANodeSleepsOnlyAfterTheWritersWhoDoNotRing has writers of all kinds read an even gate, turns it odd, and lets
// one after the other commit.
func TestANodeSleepsOnlyAfterTheWritersWhoDoNotRing(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n, polls, _ := spiedNode(t, db.URL, openRules{}, sleepy())
	r := follow(t, n, notifier.Request{}, "room")
	gate := db.Conn(t)
	turn(t, gate, false)
	eventually(t, "the node knows that nobody rings", func() bool { return !n.Health().Ringing })
	writers := make([]*pgx.Conn, len(silentWriters))
	for i, w := range silentWriters {
		writers[i] = db.Conn(t)
		run(t, writers[i], w.before)
	}
	turn(t, gate, true)
	for i, w := range silentWriters {
		eventually(t, "the node knows that writers ring", func() bool { return n.Health().Ringing })
		polls.count(pollText)
		eventually(t, "the node polls on, or sleeps", func() bool { return polls.counted() >= pollsAwake || n.Health().Armed })
		if n.Health().Armed {
			t.Errorf("%s: the node sleeps while a writer is at work who does not ring", w.name)
		}
		run(t, writers[i], w.commit)
		if got := r.data(1); got[0] != fmt.Sprint(i+1) {
			t.Errorf("%s: event %v", w.name, got)
		}
	}
	armed(t, n)
	r.silent(db, "room")
}

// TestAWriterWithAnOldSnapshotRings has a writer take its snapshot while nobody rings and write when the node
// sleeps: it must see the gate as it is.
func TestAWriterWithAnOldSnapshotRings(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, sleepy())
	r := follow(t, n, notifier.Request{}, "room")
	gate, writer := db.Conn(t), db.Conn(t)
	for _, level := range levels {
		turn(t, gate, false)
		run(t, writer, `BEGIN ISOLATION LEVEL `+string(level)+`; SELECT count(*) FROM rowcall.log`)
		turn(t, gate, true)
		armed(t, n)
		run(t, writer, `SELECT rowcall.publish('room', 'test', '1'); COMMIT`)
		if got := r.data(1); got[0] != "1" {
			t.Errorf("%s: event %v", level, got)
		}
	}
}

// TestTheGateIsReadAfterTheInsert keeps a writer from inserting, and meanwhile has writers ring and the node fall
// asleep: it is not in the way, because it will see that it has to ring.
func TestTheGateIsReadAfterTheInsert(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, sleepy())
	r := follow(t, n, notifier.Request{}, "room")
	gate, keeper, writer := db.Conn(t), db.Conn(t), db.Conn(t)
	turn(t, gate, false)
	run(t, keeper, `BEGIN; LOCK TABLE rowcall.log IN SHARE MODE`)
	written := make(chan error, 1)
	go func() {
		_, err := writer.Exec(context.Background(), `SELECT rowcall.publish('room', 'test', '1')`)
		written <- err
	}()
	eventually(t, "the writer waits", func() bool {
		return countOf(t, db, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%publish%' AND datname = current_database()`) == 1
	})
	turn(t, gate, true)
	armed(t, n)
	run(t, keeper, `COMMIT`)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if got := r.data(1); got[0] != "1" {
		t.Errorf("event %v", got)
	}
}

// TestASweepFindsWhatADyingFlipperHid turns the gate even without the ring that says so, as a node does that dies
// between the two: nothing but the sweep finds the events after that.
func TestASweepFindsWhatADyingFlipperHid(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	o := sleepy()
	o.Sweep = 200 * time.Millisecond
	n := startNode(t, db.URL, openRules{}, o)
	r := follow(t, n, notifier.Request{}, "room")
	for i := range 5 {
		turn(t, db.Conn(t), true)
		armed(t, n)
		db.Exec(t, flipInSilence)
		publish(t, db, "room", numbers(i, i)[0])
		if got := r.data(1); got[0] != numbers(i, i)[0] {
			t.Errorf("event %d is %v", i, got)
		}
	}
}

// TestSleepingNodesMissNothing writes in short bursts while the gate is turned over and over, and waits after each
// until everything has come: nothing later helps what was missed.
func TestSleepingNodesMissNothing(t *testing.T) {
	t.Parallel()
	t.Logf("replay with -seed=%d", *seed)
	bursts := 60
	if long() {
		bursts = 2000
	}
	o := newOracle(t, schematest.New(t, schematest.CoreOnly))
	n := startNode(t, o.db.URL, openRules{}, sleepy())
	r := follow(t, n, notifier.Request{}, "rows")
	w := o.witness(0, "", nil)
	gate := o.db.Conn(t)
	for range bursts {
		o.burst(gate, w.random)
		turn(t, gate, true)
		for o.final.Store(0); !w.reached(); {
			if !w.take(r.event()) {
				t.FailNow()
			}
		}
	}
}

// burst has a few writers commit while the gate is flipped.
func (o *oracle) burst(gate *pgx.Conn, choices *rand.Rand) {
	var writing sync.WaitGroup
	for i := range 1 + choices.IntN(4) {
		mine := random(choices.IntN(1 << 30))
		writing.Go(func() {
			_ = pgx.BeginTxFunc(context.Background(), o.pool, pgx.TxOptions{IsoLevel: levels[i%3]}, func(tx pgx.Tx) error {
				return transaction(tx, mine)
			})
		})
	}
	for range choices.IntN(6) {
		run(o.t, gate, `SELECT rowcall.flip_gate(rowcall.gate_generation())`)
		wait(o.t.Context(), time.Duration(choices.IntN(4))*time.Millisecond)
	}
	writing.Wait()
}

// TestWritersWhoWaitForEachOtherStopRinging has 16 writers commit as fast as they can. Each commit
// that rings waits for those before it. Then the writers rest, and the next event rings again.
func TestWritersWhoWaitForEachOtherStopRinging(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{RingBusy: 20, RingQuiet: 10})
	eventually(t, "writers ring", func() bool { return n.Health().Ringing })
	writing, rest := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 16 {
		conn := db.Conn(t)
		writers.Go(func() {
			for writing.Err() == nil {
				if _, err := conn.Exec(t.Context(), `SELECT rowcall.publish('room', 'test', '1')`); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	eventually(t, "writers ring no longer", func() bool { return !n.Health().Ringing })
	rest()
	writers.Wait()
	eventually(t, "writers ring again", func() bool { return n.Health().Ringing })
}

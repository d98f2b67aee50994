package notifier_test

import (
	"slices"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// never is longer than any test: what is set to it must not be what saves the day.
const never = 24 * time.Hour

// terminate ends the backends of an application in the test's database.
func terminate(t testing.TB, db *schematest.Database, application string) {
	t.Helper()
	db.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()`, application)
}

// armed waits until a node sleeps until rings.
func armed(t testing.TB, n *node) {
	t.Helper()
	eventually(t, "the node is armed", func() bool { return n.Health().Armed })
}

// TestALostListenerLosesNothing ends the LISTEN backend of a sleeping node again and again, and writes at that
// moment. No sweep helps it.
func TestALostListenerLosesNothing(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{Sweep: never})
	r := follow(t, n, notifier.Request{}, "room")
	for i := range 5 {
		armed(t, n)
		terminate(t, db, "rowcall listener")
		publish(t, db, "room/1", numbers(i, i)[0])
		if got := r.data(1); got[0] != numbers(i, i)[0] {
			t.Fatalf("event %d is %v", i, got)
		}
	}
	r.silent(db, "room/1")
}

const bulkRows = 100_000

// bulk files many events in one transaction.
func bulk(t testing.TB, db *schematest.Database, events int) {
	t.Helper()
	db.Exec(t, `SELECT rowcall.publish('bulk/' || i % 7, 'test', to_json(i)) FROM generate_series(1, $1::int) AS i`, events)
}

// roomy are the options of a node whose subscriptions get all of a bulk by push, tight those of one whose
// subscriptions have to pull most of it.
func roomy() notifier.Options {
	return notifier.Options{QueueEvents: 2 * bulkRows, QueueBytes: 1 << 30, ReplayEvents: 2 * bulkRows}
}

func tight() notifier.Options { return notifier.Options{ReplayEvents: 2 * bulkRows} }

// TestABatchThatIsCutIsFinishedOnce breaks the poll connection in the middle of a batch, several times: each
// time the rest is read, and nothing twice.
func TestABatchThatIsCutIsFinishedOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		o      notifier.Options
		events int
	}{{"pushed", roomy(), bulkRows}, {"pulled", tight(), bulkRows / 5}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			wire, url := newLine(t, db.URL)
			n := startSplitNode(t, url, db.URL, test.o)
			r := follow(t, n, notifier.Request{}, "bulk")
			bytes := 10*test.events + random(1).IntN(40*test.events)
			t.Logf("cut after %d bytes; replay with -seed=%d", bytes, *seed)
			wire.breakAfter(bytes)
			bulk(t, db, test.events)
			if got := r.data(test.events); !slices.Equal(got, numbers(1, test.events)) {
				t.Error("the events are not those of the batch")
			}
			wire.down()
			wire.up()
			r.silent(db, "bulk")
		})
	}
}

// startSplitNode starts a node that polls and listens through one URL and has its pool at another.
func startSplitNode(t testing.TB, direct, pool string, o notifier.Options) *node {
	t.Helper()
	n := launchNode(t, poolConfig(t, direct).ConnConfig, poolConfig(t, pool), openRules{}, o)
	n.await(t)
	return n
}

// TestTheRestOfACutBatchIsForgottenWhereItCannotBeRead breaks the poll connection in the middle of a batch and
// takes the rest away before the node is back: readers get the beginning, a reset, and what comes after.
func TestTheRestOfACutBatchIsForgottenWhereItCannotBeRead(t *testing.T) {
	t.Parallel()
	const events = 30_000
	for reason, lose := range map[notifier.ResetReason]func(*testing.T, *schematest.Database){
		notifier.ResetEpoch:   func(t *testing.T, db *schematest.Database) { db.Exec(t, `SELECT rowcall.new_epoch()`) },
		notifier.ResetExpired: func(t *testing.T, db *schematest.Database) { rotate(t, db, 4) },
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			wire, url := newLine(t, db.URL)
			n := startSplitNode(t, url, db.URL, roomy())
			r := follow(t, n, notifier.Request{}, "bulk")
			wire.brakeAfter(90 * events) // the addresses of all events come first
			bulk(t, db, events)
			got := r.data(3000)
			wire.down()
			lose(t, db)
			wire.up()
			reset := r.untilReset(&got)
			if len(got) == events || !slices.Equal(got, numbers(1, len(got))) || reset.Reason != reason {
				t.Fatalf("%d events came, then reset %+v", len(got), reset)
			}
			r.silent(db, "bulk")
			again := follow(t, n, notifier.Request{Since: reset.Cursor}, "bulk")
			again.event()
			again.silent(db, "bulk")
		})
	}
}

// untilReset reads events up to a reset.
func (r *reader) untilReset(got *[]string) *notifier.Reset {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		e, reset, err := r.take(deadline)
		if err != nil {
			r.t.Fatalf("no reset: %v", err)
		}
		if reset != nil {
			return reset
		}
		*got = append(*got, string(e.Data))
	}
}

// rotate empties slots behind the nodes' backs, as another node's retention does.
func rotate(t testing.TB, db *schematest.Database, times int) {
	t.Helper()
	pool := db.Pool(t)
	for range times {
		eventually(t, "a slot is emptied", func() bool {
			_, err := pool.Exec(t.Context(), `SELECT rowcall.empty_next_slot()`)
			return err == nil
		})
		if _, err := pool.Exec(t.Context(), `SELECT rowcall.advance_slot()`); err != nil {
			t.Fatal(err)
		}
	}
}

package notifier_test

import (
	"flag"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// faultsFor turns the long form of the fault tests on: more of each, and random faults for this long.
var faultsFor = flag.Duration("faults", 0, "how long random faults are injected; 0 is the short form of all fault tests")

func long() bool { return *faultsFor > 0 }

// A half-open connection is one that a router on the way has forgotten: what is sent is lost, and neither side is
// told. The server keeps its part of it.

// TestAHalfOpenListenerIsFoundBySweeps loses the LISTEN connection of a sleeping node: the sweep finds the events
// that no ring announced, and the node listens anew.
func TestAHalfOpenListenerIsFoundBySweeps(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	wire, url := newLine(t, db.URL)
	n := startSplitNode(t, url, db.URL, notifier.Options{Sweep: 200 * time.Millisecond})
	r := follow(t, n, notifier.Request{}, "room")
	armed(t, n)
	deaf := backend(t, db, "rowcall listener")
	wire.silence("rowcall listener")
	for i := range 20 {
		publish(t, db, "room/1", numbers(i, i)[0])
		if got := r.data(1); got[0] != numbers(i, i)[0] {
			t.Fatalf("event %d is %v", i, got)
		}
	}
	eventually(t, "the node listens anew", func() bool {
		publish(t, db, "room/1", `1`)
		r.event()
		return backend(t, db, "rowcall listener") != deaf
	})
	armed(t, n)
	r.silent(db, "room/1")
}

// backend is the youngest backend of an application in the test's database, 0 where there is none.
func backend(t testing.TB, db *schematest.Database, application string) (pid int) {
	t.Helper()
	err := db.Conn(t).QueryRow(t.Context(), `SELECT coalesce((SELECT pid FROM pg_stat_activity
		WHERE application_name = $1 AND datname = current_database() ORDER BY backend_start DESC LIMIT 1), 0)`, application).Scan(&pid)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestAQuietHalfOpenListenerIsFoundByItsPing has nothing happen that a sweep could find.
func TestAQuietHalfOpenListenerIsFoundByItsPing(t *testing.T) {
	if !long() {
		t.Skip("it takes the listener's ping a quarter of a minute: make faults")
	}
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	wire, url := newLine(t, db.URL)
	n := startSplitNode(t, url, db.URL, notifier.Options{Sweep: never})
	r := follow(t, n, notifier.Request{}, "room")
	armed(t, n)
	deaf := backend(t, db, "rowcall listener")
	wire.silence("rowcall listener")
	eventually(t, "the node listens anew", func() bool { return backend(t, db, "rowcall listener") != deaf })
	armed(t, n)
	r.silent(db, "room/1")
}

// TestAHalfOpenPollConnectionIsReplaced loses the poll connection: the node says that it has not polled, finds
// out by itself, and has missed nothing. Its listener hears rings all the while.
func TestAHalfOpenPollConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	wire, url := newLine(t, db.URL)
	n := startSplitNode(t, url, db.URL, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room")
	armed(t, n)
	wire.silence("rowcall poller")
	for i := range 20 {
		publish(t, db, "room/1", numbers(i, i)[0])
	}
	for i := range 20 {
		if got := r.data(1); got[0] != numbers(i, i)[0] {
			t.Fatalf("event %d is %v", i, got)
		}
	}
	eventually(t, "the node says that it is well", func() bool { return n.Health().Err == nil })
	r.silent(db, "room/1")
}

// TestAHalfOpenPoolHoldsUpReplaysOnly loses every connection of the pool while a subscription has to pull. Who
// is live notices nothing; the replay goes on over new connections, without a gap.
func TestAHalfOpenPoolHoldsUpReplaysOnly(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	wire, url := newLine(t, db.URL)
	n := launchNode(t, poolConfig(t, db.URL).ConnConfig, narrowPool(t, url), openRules{}, notifier.Options{QueueEvents: 20, TailEvents: 10})
	n.await(t)
	live := follow(t, n, notifier.Request{}, "room")
	behind := follow(t, n, notifier.Request{}, "room")
	for i := range 10 {
		db.Exec(t, `SELECT rowcall.publish('room/1', 'test', to_json(i)) FROM generate_series($1::int, $1::int + 9) AS i`, 10*i)
		live.data(10)
	}
	wire.silence("")
	if got := behind.data(1); got[0] != "0" {
		t.Fatalf("the first event is %v", got)
	}
	publish(t, db, "room/1", `100`)
	if got := live.data(1); got[0] != "100" {
		t.Errorf("who is live got %v", got)
	}
	for i := 1; i <= 100; i++ {
		if got := behind.data(1); got[0] != numbers(i, i)[0] {
			t.Fatalf("event %d is %v", i, got)
		}
	}
	behind.silent(db, "room/1")
}

// narrowPool has one connection, so that a lost one is met at once.
func narrowPool(t testing.TB, url string) *pgxpool.Config {
	t.Helper()
	config := poolConfig(t, url)
	config.MaxConns = 1
	return config
}

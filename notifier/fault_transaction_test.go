package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// forgetful are the options of a node that keeps nothing in memory: every replay reads the log.
func forgetful() notifier.Options { return notifier.Options{TailEvents: 1} }

// longTransaction opens a transaction that has an id, and stays.
func longTransaction(t testing.TB, db *schematest.Database) *pgx.Conn {
	t.Helper()
	conn := db.Conn(t)
	run(t, conn, `BEGIN; SELECT pg_current_xact_id()`)
	return conn
}

// TestALongTransactionHoldsUpNobody keeps a transaction open that has written nothing of ours: events come, nodes
// sleep, slots are emptied, and every cursor younger than that is good. The server is private: a transaction of
// another test that ends in between would make the youngest cursors doubtful.
func TestALongTransactionHoldsUpNobody(t *testing.T) {
	for name, elsewhere := range map[string]bool{"here": false, "in another database": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.Private(t, schematest.CoreOnly)
			other := db
			if elsewhere {
				other = &schematest.Database{URL: db.Cluster.URL("postgres")}
			}
			longTransaction(t, other)
			n := startNode(t, db.URL, openRules{}, forgetful())
			r := follow(t, n, notifier.Request{}, "room")
			count(t, db, "room/1", 1, 10)
			r.data(10)
			rotate(t, db, 4)
			armed(t, n)
			count(t, db, "room/1", 11, 20)
			cursors := []string{r.sub.Cursor()}
			for range 10 {
				cursors = append(cursors, r.event().Cursor())
			}
			for i, c := range cursors {
				again := follow(t, n, notifier.Request{Since: c}, "room")
				if got := again.data(10 - i); !again.start.Recovered || !slices.Equal(got, numbers(11+i, 20)) {
					t.Errorf("from event %d: %+v, %v", 10+i, again.start, got)
				}
				again.sub.Close()
			}
		})
	}
}

// TestALongTransactionThatWroteEventsLosesNone files an event early and commits late: whatever happened in
// between, the event comes, once, for who is live and for every cursor from before.
func TestALongTransactionThatWroteEventsLosesNone(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, forgetful())
	r := follow(t, n, notifier.Request{}, "room")
	early := longTransaction(t, db)
	run(t, early, `SELECT rowcall.publish('room/1', 'test', '0')`)
	count(t, db, "room/1", 1, 10)
	r.data(10)
	rotate(t, db, 3) // all but the slot it has written
	if code := emptyNext(t, db); code != "55P03" {
		t.Errorf("emptying the slot that an open transaction has written is answered %q: neither done nor waited for is right", code)
	}
	count(t, db, "room/1", 11, 20)
	cursors := []string{r.sub.Cursor()}
	for i := 11; i <= 20; i++ {
		cursors = append(cursors, r.event().Cursor())
	}
	run(t, early, `COMMIT`)
	if got := r.data(1); got[0] != "0" {
		t.Errorf("the late event is %v", got)
	}
	r.silent(db, "room/1")
	for i, c := range cursors {
		again := follow(t, n, notifier.Request{Since: c}, "room")
		got := again.data(11 - i)
		late := slices.Index(got, "0") // behind the rest of its batch, where the cursor is inside one
		if !again.start.Recovered || late < 0 || !slices.Equal(slices.Delete(slices.Clone(got), late, late+1), numbers(11+i, 20)) {
			t.Errorf("from event %d: %+v, %v", 10+i, again.start, got)
		}
		again.sub.Close()
	}
}

// emptyNext tries to empty the next slot and returns PostgreSQL's code for what is wrong.
func emptyNext(t testing.TB, db *schematest.Database) string {
	t.Helper()
	_, err := db.Conn(t).Exec(t.Context(), `SET statement_timeout = '1min'; SELECT rowcall.empty_next_slot()`)
	var pgErr *pgconn.PgError
	if err != nil && !errors.As(err, &pgErr) {
		t.Fatal(err)
	}
	if pgErr == nil {
		return ""
	}
	return pgErr.Code
}

// TestAPreparedTransactionLeftBehindLosesNothing leaves one behind through a new node and a crash, and commits it
// at last.
func TestAPreparedTransactionLeftBehindLosesNothing(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	o := forgetful()
	o.Ring = notifier.RingNever
	n := startNode(t, db.URL, openRules{}, o)
	r := follow(t, n, notifier.Request{}, "room")
	eventually(t, "writers do not ring", func() bool { return !n.Health().Ringing })
	db.Exec(t, `BEGIN; SELECT rowcall.publish('room/1', 'test', '"late"'); PREPARE TRANSACTION 'left behind'`)
	count(t, db, "room/1", 1, 10)
	if got := r.data(10); !slices.Equal(got, numbers(1, 10)) {
		t.Errorf("events %v", got)
	}
	again := startNode(t, db.URL, openRules{}, o)
	resumed := follow(t, again, notifier.Request{Since: r.start.Cursor}, "room")
	if got := resumed.data(10); !resumed.start.Recovered || !slices.Equal(got, numbers(1, 10)) {
		t.Errorf("resumed: %+v, %v", resumed.start, got)
	}
	db.Kill(t)
	db.Start(t)
	for _, reader := range []*reader{r, resumed} {
		var got []string
		if reset := reader.untilReset(&got); reset.Reason != notifier.ResetEpoch || len(got) > 0 {
			t.Errorf("after the crash came %v and reset %+v", got, reset)
		}
	}
	db.Exec(t, `COMMIT PREPARED 'left behind'`)
	for _, reader := range []*reader{r, resumed} {
		if got := reader.data(1); got[0] != `"late"` {
			t.Errorf("the late event is %v", got)
		}
	}
	r.silent(db, "room/1")
}

// TestANodeStartsWithoutTheNewestEventsIfTheyTakeLong starts a node whose server takes a minute to find the log's newest
// events, as behind a very large transaction that is open. They are a help that the node can do without.
func TestANodeStartsWithoutTheNewestEventsIfTheyTakeLong(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	publish(t, db, "room", `1`)
	db.Exec(t, `CREATE SCHEMA slow`)
	db.Exec(t, `CREATE FUNCTION slow.octet_length(text) RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1; END $$`)
	db.Exec(t, `ALTER DATABASE `+db.Name+` SET search_path = slow, pg_catalog`)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	cursor := follow(t, n, notifier.Request{}, "room").start.Cursor
	if lost := n.Stats().Lost.Poller; lost != 0 || cursor == "" {
		t.Errorf("the poller has lost its connection %d times over the newest events, want 0", lost)
	}
}

// TestNewSubscriptionsBeginDuringALargeTransaction slows the poll of a large transaction down in the middle. Subscriptions
// without a cursor begin meanwhile, with and without a snapshot, on topics of the transaction and on another one. They
// get nothing of the transaction, and everything after it.
func TestNewSubscriptionsBeginDuringALargeTransaction(t *testing.T) {
	t.Parallel()
	const events = 5000
	db := schematest.New(t, schematest.CoreOnly)
	wire, url := newLine(t, db.URL)
	rules := openRules{state: func(context.Context, pgx.Tx, notifier.Question) (json.RawMessage, error) {
		return json.RawMessage(`[]`), nil
	}}
	n := launchNode(t, poolConfig(t, url).ConnConfig, poolConfig(t, db.URL), rules, roomy())
	n.await(t)
	before := follow(t, n, notifier.Request{}, "bulk")
	release := wire.brakeAfter(85 * events) // the addresses of all events come first
	bulk(t, db, events)
	got := before.data(1)
	during := map[string]*reader{
		"another topic":                follow(t, n, notifier.Request{}, "room"),
		"another topic, with a state":  follow(t, n, notifier.Request{Snapshot: true}, "room"),
		"topics of it":                 follow(t, n, notifier.Request{}, "bulk"),
		"topics of it, with a state":   follow(t, n, notifier.Request{Snapshot: true}, "bulk"),
		"topics of it, one of several": follow(t, n, notifier.Request{}, "room", "bulk/1"),
	}
	publish(t, db, "room", `"after"`)
	publish(t, db, "bulk/1", `"after"`)
	release()
	for name, r := range during {
		if e := r.event(); string(e.Data) != `"after"` {
			t.Errorf("%s: got %s first, want the event after the transaction", name, e.Data)
		}
		if again := follow(t, n, notifier.Request{Since: r.start.Cursor}, "room"); string(again.event().Data) != `"after"` || !again.start.Recovered {
			t.Errorf("%s: a client that resumes from the first cursor gets %+v, want what came after it", name, again.start)
		}
	}
	if got = append(got, before.data(events-1)...); !slices.Equal(got, numbers(1, events)) {
		t.Errorf("the reader of before got %d events, want 1 to %d in order", len(got), events)
	}
}

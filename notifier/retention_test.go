package notifier_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func TestTheLogStaysWithinItsSize(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	pool := db.Pool(t)
	o := notifier.Options{KeepBytes: 4 << 20, Retain: 10 * time.Millisecond, TailEvents: 1}
	n := startNode(t, db.URL, openRules{}, o)
	r := follow(t, n, notifier.Request{}, "bulk")
	first := r.start.Cursor
	for range 40 {
		db.Exec(t, `SELECT rowcall.publish('bulk', 'test', to_json(repeat(md5(i::text), 30))) FROM generate_series(1, 500) AS i`)
		for range 500 {
			r.event()
		}
	}
	eventually(t, "the log is within its size", func() bool {
		h := n.Health().Log
		return h.Bytes > 0 && h.Bytes < 8<<20
	})
	var dropped bool
	if err := pool.QueryRow(t.Context(), `SELECT xid > '0' FROM rowcall.floor`).Scan(&dropped); err != nil || !dropped {
		t.Errorf("nothing was dropped: %v", err)
	}
	if got := follow(t, n, notifier.Request{Since: first}, "bulk"); got.start.Reason != notifier.ResetExpired {
		t.Errorf("a cursor behind the floor was answered %+v", got.start)
	}
	if got := follow(t, n, notifier.Request{Since: r.sub.Cursor()}, "bulk"); !got.start.Recovered {
		t.Errorf("a cursor within retention was answered %+v", got.start)
	}
}

func TestTheLogKeepsItsAge(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	startNode(t, db.URL, openRules{}, notifier.Options{Keep: 400 * time.Millisecond, Retain: 10 * time.Millisecond})
	pool := db.Pool(t)
	publish(t, db, "old", `1`)
	eventually(t, "the old event is gone", func() bool {
		publish(t, db, "new", `2`)
		var there bool
		if err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM rowcall.log WHERE topic = 'old')`).Scan(&there); err != nil {
			t.Fatal(err)
		}
		return !there
	})
}

// TestTheLogShrinksAfterABulkLoad files more than the log may hold in one transaction, and nothing after it.
func TestTheLogShrinksAfterABulkLoad(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	o := notifier.Options{KeepBytes: 1 << 20, Retain: 10 * time.Millisecond}
	n := startNode(t, db.URL, openRules{}, o)
	db.Exec(t, `SELECT rowcall.publish('bulk', 'test', to_json(repeat(md5(i::text), 30))) FROM generate_series(1, 2000) AS i`)
	conn := db.Conn(t)
	eventually(t, "the log is within its size", func() bool {
		var bytes int64
		if err := conn.QueryRow(t.Context(), `SELECT log_bytes FROM rowcall.log_state()`).Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		return bytes <= o.KeepBytes
	})
	eventually(t, "the node says so", func() bool {
		h := n.Health().Log
		return h.Bytes > 0 && h.Bytes <= o.KeepBytes && h.Refused.IsZero()
	})
}

// shiftClock makes the database's clock differ from the node's, as far as the statements of connections made from now
// on ask for it.
func shiftClock(t testing.TB, db *schematest.Database, by string) {
	t.Helper()
	db.Exec(t, `CREATE SCHEMA shifted`)
	db.Exec(t, `CREATE FUNCTION shifted.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
		AS $$ SELECT pg_catalog.clock_timestamp() + interval '`+by+`' $$`)
	db.Exec(t, `ALTER DATABASE `+db.Name+` SET search_path = shifted, pg_catalog`)
}

// fileUntil is SQL that has triggers file events until a moment, also in the past.
func fileUntil(moment string) string {
	return `SELECT rowcall.lock_state(), rowcall.set_state(extract(epoch FROM ` + moment + `)::bigint, rowcall.gate_generation(), rowcall.slot_rotations())`
}

// TestTheDatabasesClockTellsUntilWhenEventsAreFiled runs nodes whose clocks are five days behind the database's and
// ahead of it. Triggers compare the state of the log with the database's clock.
func TestTheDatabasesClockTellsUntilWhenEventsAreFiled(t *testing.T) {
	t.Parallel()
	for _, clock := range []string{"5 days", "-5 days"} {
		t.Run(clock, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			shiftClock(t, db, clock)
			db.Exec(t, fileUntil(`clock_timestamp() + interval '1 hour'`))
			startNode(t, db.URL, openRules{}, notifier.Options{})
			left := countOf(t, db, `SELECT rowcall.files_until() - extract(epoch FROM clock_timestamp())::bigint`)
			if left < 23*3600 || left > 24*3600 {
				t.Errorf("by the database's clock events are filed for %d s more, want a day", left)
			}
		})
	}
}

// TestTheDatabasesClockTellsTheAgeOfEvents runs nodes whose clocks are 20 hours behind the database's and ahead of it:
// they keep events for a day by the database's clock.
func TestTheDatabasesClockTellsTheAgeOfEvents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		clock   string // of the database, against the node's
		age     string // of the event, by the node's clock
		rotates bool   // because the slot spans half of Keep
	}{
		"behind, new event": {"20 hours", "-20 hours", false},
		"behind, old event": {"20 hours", "-6 hours", true},
		"ahead, new event":  {"-20 hours", "20 hours", false},
		"ahead, old event":  {"-20 hours", "33 hours", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			publish(t, db, "room", `1`)
			db.Exec(t, `UPDATE rowcall.log SET at = at - interval '`+test.age+`'`)
			shiftClock(t, db, test.clock)
			looks := &spy{}
			looks.count("log_state")
			pool := poolConfig(t, db.URL)
			pool.ConnConfig.Tracer = looks
			n := launchNode(t, poolConfig(t, db.URL).ConnConfig, pool, openRules{}, notifier.Options{Keep: 24 * time.Hour, Retain: 10 * time.Millisecond})
			n.await(t)
			conn := db.Conn(t)
			rotated := func() bool {
				var slot int
				if err := conn.QueryRow(t.Context(), `SELECT rowcall.slot_rotations()`).Scan(&slot); err != nil {
					t.Fatal(err)
				}
				return slot > 0
			}
			if test.rotates {
				eventually(t, "the log is rotated", rotated)
				return
			}
			eventually(t, "retention has looked at the log three times", func() bool { return looks.counted() > 3 })
			if rotated() {
				t.Error("the log was rotated before its time")
			}
		})
	}
}

// TestRotationNeverWaits holds the slot that is to be emptied, as a dump does: writers go on, and
// the node says that rotation is refused.
func TestRotationNeverWaits(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	pool := db.Pool(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE rowcall.log IN ACCESS SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, db.URL, openRules{}, notifier.Options{Keep: time.Millisecond, Retain: 10 * time.Millisecond})
	r := follow(t, n, notifier.Request{}, "room")
	eventually(t, "rotation is refused", func() bool {
		publish(t, db, "room", `1`)
		r.event()
		return !n.Health().Log.Refused.IsZero()
	})
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "rotation goes on", func() bool {
		publish(t, db, "room", `1`)
		return n.Health().Log.Refused.IsZero()
	})
}

// TestAnAbandonedLogFilesNothingAndBeginsANewEpoch stops the node for longer than Abandon.
func TestAnAbandonedLogFilesNothingAndBeginsANewEpoch(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	before := follow(t, n, notifier.Request{}, "room").start.Cursor
	n.stop()
	db.Exec(t, fileUntil(`now() - interval '10 seconds'`))
	publish(t, db, "room", `"lost"`)
	open, err := db.Pool(t).BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Exec(t.Context(), `SELECT pg_current_xact_id(), rowcall.publish('room', 'test', '"skipped"')`); err != nil {
		t.Fatal(err)
	}
	looks := &spy{}
	looks.count("SELECT pg_current_snapshot()::text")
	direct := poolConfig(t, db.URL).ConnConfig
	direct.Tracer = looks
	n = launchNode(t, direct, poolConfig(t, db.URL), openRules{}, notifier.Options{})
	eventually(t, "the node says that it is back", func() bool {
		var alive bool
		err := db.Pool(t).QueryRow(t.Context(), `SELECT rowcall.files_until() > extract(epoch FROM now())`).Scan(&alive)
		return err == nil && alive
	})
	eventually(t, "the node waits for the open transaction", func() bool { return looks.counted() >= 5 || closed(n.Ready()) })
	if closed(n.Ready()) {
		t.Error("the node is ready while a transaction that has skipped its event is open")
	}
	if err := open.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.await(t)
	r := follow(t, n, notifier.Request{Since: before}, "room")
	if r.start.Recovered || r.start.Reason != notifier.ResetEpoch {
		t.Errorf("a cursor from before the gap was answered %+v", r.start)
	}
	r.silent(db, "room")
}

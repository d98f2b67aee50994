package notifier_test

import (
	"slices"
	"testing"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// A walk looks at every row of a replay.
const walkText = "SELECT id, slot, ctid"

// fileHuge files events in one transaction, without the work of publish.
func fileHuge(t testing.TB, db *schematest.Database, events int) {
	t.Helper()
	db.Exec(t, `INSERT INTO rowcall.log (slot, topic, type, data)
		SELECT 0, 'room/' || n % 3, 'test', n::text FROM generate_series(1, $1::int) AS n`, events)
}

// blocksRead begins to count the blocks of the log that are read. The function that it returns waits until all
// other connections to the database have ended, which tell the statistics what they have read, and ends counting.
func blocksRead(t testing.TB, db *schematest.Database) (read func() int) {
	t.Helper()
	const all = `SELECT coalesce(sum(heap_blks_read + heap_blks_hit), 0)::int FROM pg_statio_user_tables WHERE relname ~ '^log_[0-3]$'`
	const others = `SELECT count(*)::int FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`
	conn := db.Conn(t)
	ask := func(sql string) (n int) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "all other connections have ended", func() bool { return ask(others) == 0 })
	before := ask(all)
	return func() int {
		t.Helper()
		eventually(t, "all other connections have ended", func() bool { return ask(others) == 0 })
		return ask(all) - before
	}
}

// TestPagesOfAHugeTransactionReadTheirOwnBlocks resumes over a transaction of 100 pages. All pages together may read each
// block a few times. If each page looked for its events among all of the transaction, they would read each block 100 times.
func TestPagesOfAHugeTransactionReadTheirOwnBlocks(t *testing.T) {
	t.Parallel()
	const events, most = 50_000, 8
	db := schematest.New(t, schematest.CoreOnly)
	o := forgetful()
	o.ReplayEvents = events
	before := startNode(t, db.URL, openRules{}, o)
	start := before.Cursor()
	before.stop()
	fileHuge(t, db, events)
	read := blocksRead(t, db)
	n := startNode(t, db.URL, openRules{}, o)
	if got := follow(t, n, notifier.Request{Since: start}, "room").data(events); !slices.Equal(got, numbers(1, events)) {
		t.Errorf("got %d events, want 1 to %d in order", len(got), events)
	}
	n.stop() // its connections tell the statistics what they have read
	blocks := read()
	of := countOf(t, db, `SELECT pg_relation_size('rowcall.log_0') / current_setting('block_size')::int`)
	if blocks < of || blocks > most*of {
		t.Errorf("a replay of %d events reads %d blocks, want at most %d times the %d that there are", events, blocks, most, of)
	}
}

// TestReadersOfAHugeTransactionShareOneWalk has ten readers read a transaction from the log that none of their queues can
// hold.
func TestReadersOfAHugeTransactionShareOneWalk(t *testing.T) {
	t.Parallel()
	const events = 5000
	db := schematest.New(t, schematest.CoreOnly)
	n, _, pages := spiedNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 200, TailEvents: 1})
	var readers []*reader
	for range 10 {
		readers = append(readers, follow(t, n, notifier.Request{}, "room"))
	}
	pages.count(walkText)
	fileHuge(t, db, events)
	for _, r := range readers {
		if got := r.data(events); !slices.Equal(got, numbers(1, events)) {
			t.Errorf("got %d events, want 1 to %d in order", len(got), events)
		}
	}
	if walks := pages.counted(); walks != 1 {
		t.Errorf("%d statements look at every row of the transaction, want 1", walks)
	}
}

// TestAReplayGoesOnWhenRowsOfTheLogMove rewrites the log in another order while a reader is in the middle of a huge
// transaction, as an operator might who wants to make it smaller.
func TestAReplayGoesOnWhenRowsOfTheLogMove(t *testing.T) {
	t.Parallel()
	const events = 5000
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 200, TailEvents: 1})
	r := follow(t, n, notifier.Request{}, "room")
	fileHuge(t, db, events)
	got := r.data(events / 2)
	eventually(t, "the log is rewritten", func() bool {
		_, err := db.Pool(t).Exec(t.Context(), `CLUSTER rowcall.log_0 USING log_0_topic_xid_idx`)
		return err == nil
	})
	if got = append(got, r.data(events-len(got))...); !slices.Equal(got, numbers(1, events)) {
		t.Errorf("got %d events, want 1 to %d in order", len(got), events)
	}
	db.Exec(t, `SELECT rowcall.publish('room', 'test', '"after"')`)
	if e := r.event(); string(e.Data) != `"after"` {
		t.Errorf("then came %s", e.Data)
	}
}

// TestAReplayOfAQuietTopicLooksAtNoOther resumes on a topic that has three events behind many of others.
func TestAReplayOfAQuietTopicLooksAtNoOther(t *testing.T) {
	t.Parallel()
	const most = 60
	db := schematest.New(t, schematest.CoreOnly)
	before := startNode(t, db.URL, openRules{}, forgetful())
	start := before.Cursor()
	before.stop()
	db.Exec(t, `ALTER TABLE rowcall.log_0 SET (autovacuum_enabled = off)`) // it reads blocks too
	db.Exec(t, `INSERT INTO rowcall.log (slot, topic, type, data)
		SELECT 0, 'room/' || n % 20, 'test', n::text FROM generate_series(1, 50000) AS n`)
	count(t, db, "hall/1", 1, 3)
	db.Exec(t, `ANALYZE rowcall.log`)
	read := blocksRead(t, db)
	n := startNode(t, db.URL, openRules{}, forgetful())
	if got := follow(t, n, notifier.Request{Since: start}, "hall/1").data(3); !slices.Equal(got, numbers(1, 3)) {
		t.Errorf("got %v, want 1 to 3", got)
	}
	n.stop()
	if blocks := read(); blocks > most {
		t.Errorf("a replay of three events reads %d blocks, want at most %d", blocks, most)
	}
}

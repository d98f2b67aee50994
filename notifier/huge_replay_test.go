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
	read := `SELECT coalesce(sum(heap_blks_read + heap_blks_hit), 0)::int FROM pg_statio_user_tables WHERE relname ~ '^log_[0-3]$'`
	written := 0
	eventually(t, "the statistics know of the transaction", func() bool {
		written = countOf(t, db, read)
		return written >= events
	})
	n := startNode(t, db.URL, openRules{}, o)
	if got := follow(t, n, notifier.Request{Since: start}, "room").data(events); !slices.Equal(got, numbers(1, events)) {
		t.Errorf("got %d events, want 1 to %d in order", len(got), events)
	}
	n.stop() // its connections tell the statistics what they have read
	blocks := countOf(t, db, `SELECT pg_relation_size('rowcall.log_0') / current_setting('block_size')::int`)
	eventually(t, "the statistics know of the replay", func() bool { return countOf(t, db, read)-written > blocks })
	if n := countOf(t, db, read) - written; n > most*blocks {
		t.Errorf("a replay of %d events reads %d blocks, want at most %d times the %d that there are", events, n, most, blocks)
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

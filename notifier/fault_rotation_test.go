package notifier_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

const (
	pollText     = "SELECT 0 AS part"
	pageText     = "WITH next AS"
	longPageText = "CROSS JOIN LATERAL" // a page of a replay that has several
	stateText    = "SELECT pg_current_snapshot()::text"
	seedText     = "SELECT 2, id, xid, at, topic, type, role, data\n  FROM rowcall.log\n WHERE xid >= $1"
)

// spiedNode starts a node whose statements a spy sees: those of the poller, and those of the pool.
func spiedNode(t testing.TB, url string, rules notifier.Rules, o notifier.Options) (n *node, polls, pages *spy) {
	t.Helper()
	polls, pages = &spy{}, &spy{}
	direct, pool := poolConfig(t, url).ConnConfig, poolConfig(t, url)
	direct.Tracer, pool.ConnConfig.Tracer = polls, pages
	n = launchNode(t, direct, pool, rules, o)
	n.await(t)
	return n, polls, pages
}

// TestAPollThatRetentionOvertakesSaysReset empties the log right before a poll reads it: it finds nothing, and must
// not take that for silence.
func TestAPollThatRetentionOvertakesSaysReset(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly) // other databases' transactions keep a node from proving that it missed nothing
	n, polls, _ := spiedNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room")
	armed(t, n)
	polls.once(pollText, func() {
		publish(t, db, "room/1", `"lost"`)
		rotate(t, db, 4)
	})
	_, reset, err := r.take(time.After(patience))
	if err != nil || reset == nil || reset.Reason != notifier.ResetExpired {
		t.Fatalf("reset %+v, %v", reset, err)
	}
	r.silent(db, "room/1")
}

// TestAPageThatRetentionOvertakesSaysReset does the same to a replay.
func TestAPageThatRetentionOvertakesSaysReset(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly) // other databases' transactions keep a node from proving that it missed nothing
	n, _, pages := spiedNode(t, db.URL, openRules{}, notifier.Options{TailEvents: 1, QueueEvents: 10})
	r := follow(t, n, notifier.Request{}, "room")
	count(t, db, "room/1", 1, 20)
	r.data(20)
	pages.once(pageText, func() { rotate(t, db, 4) })
	again := follow(t, n, notifier.Request{Since: r.start.Cursor}, "room")
	var got []string
	reset := again.untilReset(&got)
	if reset.Reason != notifier.ResetExpired || !slices.Equal(got, numbers(1, len(got))) {
		t.Errorf("%v came, then reset %+v", got, reset)
	}
	again.silent(db, "room/1")
}

// TestANewNodesTailClaimsNothingThatRetentionDropped empties the log while a new node fills its memory from it.
func TestANewNodesTailClaimsNothingThatRetentionDropped(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	first := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, first, notifier.Request{}, "room")
	count(t, db, "room/1", 1, 20)
	r.data(20)
	polls := &spy{}
	polls.once(seedText, func() { rotate(t, db, 4) })
	direct := poolConfig(t, db.URL).ConnConfig
	direct.Tracer = polls
	second := launchNode(t, direct, poolConfig(t, db.URL), openRules{}, notifier.Options{})
	second.await(t)
	if polls.counted() == 0 {
		t.Fatal("the node did not fill its memory from the log")
	}
	if again := follow(t, second, notifier.Request{Since: r.start.Cursor}, "room"); again.start.Reason != notifier.ResetExpired {
		t.Errorf("a cursor behind the floor was answered %+v", again.start)
	}
}

// TestRotationWaitsForABatchThatIsBeingRead tries to empty the log in the middle of a batch that no buffer on the
// way could hold: one look at the floor is good for all of it.
func TestRotationWaitsForABatchThatIsBeingRead(t *testing.T) {
	t.Parallel()
	const rows = 3000
	db := schematest.New(t, schematest.CoreOnly)
	wire, url := newLine(t, db.URL)
	n := startSplitNode(t, url, db.URL, roomy())
	r := follow(t, n, notifier.Request{}, "bulk")
	release := wire.brakeAfter(2 << 20)
	db.Exec(t, `SELECT rowcall.publish('bulk', 'test', json_build_object('n', i, 'text', repeat('x', 8000))) FROM generate_series(1, $1::int) AS i`, rows)
	expectCount(r, 1, 100)
	if c := n.Cursor(); c != "" {
		t.Errorf("in the middle of a batch the node says that it stands at %s", c)
	}
	run(t, db.Conn(t), `SELECT rowcall.advance_slot() FROM generate_series(1, 3)`)
	if code := emptyNext(t, db); code != "55P03" {
		t.Errorf("emptying the slot of a batch that is being read is answered %q", code)
	}
	release()
	expectCount(r, 101, rows)
	r.silent(db, "bulk")
}

// expectCount reads events whose field n counts up.
func expectCount(r *reader, from, to int) {
	r.t.Helper()
	for i := from; i <= to; i++ {
		var data struct{ N int }
		if e := r.event(); json.Unmarshal(e.Data, &data) != nil || data.N != i {
			r.t.Fatalf("event %d is %d", i, data.N)
		}
	}
}

// TestManyNodesRotateInTurn has three nodes look after a log that is always due: each slot holds what was written
// after the one before it, so none was advanced to without having been emptied.
func TestManyNodesRotateInTurn(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	var nodes []*node
	for range 3 {
		nodes = append(nodes, startNode(t, db.URL, openRules{}, notifier.Options{Keep: 40 * time.Millisecond, Retain: 2 * time.Millisecond}))
	}
	writer := db.Conn(t)
	eventually(t, "twenty rotations", func() bool {
		run(t, writer, `SELECT rowcall.publish('room', 'test', '1')`)
		return countOf(t, db, `SELECT rowcall.slot_rotations()`) >= 20
	})
	for _, n := range nodes {
		n.stop()
	}
	mixed := countOf(t, db, `WITH slots AS (SELECT (slot - rowcall.slot_rotations() % 4 + 3) % 4 AS place, min(id) AS low, max(id) AS high
		FROM rowcall.log GROUP BY 1) -- place 0 is emptied next, 3 is written
		SELECT count(*) FROM slots AS older JOIN slots AS newer ON older.place < newer.place AND older.high > newer.low`)
	if mixed > 0 {
		t.Error("a slot holds what is older than another that was written before it")
	}
}

// TestANodeAdvancesOnlyOverWhatItHasEmptied has another node advance between the two steps of a rotation.
func TestANodeAdvancesOnlyOverWhatItHasEmptied(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	o := sleepy()
	o.Keep, o.Retain = time.Second, 20*time.Millisecond
	n, _, steps := spiedNode(t, db.URL, openRules{}, o)
	armed(t, n) // no poll is in the way of the first step
	overtaken := make(chan struct{})
	steps.once("empty_next_slot", func() {
		steps.once("pg_try_advisory_xact_lock", func() {
			db.Exec(t, `SELECT rowcall.advance_slot()`)
			close(overtaken)
		})
	})
	publish(t, db, "room", `1`)
	eventually(t, "it is overtaken", func() bool { return closed(overtaken) })
	steps.count("log_state")
	eventually(t, "the node has looked again", func() bool { return steps.counted() > 2 })
	if slot := countOf(t, db, `SELECT rowcall.slot_rotations()`); slot != 1 {
		t.Errorf("slot %d is written, and only slot 1 has been emptied", slot)
	}
}

// TestRetentionGoesOnBesideReplays has clients of one node come back all the time, so that there is no moment at which
// none of them reads the log. Another node has to empty slots all the same.
func TestRetentionGoesOnBesideReplays(t *testing.T) {
	t.Parallel()
	const clients, rotations = 6, 3 // the first three find empty slots, so that replays go on
	db := schematest.New(t, schematest.CoreOnly)
	before := startNode(t, db.URL, openRules{}, notifier.Options{})
	start := before.Cursor()
	before.stop()
	db.Exec(t, `SELECT rowcall.publish('room', 'test', to_json(i)) FROM generate_series(1, 200) AS i`)
	db.Exec(t, `CREATE SCHEMA slow`) // a page of ten events takes a tenth of a second
	db.Exec(t, `CREATE FUNCTION slow.octet_length(text) RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM pg_sleep(0.005); RETURN 1; END $$`)
	db.Exec(t, `ALTER DATABASE `+db.Name+` SET search_path = slow, pg_catalog`)
	n := startNode(t, db.URL, openRules{}, notifier.Options{TailEvents: 1, QueueEvents: 20})
	stop := make(chan struct{})
	var replays sync.WaitGroup
	defer replays.Wait()
	defer close(stop)
	reading := make(chan struct{}, clients)
	for range clients {
		replays.Go(func() { replayUntil(t, n, start, reading, stop) })
	}
	for range clients {
		<-reading
	}
	looks := &spy{}
	looks.count("log_state")
	pool := poolConfig(t, db.URL)
	pool.ConnConfig.Tracer = looks
	launchNode(t, poolConfig(t, db.URL).ConnConfig, pool, openRules{}, notifier.Options{TailEvents: 1, KeepBytes: 1, Retain: 10 * time.Millisecond})
	conn := db.Conn(t)
	slot := 0
	defer func() { t.Logf("%d rotations; the log was looked at %d times", slot, looks.counted()) }()
	eventually(t, "the log is rotated", func() bool {
		if err := conn.QueryRow(t.Context(), `SELECT rowcall.slot_rotations()`).Scan(&slot); err != nil {
			t.Fatal(err)
		}
		return slot >= rotations
	})
}

// replayUntil lets a client come back with the same cursor again and again, until stop is closed. It says once that the
// client has read something.
func replayUntil(t *testing.T, n *node, since string, reading chan<- struct{}, stop <-chan struct{}) {
	say := sync.OnceFunc(func() { reading <- struct{}{} })
	defer say()
	for !closed(stop) {
		r, err := tryFollow(t, n, notifier.Request{Since: since}, "room")
		if err != nil {
			t.Errorf("coming back: %v", err)
			return
		}
		for got := 0; got < 40 && !closed(stop); {
			taken, err := r.sub.Take(64)
			if err != nil || taken.Reset != nil {
				break
			}
			if got += len(taken.Events); got > 0 {
				say()
			}
			if len(taken.Events) == 0 {
				select {
				case <-r.woken:
				case <-stop:
				}
			}
		}
		r.sub.Close()
	}
}

// TestReplaysUnderRotation empties slots as fast as it can while witnesses move and replay: they are complete, or
// they are told.
func TestReplaysUnderRotation(t *testing.T) {
	t.Parallel()
	t.Logf("replay with -seed=%d", *seed)
	o := newOracle(t, schematest.New(t, schematest.CoreOnly))
	o.forgot = true
	options := notifier.Options{QueueEvents: 40, TailEvents: 1, ReplayEvents: 10_000_000}
	rules := openRules{state: o.state}
	nodes := []*node{startNode(t, o.db.URL, rules, options), startNode(t, o.db.URL, rules, options)}
	start := o.cursor()
	var writing, reading sync.WaitGroup
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second+*faultsFor/4)
	defer stop()
	o.writers(ctx, &writing)
	writing.Go(func() { o.rotate(ctx) })
	for i := range 6 {
		reading.Go(func() { o.witness(100+i, start, func() []*node { return nodes }).followAll() })
	}
	writing.Wait()
	close(o.done)
	reading.Wait()
	t.Logf("%d events, %d moves between nodes, %d resets", o.events.Load(), o.moves.Load(), o.resets.Load())
}

// rotate empties one slot after the other. It never waits for a lock: now and then nobody holds one.
func (o *oracle) rotate(ctx context.Context) {
	rotations := 0
	for ctx.Err() == nil {
		if _, err := o.pool.Exec(context.WithoutCancel(ctx), `SELECT rowcall.empty_next_slot()`); err == nil {
			rotations++
			if _, err := o.pool.Exec(context.WithoutCancel(ctx), `SELECT rowcall.advance_slot()`); err != nil {
				o.t.Errorf("advancing: %v", err)
			}
			wait(ctx, 50*time.Millisecond)
		}
		wait(ctx, time.Millisecond)
	}
	o.t.Logf("%d rotations", rotations)
}

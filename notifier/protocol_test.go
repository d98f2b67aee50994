package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

func TestWhatCommitsArrivesOnceInOrder(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room")
	db.Exec(t, `SELECT rowcall.publish('room/' || i % 3, 'test', to_json(i)) FROM generate_series(1, 50) AS i`)
	if got := r.data(50); !slices.Equal(got, numbers(1, 50)) {
		t.Errorf("events %v", got)
	}
	r.silent(db, "room/1")
}

func TestARollbackIsSilent(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room")
	db.Exec(t, `DO $$ BEGIN PERFORM rowcall.publish('room/1', 'test', '1'); ROLLBACK; END $$`)
	db.Exec(t, `DO $$ BEGIN
		BEGIN PERFORM rowcall.publish('room/1', 'test', '2'); RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS THEN END;
		PERFORM rowcall.publish('room/1', 'test', '3'); END $$`)
	if got := r.data(1); got[0] != "3" {
		t.Errorf("event %v", got)
	}
	r.silent(db, "room/1")
}

func TestNothingBeforeTheStartAndOthersTopicsIsDelivered(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	publish(t, db, "room/1", `"before"`)
	r := follow(t, n, notifier.Request{}, "room/1")
	publish(t, db, "room/2", `"another"`)
	publish(t, db, "room", `"above"`)
	publish(t, db, "room/11", `"longer"`)
	publish(t, db, "room/1/x", `"below"`)
	if got := r.data(1); got[0] != `"below"` {
		t.Errorf("event %v", got)
	}
	r.silent(db, "room/1")
}

// TestEveryCursorResumesExactly resumes from the cursor of every event, live and replayed, from memory
// and from the log, and expects what followed it and nothing else.
func TestEveryCursorResumesExactly(t *testing.T) {
	for name, o := range map[string]notifier.Options{
		"tail": {},
		"log":  {TailEvents: 1, QueueEvents: 6},
	} {
		t.Run(name, func(t *testing.T) {
			db := schematest.New(t, schematest.CoreOnly)
			n := startNode(t, db.URL, openRules{}, o)
			r := follow(t, n, notifier.Request{}, "room")
			db.Exec(t, `SELECT rowcall.publish('room/' || i % 2, 'test', to_json(i)) FROM generate_series(1, 15) AS i`)
			db.Exec(t, `SELECT rowcall.publish('other/' || i % 2, 'test', to_json(i)) FROM generate_series(1, 5) AS i`)
			for i := 16; i <= 30; i++ {
				publish(t, db, "room/1", numbers(i, i)[0])
			}
			var cursors []string
			for i := 1; i <= 30; i++ {
				e := r.event()
				if string(e.Data) != numbers(i, i)[0] {
					t.Fatalf("event %d is %s", i, e.Data)
				}
				cursors = append(cursors, e.Cursor())
			}
			for i, c := range append([]string{r.start.Cursor}, cursors...) {
				resumesExactly(t, n, c, i+1, 30)
			}
		})
	}
}

func resumesExactly(t *testing.T, n *node, since string, from, to int) {
	t.Helper()
	r := follow(t, n, notifier.Request{Since: since}, "room")
	if !r.start.Recovered || r.start.Cursor != since {
		t.Fatalf("from event %d: %+v", from, r.start)
	}
	if got := r.data(to - from + 1); !slices.Equal(got, numbers(from, to)) {
		t.Fatalf("from event %d came %v", from, got)
	}
	defer r.sub.Close()
	if from >= to {
		return
	}
	// Once more, cut in the middle of the replay.
	cut := follow(t, n, notifier.Request{Since: since}, "room")
	middle := cut.event()
	cut.sub.Close()
	again := follow(t, n, notifier.Request{Since: middle.Cursor()}, "room")
	defer again.sub.Close()
	if got := again.data(to - from); !slices.Equal(got, numbers(from+1, to)) {
		t.Fatalf("from event %d, cut: %v", from+1, got)
	}
}

func TestALargeBatchReachesAReaderWithASmallQueue(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 50, TailEvents: 100})
	r := follow(t, n, notifier.Request{}, "bulk")
	db.Exec(t, `SELECT rowcall.publish('bulk/' || i % 7, 'test', to_json(i)) FROM generate_series(1, 5000) AS i`)
	if got := r.data(5000); !slices.Equal(got, numbers(1, 5000)) {
		t.Error("the events are not those of the batch")
	}
	r.silent(db, "bulk")
}

func TestRowsOfAnySizeArrive(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueBytes: 64 << 10})
	r := follow(t, n, notifier.Request{}, "big")
	db.Exec(t, `SELECT rowcall.publish('big', 'test', to_json(repeat('x', 1 << 20))) FROM generate_series(1, 5)`)
	for range 5 {
		if e := r.event(); len(e.Data) != 1<<20+2 {
			t.Errorf("an event of %d bytes", len(e.Data))
		}
	}
	r.silent(db, "big")
}

// TestAReaderThatReadsOnGetsAHugeTransaction has transactions file many times the events that a
// replay may deliver, more than queue and tail hold: open subscriptions that are read get all.
func TestAReaderThatReadsOnGetsAHugeTransaction(t *testing.T) {
	t.Parallel()
	const events = 3000
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 20, ReplayEvents: 50, TailEvents: 10})
	one, several := follow(t, n, notifier.Request{}, "room"), follow(t, n, notifier.Request{}, "room/1", "hall")
	for _, from := range []int{1, 1001, 2001} {
		db.Exec(t, `SELECT rowcall.publish('room/1', 'test', to_json(i)) FROM generate_series($1::int, $1::int + 999) AS i`, from)
		for _, r := range []*reader{one, several} {
			if got := r.data(1000); !slices.Equal(got, numbers(from, from+999)) {
				t.Fatalf("after the transaction from %d on came %v", from, got)
			}
		}
	}
	late := follow(t, n, notifier.Request{Since: one.start.Cursor}, "room")
	if late.start.Recovered || late.start.Reason != notifier.ResetOverflow {
		t.Errorf("a resume over %d events got %+v, want a reset: it may deliver 50", events, late.start)
	}
	if slow := n.Stats().Slow; slow != 0 {
		t.Errorf("%d subscriptions were ended as slow", slow)
	}
}

func TestAReaderThatNeverReadsIsEndedAndComesBack(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 10, ReplayEvents: 200, TailEvents: 20})
	slow := follow(t, n, notifier.Request{}, "room")
	quick := follow(t, n, notifier.Request{}, "room")
	for i := range 30 {
		db.Exec(t, `SELECT rowcall.publish('room/1', 'test', to_json(i)) FROM generate_series($1::int, $1::int + 9) AS i`, 1+10*i)
		quick.data(10)
	}
	var got []string
	last := slow.start.Cursor
	for {
		e, _, err := slow.take(time.After(patience))
		if err != nil {
			if !errors.Is(err, notifier.ErrSlow) {
				t.Fatalf("it ended with %v", err)
			}
			break
		}
		got, last = append(got, string(e.Data)), e.Cursor()
	}
	if len(got) == 0 || !slices.Equal(got, numbers(1, len(got))) {
		t.Fatalf("it got %v before it was ended", got)
	}
	back := follow(t, n, notifier.Request{Since: last}, "room")
	if back.start.Recovered || back.start.Reason != notifier.ResetOverflow {
		t.Errorf("it came back to %+v with more than a replay to read", back.start)
	}
	back.silent(db, "room/1")
}

func TestUselessCursorsAreAnsweredWithAReason(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{TailEvents: 1, ReplayEvents: 5})
	r := follow(t, n, notifier.Request{}, "room")
	old := r.start.Cursor
	foreign := strings.Repeat("f", 16) + old[16:]
	ahead := old[:16] + ".ffffffff.0"
	for _, c := range []string{foreign, ahead} {
		got := follow(t, n, notifier.Request{Since: c}, "room")
		if got.start.Recovered || got.start.Reason != notifier.ResetEpoch || got.start.Cursor == c {
			t.Errorf("%s: %+v", c, got.start)
		}
		got.silent(db, "room/1")
		r.event()
	}
	if _, err := tryFollow(t, n, notifier.Request{Since: "garbage"}, "room"); !errors.Is(err, notifier.ErrBadCursor) {
		t.Errorf("garbage: %v", err)
	}
	db.Exec(t, `SELECT rowcall.publish('room/1', 'test', to_json(i)) FROM generate_series(1, 10) AS i`)
	r.data(10)
	if got := follow(t, n, notifier.Request{Since: old}, "room"); got.start.Reason != notifier.ResetOverflow {
		t.Errorf("past the cap: %+v", got.start)
	}
	db.Exec(t, `UPDATE rowcall.floor SET xid = pg_current_xact_id(), snap = pg_current_snapshot()`)
	if got := follow(t, n, notifier.Request{Since: old}, "room"); got.start.Reason != notifier.ResetExpired {
		t.Errorf("behind the floor: %+v", got.start)
	}
}

func TestANewHistoryResetsEverybody(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room")
	publish(t, db, "room/1", `1`)
	r.event()
	db.Exec(t, `SELECT rowcall.new_epoch()`)
	_, reset, err := r.take(time.After(patience))
	if err != nil || reset == nil || reset.Reason != notifier.ResetEpoch {
		t.Fatalf("reset %v, %v", reset, err)
	}
	r.silent(db, "room/1")
	resumed := follow(t, n, notifier.Request{Since: reset.Cursor}, "room")
	resumed.event()
	resumed.silent(db, "room/1")
}

// TestStateAndStreamMeet reads snapshots while a writer counts up: the stream goes on exactly
// where the state ends.
func TestStateAndStreamMeet(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE counter (n int); INSERT INTO counter VALUES (0)`)
	rules := openRules{state: func(ctx context.Context, tx pgx.Tx, _ notifier.Question) (state json.RawMessage, err error) {
		err = tx.QueryRow(ctx, `SELECT json_agg(n) FROM counter`).Scan(&state)
		return state, err
	}}
	n := startNode(t, db.URL, rules, notifier.Options{})
	ctx, stop := context.WithCancel(t.Context())
	counting := make(chan error, 1)
	pool := db.Pool(t)
	go func() { counting <- countUp(ctx, pool) }()
	for range 200 {
		r := follow(t, n, notifier.Request{Snapshot: true}, "count")
		var state []int
		if err := json.Unmarshal(r.start.State, &state); err != nil {
			t.Fatal(err)
		}
		if got := r.data(3); !slices.Equal(got, numbers(state[0]+1, state[0]+3)) {
			t.Fatalf("state %d, then %v", state[0], got)
		}
		r.sub.Close()
	}
	stop()
	if err := <-counting; err != nil {
		t.Fatal(err)
	}
}

func countUp(ctx context.Context, pool interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) error {
	for ctx.Err() == nil {
		var n int
		err := pool.QueryRow(context.WithoutCancel(ctx), `WITH next AS (UPDATE counter SET n = n + 1 RETURNING n)
			SELECT n FROM next, rowcall.publish('count', 'test', to_json(n))`).Scan(&n)
		if err != nil {
			return err
		}
	}
	return nil
}

func TestRolesAreReplacedInLogOrder(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	var owner atomic.Bool
	owner.Store(true)
	rules := openRules{ask: func(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
		grants := make([]notifier.Grant, len(questions))
		for i := range grants {
			if owner.Load() {
				grants[i].Roles = []string{"owner"}
			}
		}
		return grants, nil
	}}
	n := startNode(t, db.URL, rules, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room/1")
	db.Exec(t, `SELECT rowcall.publish('room/1', 'test', '"for the owner"', 'owner')`)
	if got := r.data(1); got[0] != `"for the owner"` {
		t.Fatalf("the owner got %v", got)
	}
	owner.Store(false)
	db.Exec(t, `DO $$ BEGIN PERFORM rowcall.publish('room/1', 'test', '"too late"', 'owner');
		PERFORM rowcall.revalidate('room/1'); END $$`)
	db.Exec(t, `SELECT rowcall.publish('room/1', 'test', '"later"', 'owner')`)
	r.silent(db, "room/1")
}

func TestALostRightEndsTheSubscriptionBeforeTheBatch(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	var member atomic.Bool
	member.Store(true)
	rules := openRules{ask: func(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
		grants := make([]notifier.Grant, len(questions))
		for i, q := range questions {
			if q.Follower.User == "7" && !member.Load() {
				grants[i].Err = notifier.ErrForbidden
			}
		}
		return grants, nil
	}}
	n := startNode(t, db.URL, rules, notifier.Options{})
	r := follow(t, n, notifier.Request{Follower: notifier.Follower{User: "7"}}, "room/1")
	other := follow(t, n, notifier.Request{Follower: notifier.Follower{User: "8"}}, "room/1")
	member.Store(false)
	db.Exec(t, `DO $$ BEGIN PERFORM rowcall.publish('room/1', 'test', '"secret"'); PERFORM rowcall.revalidate('room/1', '7'); END $$`)
	if e, reset, err := r.take(time.After(patience)); !errors.Is(err, notifier.ErrForbidden) {
		t.Errorf("it got %v %v %v", e, reset, err)
	}
	if got := other.data(1); got[0] != `"secret"` {
		t.Errorf("the other got %v", got)
	}
	if _, err := tryFollow(t, n, notifier.Request{Follower: notifier.Follower{User: "7"}}, "room/1"); !errors.Is(err, notifier.ErrForbidden) {
		t.Errorf("following again: %v", err)
	}
}

func TestATopicIsPausedWhileAccessCannotBeAsked(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	var broken atomic.Bool
	asked := make(chan struct{}, 100)
	rules := openRules{ask: func(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
		if broken.Load() {
			asked <- struct{}{}
			return nil, errors.New("no answer")
		}
		return make([]notifier.Grant, len(questions)), nil
	}}
	n := startNode(t, db.URL, rules, notifier.Options{})
	paused := follow(t, n, notifier.Request{}, "room/1")
	flowing := follow(t, n, notifier.Request{}, "dams")
	broken.Store(true)
	db.Exec(t, `SELECT rowcall.revalidate('room/1')`)
	<-asked
	publish(t, db, "room/1", `1`)
	publish(t, db, "dams", `2`)
	if got := flowing.data(1); got[0] != "2" {
		t.Errorf("the other topic got %v", got)
	}
	if taken, err := paused.sub.Take(1); err != nil || len(taken.Events) != 0 || paused.sub.CaughtUp() {
		t.Errorf("the paused topic handed out %v, %v", taken, err)
	}
	broken.Store(false)
	if got := paused.data(1); got[0] != "1" {
		t.Errorf("after the pause came %v", got)
	}
}

func TestSeveralTopicsShareOneOrder(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "a", "a/1", "b")
	db.Exec(t, `SELECT rowcall.publish((ARRAY['a/1', 'b', 'c', 'a'])[1 + i % 4], 'test', to_json(i)) FROM generate_series(1, 40) AS i`)
	var want []string
	for i := 1; i <= 40; i++ {
		if i%4 != 2 {
			want = append(want, numbers(i, i)[0])
		}
	}
	if got := r.data(30); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
}

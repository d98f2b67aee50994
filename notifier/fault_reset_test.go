package notifier_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// reset files a reset event for the topics.
func reset(t testing.TB, db *schematest.Database, reason string, topics ...string) {
	t.Helper()
	db.Exec(t, `SELECT rowcall.reset($1, $2)`, topics, reason)
}

// told reads n events and resets, and returns them in their order: data, or the reason of a reset.
func (r *reader) told(n int) []string {
	r.t.Helper()
	deadline := time.After(patience)
	all := make([]string, 0, n)
	for range n {
		e, reset, err := r.take(deadline)
		switch {
		case err != nil:
			r.t.Fatalf("after %v: %v", all, err)
		case reset != nil:
			all = append(all, "reset "+string(reset.Reason))
		default:
			all = append(all, string(e.Data))
		}
	}
	return all
}

// TestAResetReachesWhoFollowsAtAboveOrBelow files resets for patterns between events. Each follower is told
// of those that concern it, in the order of the log, whether it is live or replays from memory or from the log.
func TestAResetReachesWhoFollowsAtAboveOrBelow(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]notifier.Options{"tail": {}, "log": {TailEvents: 1, QueueEvents: 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			n := startNode(t, db.URL, openRules{}, o)
			wanted := map[topic.Topic][]string{
				"orders":           {"1", "reset truncate", "reset schema", "reset triggers", "2"},
				"orders/7":         {"reset truncate", "reset schema", "reset triggers"},
				"orders/8/items":   {"reset truncate", "reset triggers"},
				"orders/7/items/3": {"reset truncate", "reset schema", "reset triggers"},
				"ordersx":          {"reset triggers"},
				"shops/1/orders":   {"reset truncate", "reset triggers"},
				"shops/1":          {"reset truncate", "reset triggers"},
				"shops/1/staff":    {"reset triggers"},
			}
			start := follow(t, n, notifier.Request{}, "end").start.Cursor
			live := map[topic.Topic]*reader{}
			for followed := range wanted {
				live[followed] = follow(t, n, notifier.Request{}, followed)
			}
			publish(t, db, "orders", "1")
			reset(t, db, "truncate", "orders/{customer_id}", "shops/{shop_id:int}/orders")
			reset(t, db, "schema", "orders/7")
			reset(t, db, "triggers", "{any}")
			publish(t, db, "orders", "2")
			for followed, want := range wanted {
				publish(t, db, followed, `"end"`)
				want = append(want, `"end"`)
				if followed == "orders" {
					want = want[:len(want)-1] // the ends of the topics below come in any order
				}
				if got := live[followed].told(len(want)); !slices.Equal(got, want) {
					t.Errorf("%s: live came %v, want %v", followed, got, want)
				}
				replay := follow(t, n, notifier.Request{Since: start}, followed)
				if got := replay.told(len(want)); !slices.Equal(got, want) || !replay.start.Recovered {
					t.Errorf("%s: the replay brought %v, want %v", followed, got, want)
				}
			}
			if told := n.Stats().Resets; told[notifier.ResetTruncate] == 0 || told[notifier.ResetSchema] == 0 {
				t.Errorf("the resets were counted as %v", told)
			}
		})
	}
}

// TestAResetSaysWhichTopicsItIsAbout follows several topics together.
func TestAResetSaysWhichTopicsItIsAbout(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "orders/7", "shops/1", "orders")
	publish(t, db, "shops/1", "1")
	reset(t, db, "truncate", "orders/{id}")
	publish(t, db, "shops/1", "2")
	r.event()
	_, told, err := r.take(time.After(patience))
	if err != nil || told == nil || !slices.Equal(told.Topics, []topic.Topic{"orders/7", "orders"}) {
		t.Fatalf("got %+v, %v, want a reset of orders/7 and orders", told, err)
	}
	for since, want := range map[string]string{told.Cursor: "2", r.start.Cursor: "1"} {
		again := follow(t, n, notifier.Request{Since: since}, "orders/7", "shops/1", "orders")
		if e := again.event(); string(e.Data) != want || !again.start.Recovered {
			t.Errorf("from %s came %s first, want %s", since, e.Data, want)
		}
	}
}

// TestAResetInALargePollComesInItsPlace files resets in the middle of a transaction of many events, and
// resumes from the cursors around them: nothing is missing, nothing comes twice, and a client that resumes
// from before a reset is told of it again. The queues of the second node are full all the time.
func TestAResetInALargePollComesInItsPlace(t *testing.T) {
	t.Parallel()
	const events = 2500
	for name, o := range map[string]notifier.Options{
		"pushed":             roomy(),
		"pulled":             {QueueEvents: 10, ReplayEvents: 2 * events},
		"pulled from memory": {QueueEvents: 10, ReplayEvents: 2 * events, TailEvents: 2 * events},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			n := startNode(t, db.URL, openRules{}, o)
			want, places := []string{}, []int{1, 500, 999, 1000, 1001, 2499}
			for i := 1; i <= events; i++ {
				if want = append(want, fmt.Sprint(i)); slices.Contains(places, i) {
					want = append(want, "reset truncate")
				}
			}
			r := follow(t, n, notifier.Request{}, "bulk")
			other := follow(t, n, notifier.Request{}, "other")
			db.Exec(t, `SELECT rowcall.publish('bulk/' || i % 7, 'test', to_json(i)),
				CASE WHEN i = ANY ($2) THEN rowcall.reset('{"bulk/{part}"}', 'truncate') END
				FROM generate_series(1, $1::int) AS i`, events, places)
			cursors := []string{r.start.Cursor}
			for i, text := range want {
				e, told, err := r.take(time.After(patience))
				switch {
				case err != nil:
					t.Fatal(err)
				case told != nil && text == "reset truncate":
					cursors = append(cursors, told.Cursor)
				case e != nil && string(e.Data) == text:
					cursors = append(cursors, e.Cursor())
				default:
					t.Fatalf("%d: got %+v, %+v, want %s", i, e, told, text)
				}
			}
			for _, i := range []int{0, 1, 2, 3, 500, 501, 502, 1000, 1001, 1002, 1003, 1004, 1005, 2503, 2504, 2505} {
				again := follow(t, n, notifier.Request{Since: cursors[i]}, "bulk")
				if got := again.told(len(want) - i); !again.start.Recovered || !slices.Equal(got, want[i:]) {
					t.Errorf("from the cursor behind %d: %+v, %d came", i, again.start, len(got))
				}
				again.sub.Close()
			}
			other.silent(db, "other")
		})
	}
}

// TestTheLastEventOfAPollDoesNotPassAReset files a reset between the events of two roots, in one transaction. A
// client that resumes from the last event of its root before the reset is told of it, and one that resumes
// from the reset gets the events behind it.
func TestTheLastEventOfAPollDoesNotPassAReset(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"{any}", "a/{any}"} {
		db := schematest.New(t, schematest.CoreOnly)
		n := startNode(t, db.URL, openRules{}, notifier.Options{})
		r, c, b := follow(t, n, notifier.Request{}, "a"), follow(t, n, notifier.Request{}, "c"), follow(t, n, notifier.Request{}, "b")
		db.Exec(t, `BEGIN; SELECT rowcall.publish('a', 'test', '1'); SELECT rowcall.reset(ARRAY['`+pattern+`'], 'schema');
			SELECT rowcall.publish('b', 'test', '2'); COMMIT`)
		before := r.event().Cursor()
		if again := follow(t, n, notifier.Request{Since: before}, "a"); again.told(1)[0] != "reset schema" {
			t.Errorf("%s: a client that resumes from before the reset is not told of it", pattern)
		}
		if pattern == "a/{any}" {
			c.silent(db, "c")
			continue
		}
		_, told, err := b.take(time.After(patience))
		if err != nil || told == nil {
			t.Fatalf("got %+v, %v, want a reset", told, err)
		}
		if again := follow(t, n, notifier.Request{Since: told.Cursor}, "b"); again.told(1)[0] != "2" {
			t.Errorf("a client that resumes from the reset does not get what follows it")
		}
	}
}

// TestAFullQueueKeepsItsResets fills the queue of a reader that rests, with resets among the events. A reader
// that needs only the newest event per key gets every reset too.
func TestAFullQueueKeepsItsResets(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 6, TailEvents: 4})
	slow := follow(t, n, notifier.Request{}, "jobs")
	latest := follow(t, n, notifier.Request{Latest: "topics"}, "jobs")
	var want []string
	for i := range 40 {
		if i%10 == 5 {
			reset(t, db, "triggers", "jobs/{id}")
			want = append(want, "reset triggers")
		}
		text := fmt.Sprintf(`{"topics" : 1, "n" : %d}`, i)
		publish(t, db, "jobs/1", text)
		want = append(want, text)
	}
	if got := slow.told(len(want)); !slices.Equal(got, want) {
		t.Errorf("the slow reader got %v, want %v", got, want)
	}
	resets := 0
	for text := ""; text != want[len(want)-1]; {
		if text = latest.told(1)[0]; text == "reset triggers" {
			resets++
		}
	}
	if resets != 4 {
		t.Errorf("the reader of the newest events got %d resets, want 4", resets)
	}
	latest.silent(db, "jobs/1")
}

// TestAResetIsNotToldToWhoHasLostAccess throws a guest out, and files a reset in the same transaction and in
// later ones. He is told of none, also while access cannot be asked.
func TestAResetIsNotToldToWhoHasLostAccess(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, doorSchema)
	var closed atomic.Bool
	answer := make(chan struct{})
	n := startNode(t, db.URL, door{db.Pool(t), func() {
		if closed.Load() {
			<-answer
		}
	}}, notifier.Options{})
	r := follow(t, n, guest(notifier.Request{}), "room/1")
	other := follow(t, n, notifier.Request{}, "other")
	reset(t, db, "schema", "room/{id}")
	if got := r.told(1); got[0] != "reset schema" {
		t.Fatalf("got %v", got)
	}
	closed.Store(true)
	db.Exec(t, `BEGIN; SELECT throw_out(); SELECT rowcall.reset('{room}', 'truncate'); COMMIT`)
	reset(t, db, "truncate", "room/{id}")
	db.Exec(t, `SELECT note('secret')`)
	other.silent(db, "other") // the node has read all of that
	if taken, err := r.sub.Take(10); err != nil || taken.Reset != nil || len(taken.Events) > 0 {
		t.Errorf("before the answer he is told %+v, %v", taken, err)
	}
	closed.Store(false)
	close(answer)
	if e, told, err := r.take(time.After(patience)); !errors.Is(err, notifier.ErrForbidden) {
		t.Errorf("he is told %+v, %+v, %v", e, told, err)
	}
	if _, err := tryFollow(t, n, guest(notifier.Request{Since: r.start.Cursor}), "room/1"); !errors.Is(err, notifier.ErrForbidden) {
		t.Errorf("he comes back and is answered %v", err)
	}
}

// TestNobodyElseFilesResets publishes what looks like a reset, and rows that only a mistake files. None of
// them is told, live or in a replay.
func TestNobodyElseFilesResets(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]notifier.Options{"tail": {}, "log": {TailEvents: 1}} {
		db := schematest.New(t, schematest.CoreOnly)
		n := startNode(t, db.URL, openRules{}, o)
		r := follow(t, n, notifier.Request{}, "room/1")
		const order = `'{"topics":["room/1"],"reason":"truncate"}'`
		db.Exec(t, `SELECT rowcall.publish('/room/1', 'rowcall.reset', `+order+`), rowcall.publish('room/1', 'rowcall.reset', `+order+`)`)
		db.Exec(t, `SELECT rowcall.publish('/room/1', 'test', '"a slash too many"'), rowcall.publish('/room/1/x', 'test', '1')`)
		db.Exec(t, `INSERT INTO rowcall.log (slot, topic, type, data) VALUES (rowcall.writing_slot(), 'room/1', 'rowcall.reset', `+order+`)`)
		r.silent(db, "room/1")
		again := follow(t, n, notifier.Request{Since: r.start.Cursor}, "room/1")
		if got := again.event(); got.Type != "test" || got.Topic != "room/1" {
			t.Errorf("%s: the replay brought %+v", name, got)
		}
	}
}

// TestAResetWakesASleepingNode files a reset where no sweep would find it.
func TestAResetWakesASleepingNode(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{Sweep: never})
	r := follow(t, n, notifier.Request{}, "orders/7")
	armed(t, n)
	reset(t, db, "truncate", "orders/{id}")
	if got := r.told(1); got[0] != "reset truncate" {
		t.Errorf("got %v", got)
	}
}

// TestAResetOrderThatCannotBeReadIsForAllBelow files what this version cannot read: telling too few would
// leave them with a wrong state.
func TestAResetOrderThatCannotBeReadIsForAllBelow(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	r, other := follow(t, n, notifier.Request{}, "orders/7"), follow(t, n, notifier.Request{}, "shops")
	db.Exec(t, `INSERT INTO rowcall.log (slot, topic, type, data) VALUES (rowcall.writing_slot(), '/orders', 'rowcall.reset', '{"topics":7}'); SELECT rowcall.reset('{orders/7}', 'because')`)
	if got := r.told(2); !slices.Equal(got, []string{"reset triggers", "reset triggers"}) {
		t.Errorf("got %v", got)
	}
	db.Exec(t, `SELECT rowcall.reset(NULL, 'schema'), rowcall.reset('{}', 'schema'), rowcall.reset('{NULL}', 'schema')`)
	db.Exec(t, `SELECT rowcall.reset('{shops}', NULL)`)
	if got := other.told(1); !slices.Equal(got, []string{"reset triggers"}) {
		t.Errorf("got %v", got)
	}
}

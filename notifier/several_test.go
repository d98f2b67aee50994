package notifier_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// TestSeveralTopicsShareOneCursor cuts a follower of topics of different roots after each event of
// transactions that write to all of them, on polls of one and of several chunks, and while it replays.
func TestSeveralTopicsShareOneCursor(t *testing.T) {
	t.Parallel()
	const events = 2400
	db := schematest.New(t, schematest.CoreOnly)
	o := notifier.Options{QueueEvents: 5000, TailEvents: 10_000}
	n := startNode(t, db.URL, openRules{}, o)
	topics := []topic.Topic{"room/1", "user/7", "dams"}
	r := follow(t, n, notifier.Request{}, topics...)
	for _, last := range []string{"1, 7", "8, 40", "41, 2400"} {
		db.Exec(t, `SELECT rowcall.publish((ARRAY['room/1', 'user/7', 'dams/3', 'other'])[1 + i % 4], 'test', to_json(i))
			FROM generate_series(`+last+`) AS i`)
	}
	var cursors, want []string
	for i := 1; i <= events; i++ {
		if i%4 != 3 {
			want = append(want, numbers(i, i)[0])
		}
	}
	for _, data := range want {
		e := r.event()
		if string(e.Data) != data {
			t.Fatalf("%s came, want %s", e.Data, data)
		}
		cursors = append(cursors, e.SharedCursor())
	}
	if got := r.sub.Cursor(); got != cursors[len(cursors)-1] {
		t.Errorf("the subscription stands at %s, its last event at %s", got, cursors[len(cursors)-1])
	}
	fresh := startNode(t, db.URL, openRules{}, notifier.Options{TailEvents: 1}) // replays what n has in its tail
	for _, node := range []*node{n, fresh} {
		for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 20, 29, 30, 31, 740, 759, 760, 761, 1000, 1790, 1797, 1798, 1799} {
			back := follow(t, node, notifier.Request{Since: cursors[i]}, topics...)
			if got := back.data(len(want) - i - 1); !slices.Equal(got, want[i+1:]) {
				t.Fatalf("after event %d came %d others, want %d", i, len(got), len(want)-i-1)
			}
			mark := fmt.Sprintf(`"mark %d"`, len(want))
			publish(t, db, "dams/4", mark)
			if got := back.data(1); got[0] != mark {
				t.Fatalf("after event %d and all others came %s", i, got[0])
			}
			want = append(want, mark)
			back.sub.Close()
		}
	}
}

// TestTheNodesCursorTakesNobodyBack asks for it in the middle of batches, as a heartbeat may.
func TestTheNodesCursorTakesNobodyBack(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 5000, ReplayEvents: 100_000})
	var mu sync.Mutex // guards all below
	var sub *notifier.Subscription
	var last *notifier.Event
	behind := map[string]int64{} // cursors that a settled subscription was told, and what it had by then
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		if sub == nil {
			return
		}
		if taken, _ := sub.Take(5000); len(taken.Events) > 0 {
			last = taken.Events[len(taken.Events)-1]
		}
		if cursor := n.Cursor(); cursor != "" && last != nil && sub.CaughtUp() && n.Cursor() == cursor {
			behind[cursor] = last.ID
		}
	}
	joined, _, err := n.Subscribe(t.Context(), notifier.Request{Topics: []topic.Topic{"bulk"}, Wake: look})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(joined.Close)
	mu.Lock()
	sub = joined
	mu.Unlock()
	follower := follow(t, n, notifier.Request{}, "bulk")
	for range 5 {
		db.Exec(t, `SELECT rowcall.publish('bulk', 'test', to_json(i)) FROM generate_series(1, 3000) AS i`)
		follower.data(3000)
		look()
	}
	mu.Lock()
	seen := maps.Clone(behind)
	mu.Unlock()
	publish(t, db, "bulk", `"after"`)
	for cursor, id := range seen {
		back := follow(t, n, notifier.Request{Since: cursor}, "bulk")
		if e := back.event(); e.ID <= id {
			t.Errorf("after event %d a cursor that goes back to %d", id, e.ID)
		}
		back.sub.Close()
	}
	if len(seen) == 0 {
		t.Error("no cursor was seen")
	}
}

// TestNobodyHearsOfANewHistoryBeforeTheReset looks at the node's cursor while subscriptions are told.
func TestNobodyHearsOfANewHistoryBeforeTheReset(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	before := n.Cursor()
	told := make(chan string, 100)
	for range 2 {
		var once sync.Once
		var sub *notifier.Subscription
		ready := make(chan struct{})
		wake := func() {
			select {
			case <-ready:
			default:
				return
			}
			if taken, _ := sub.Take(1); taken.Reset != nil {
				once.Do(func() { told <- n.Cursor() })
			}
		}
		joined, _, err := n.Subscribe(t.Context(), notifier.Request{Topics: []topic.Topic{"room"}, Wake: wake})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(joined.Close)
		sub = joined
		close(ready)
	}
	db.Exec(t, `SELECT rowcall.new_epoch()`)
	for range 2 {
		if cursor := <-told; cursor != "" {
			t.Errorf("a subscription is told while others could hear of %s", cursor)
		}
	}
	eventually(t, "a cursor of the new history", func() bool { c := n.Cursor(); return c != "" && c != before })
}

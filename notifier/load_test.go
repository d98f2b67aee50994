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

// fill publishes events of about a kilobyte each to a topic, numbered from one number to another.
func fill(t testing.TB, db *schematest.Database, topic topic.Topic, from, to int) {
	t.Helper()
	db.Exec(t, `SELECT rowcall.publish($1, 'test', json_build_object('n', n, 'text', repeat('x', 1000))) FROM generate_series($2::int, $3::int) AS n`,
		string(topic), from, to)
}

// TestWhoHoldsMostIsShed has three readers who do not read, and more wait for them together than the node may hold.
// The one that holds most goes, at once and without what it held; with its cursor it gets all of it.
func TestWhoHoldsMostIsShed(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueuedBytes: 1 << 20})
	var told atomic.Int32
	holder := n.NewHolder(func() { told.Add(1) })
	defer holder.Close()
	most := follow(t, n, notifier.Request{Holder: holder}, "most")
	less, least := follow(t, n, notifier.Request{}, "less"), follow(t, n, notifier.Request{}, "least")
	fill(t, db, "most", 1, 1)
	resume := most.event().Cursor()
	fill(t, db, "least", 1, 10)
	fill(t, db, "less", 1, 200)
	fill(t, db, "most", 2, 600)
	fill(t, db, "less", 201, 300)
	eventually(t, "somebody is shed", func() bool { return told.Load() > 0 })
	if taken, err := most.sub.Take(1000); !errors.Is(err, notifier.ErrSlow) || len(taken.Events) > 0 {
		t.Errorf("the one that held most takes %d events, %v", len(taken.Events), err)
	}
	for name, r := range map[string]*reader{"less": less, "least": least} {
		want := map[string]int{"less": 300, "least": 10}[name]
		if got := lengths(r, want); !slices.Equal(got, numbers(1, want)) {
			t.Errorf("%s got %v", name, got)
		}
		r.silent(db, topic.Topic(name))
	}
	back := follow(t, n, notifier.Request{Since: resume}, "most")
	if got := lengths(back, 599); !back.start.Recovered || !slices.Equal(got, numbers(2, 600)) {
		t.Errorf("who came back got %v, %+v", got, back.start)
	}
	back.silent(db, "most")
	if told.Load() != 1 || n.Stats().Slow != 1 {
		t.Errorf("told %d times, %d ended", told.Load(), n.Stats().Slow)
	}
}

// lengths reads events of fill and returns their numbers.
func lengths(r *reader, n int) []string {
	all := make([]string, n)
	for i := range all {
		var number int
		if _, err := fmt.Sscanf(string(r.event().Data), `{"n" : %d,`, &number); err != nil {
			r.t.Fatal(err)
		}
		all[i] = fmt.Sprint(number)
	}
	return all
}

// TestWhatManyHoldCountsOnce has two hundred readers of one room wait for the same half megabyte: that is half a
// megabyte, and nobody is ended.
func TestWhatManyHoldCountsOnce(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueuedBytes: 1 << 20})
	readers := make([]*reader, 200)
	for i := range readers {
		readers[i] = follow(t, n, notifier.Request{}, "room")
	}
	fill(t, db, "room", 1, 400)
	fill(t, db, "other", 1, 2000) // nobody's
	probe := follow(t, n, notifier.Request{}, "probe")
	fill(t, db, "probe", 1, 1)
	probe.event()
	for round := range 10 { // what comes and goes has the node count again and again
		fill(t, db, "probe", 1+100*round, 100*round+100)
		lengths(probe, 100)
	}
	for _, r := range readers {
		if got := lengths(r, 400); !slices.Equal(got, numbers(1, 400)) {
			t.Fatalf("got %v", got)
		}
	}
	if ended := n.Stats().Slow; ended > 0 {
		t.Errorf("%d were ended", ended)
	}
}

// TestWhatAHolderHasBesidesCounts sheds one that has no subscription at all, and not another whose reader is
// still at work on what it took.
func TestWhatAHolderHasBesidesCounts(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueuedBytes: 1 << 20})
	shed := make(chan string, 2)
	buffers, other := n.NewHolder(func() { shed <- "buffers" }), n.NewHolder(func() { shed <- "other" })
	defer buffers.Close()
	defer other.Close()
	at := follow(t, n, notifier.Request{Holder: other}, "room")
	fill(t, db, "room", 1, 300)
	eventually(t, "all of them wait, and are counted", func() bool {
		events, _ := at.sub.QueueSize()
		return events == 300 && n.Cursor() != "" // empty until the poll is handed on completely
	})
	before := n.QueueStats()
	if before.Live != 1 || before.Events != 300 || before.Bytes < 300 || before.Load < int64(before.Bytes) {
		t.Errorf("the node says that so much waits: %+v", before)
	}
	if _, err := at.sub.Take(300); err != nil {
		t.Fatal(err)
	}
	other.Add(100 << 10)
	if after := n.QueueStats(); after.Events != 0 || after.Load != before.Load+100<<10 {
		t.Errorf("and then %+v", after)
	}
	buffers.Add(500 << 10)
	select {
	case who := <-shed:
		if who != "buffers" {
			t.Errorf("%s were shed", who)
		}
	case <-time.After(patience):
		t.Error("nobody was shed")
	}
}

// TestManyStalledReadersStayUnderTheNodesBound has far more wait than the node may hold. It does not run beside
// other tests: the memory must be its own.
func TestManyStalledReadersStayUnderTheNodesBound(t *testing.T) {
	const (
		readers = 400
		bound   = 8 << 20
		tail    = 1 << 20
		slack   = 8 << 20
	)
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueuedBytes: bound, TailBytes: tail})
	stalled := followAll(t, n, "stall", readers)
	quick := follow(t, n, notifier.Request{}, "quick")
	before := heap()
	for round := 1; round <= 60; round++ {
		db.Exec(t, `SELECT rowcall.publish('stall/' || i, 'test', json_build_object('n', $1::int, 'text', repeat('x', 1000))) FROM generate_series(0, $2::int - 1) AS i`,
			round, readers)
		publish(t, db, "quick", fmt.Sprint(round))
		if got := quick.data(1); got[0] != fmt.Sprint(round) {
			t.Fatalf("in round %d came %v", round, got)
		}
	}
	if grown := heap() - before; grown > bound+tail+slack {
		t.Errorf("%d stalled readers take %d KiB", readers, grown>>10)
	}
	ended := 0
	for _, r := range stalled {
		if _, err := r.sub.Take(1); errors.Is(err, notifier.ErrSlow) {
			ended++
		}
	}
	if ended < readers/2 || ended == readers {
		t.Errorf("%d of %d were ended", ended, readers)
	}
	quick.silent(db, "quick")
}

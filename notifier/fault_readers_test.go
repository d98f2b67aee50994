package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// TestAThousandStalledReadersCostTheirBound has a thousand subscriptions that nobody reads, each far past its queue,
// beside one that is read. Its numbers are counts and bytes, not times. It does not run beside other tests: the
// memory must be its own.
func TestAThousandStalledReadersCostTheirBound(t *testing.T) {
	const (
		readers    = 1000
		rounds     = 60
		body       = 1 << 10
		queueBytes = 16 << 10
		tailBytes  = 1 << 20
		slack      = 12 << 20
	)
	db := schematest.New(t, schematest.CoreOnly)
	o := notifier.Options{QueueBytes: queueBytes, TailBytes: tailBytes, TailEvents: 2 * readers}
	n := startNode(t, db.URL, openRules{}, o)
	stalled := followAll(t, n, "stall", readers)
	quick := follow(t, n, notifier.Request{}, "quick")
	before := heap()
	for round := 1; round <= rounds; round++ { // every write is committed, and read by who reads
		db.Exec(t, `SELECT rowcall.publish('stall/' || i, 'test', json_build_object('n', $1::int, 'text', repeat('x', $2))),
			CASE i WHEN 500 THEN rowcall.publish('quick', 'test', to_json($1::int)) END FROM generate_series(0, $3::int - 1) AS i`, round, body, readers)
		if got := quick.data(1); got[0] != numbers(round, round)[0] {
			t.Fatalf("in round %d came %v", round, got)
		}
	}
	if grown := heap() - before; grown > readers*queueBytes+tailBytes+slack {
		t.Errorf("%d stalled readers take %d KiB each", readers, grown/readers>>10)
	}
	for i := 0; i < readers; i += readers / 20 {
		expectCount(stalled[i], 1, rounds)
	}
	quick.silent(db, "quick")
}

// followAll has many follow a topic each, at once.
func followAll(t *testing.T, n *node, root string, readers int) []*reader {
	all := make([]*reader, readers)
	var following sync.WaitGroup
	for i := range all {
		following.Go(func() {
			var err error
			if all[i], err = tryFollow(t, n, notifier.Request{}, topic.Topic(fmt.Sprintf("%s/%d", root, i))); err != nil {
				t.Errorf("following: %v", err)
			}
		})
	}
	following.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// heap is what is in use after everything unused has been collected, in bytes.
func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// TestAFloodOfSubscribersDisturbsNobody subscribes and leaves as fast as it can, with cursors good and bad, while
// others read and write.
func TestAFloodOfSubscribersDisturbsNobody(t *testing.T) {
	t.Parallel()
	const events = 100
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{TailEvents: 50})
	r := follow(t, n, notifier.Request{}, "room")
	cursors := []string{"", r.start.Cursor, "garbage", strings.Repeat("f", 16) + r.start.Cursor[16:], r.start.Cursor[:16] + ".ffffffff.0"}
	done := make(chan struct{})
	var flooding sync.WaitGroup
	var subscribed atomic.Int64
	for i := range 8 {
		flooding.Go(func() {
			for k := i; !closed(done); k++ {
				flood(t, n, cursors[k%len(cursors)])
				subscribed.Add(1)
			}
		})
	}
	for i := 1; i <= events; i++ {
		publish(t, db, "room/1", numbers(i, i)[0])
		if got := r.data(1); got[0] != numbers(i, i)[0] {
			t.Fatalf("event %d is %v", i, got)
		}
	}
	close(done)
	flooding.Wait()
	r.silent(db, "room/1")
	t.Logf("%d subscribes", subscribed.Load())
	late := follow(t, n, notifier.Request{Since: r.start.Cursor}, "room")
	if got := late.data(events); !slices.Equal(got, numbers(1, events)) {
		t.Errorf("who came after the flood got %v", got)
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// flood subscribes, perhaps takes something, and leaves.
func flood(t *testing.T, n *node, since string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, _, err := n.Subscribe(ctx, notifier.Request{Topics: []topic.Topic{"room"}, Since: since, Wake: func() {}})
	if errors.Is(err, notifier.ErrBadCursor) && since == "garbage" {
		return
	}
	if err != nil {
		t.Errorf("subscribing with %q: %v", since, err)
		return
	}
	defer s.Close()
	if _, err := s.Take(1); err != nil {
		t.Errorf("taking: %v", err)
	}
}

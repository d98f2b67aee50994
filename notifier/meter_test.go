package notifier_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

var errEnough = errors.New("enough for now")

// meter lets as many replays begin as it has places, and notes what they read.
type meter struct {
	places chan struct{}
	rest   time.Duration

	mu    sync.Mutex
	bytes int
	pages int
}

func (m *meter) BeginReplay(context.Context) (func(), error) {
	select {
	case m.places <- struct{}{}:
		return func() { <-m.places }, nil
	default:
		return nil, errEnough
	}
}

func (m *meter) Spend(bytes int) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += bytes
	m.pages++
	return m.rest
}

func (m *meter) spent() (bytes, pages int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes, m.pages
}

// TestReplaysOfTheLogAreMetered counts what a replay reads, page by page, and has it rest between them; while it
// goes on another finds no place, and when it is live or gone, one does.
func TestReplaysOfTheLogAreMetered(t *testing.T) {
	t.Parallel()
	const events = 300
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{TailEvents: 10, QueueEvents: 100})
	from := follow(t, n, notifier.Request{}, "room").start.Cursor
	fill(t, db, "room", 1, events)
	last := follow(t, n, notifier.Request{}, "room").start.Cursor
	m := &meter{places: make(chan struct{}, 1), rest: 10 * time.Millisecond}
	r := follow(t, n, notifier.Request{Since: from, Meter: m}, "room")
	if _, err := tryFollow(t, n, notifier.Request{Since: from, Meter: m}, "room"); !errors.Is(err, errEnough) {
		t.Errorf("a second replay: %v", err)
	}
	for _, free := range []string{"", last, "garbage", last + "1"} { // from now, from the tail, and no replays at all
		if _, err := tryFollow(t, n, notifier.Request{Since: free, Meter: m}, "room"); errors.Is(err, errEnough) {
			t.Errorf("with %q: %v", free, err)
		}
	}
	if got := lengths(r, events); !slices.Equal(got, numbers(1, events)) {
		t.Errorf("got %v", got)
	}
	r.silent(db, "room")
	if bytes, pages := m.spent(); bytes < events*1000 || bytes > events*1500 || pages < events/50 {
		t.Errorf("%d bytes in %d pages", bytes, pages)
	}
	eventually(t, "the place of one that is live is free", func() bool { return len(m.places) == 0 })
	gone := follow(t, n, notifier.Request{Since: from, Meter: m}, "room")
	if len(m.places) != 1 {
		t.Error("the next replay has no place")
	}
	gone.sub.Close()
	if len(m.places) != 0 {
		t.Error("the place of one that is gone is taken")
	}
}

// TestATiredReplayIsHeldUpAndNothingElse has a replay rest for longer than the test: its first page has come, live
// events of others come, and it can be closed.
func TestATiredReplayIsHeldUpAndNothingElse(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{TailEvents: 10, QueueEvents: 100})
	other := follow(t, n, notifier.Request{}, "other")
	fill(t, db, "room", 1, 300)
	publish(t, db, "other", "1")
	other.event()
	m := &meter{places: make(chan struct{}, 1), rest: time.Hour}
	r := follow(t, n, notifier.Request{Since: other.start.Cursor, Meter: m}, "room")
	lengths(r, 50)
	if taken, err := r.sub.Take(1); len(taken.Events) > 0 || err != nil {
		t.Errorf("a tired replay goes on: %v, %v", taken, err)
	}
	other.silent(db, "other")
	r.sub.Close()
	if _, pages := m.spent(); pages != 1 || len(m.places) != 0 {
		t.Errorf("%d pages, %d places taken", pages, len(m.places))
	}
}

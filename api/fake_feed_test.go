package api

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// fakeFeed returns subscriptions that a test fills.
type fakeFeed struct {
	mu     sync.Mutex // guards what follows
	subs   []*fakeSubscription
	start  notifier.Start
	refuse error
	health notifier.Health
	cursor string
	gate   chan struct{} // while not nil and open, Subscribe waits
	rude   bool          // Subscribe does not heed its context
	sheds  []func()      // of all holders
	busy   int           // Subscribes under way
	busied int           // the most there were

	opened chan *fakeSubscription // each subscription, as it is made
}

func newFakeFeed() *fakeFeed {
	return &fakeFeed{
		cursor: "node",
		start:  notifier.Start{Cursor: "here"},
		opened: make(chan *fakeSubscription, 10_000),
	}
}

func (f *fakeFeed) Cursor() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cursor
}

func (f *fakeFeed) Health() notifier.Health {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.health
}

func (f *fakeFeed) Stats() notifier.Stats                 { return notifier.Stats{Health: f.Health()} }
func (f *fakeFeed) QueueStats() notifier.QueueStats       { return notifier.QueueStats{} }
func (f *fakeFeed) FollowedTopics() []notifier.TopicCount { return nil }

func (f *fakeFeed) NewHolder(shed func()) *notifier.Holder {
	f.set(func(f *fakeFeed) { f.sheds = append(f.sheds, shed) })
	return new(notifier.Holder)
}

// shed unloads all holders.
func (f *fakeFeed) shed() {
	f.mu.Lock()
	sheds := slices.Clone(f.sheds)
	f.mu.Unlock()
	for _, shed := range sheds {
		shed()
	}
}

func (f *fakeFeed) set(change func(*fakeFeed)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// shut makes subscribes wait until open is called or the test ends.
func (f *fakeFeed) shut(t testing.TB) (open func()) {
	gate := make(chan struct{})
	f.set(func(f *fakeFeed) { f.gate = gate })
	open = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	return open
}

func (f *fakeFeed) Subscribe(ctx context.Context, r notifier.Request) (subscription, notifier.Start, error) {
	gate, start, refuse := f.begin()
	defer f.set(func(f *fakeFeed) { f.busy-- })
	if f.rude {
		ctx = context.WithoutCancel(ctx)
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, notifier.Start{}, problem.ErrUnavailable
		}
	}
	if refuse != nil {
		return nil, notifier.Start{}, refuse
	}
	sub := &fakeSubscription{request: r, settled: true}
	f.mu.Lock()
	f.subs = append(f.subs, sub)
	f.mu.Unlock()
	f.opened <- sub
	return sub, start, nil
}

func (f *fakeFeed) begin() (gate chan struct{}, start notifier.Start, refuse error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy++
	f.busied = max(f.busied, f.busy)
	return f.gate, f.start, f.refuse
}

// most returns how many calls of Subscribe have run at the same time.
func (f *fakeFeed) most() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busied
}

// publish gives events to all subscriptions that follow their topics.
func (f *fakeFeed) publish(events ...*notifier.Event) {
	f.mu.Lock()
	subs := append([]*fakeSubscription(nil), f.subs...)
	f.mu.Unlock()
	for _, sub := range subs {
		if sub.request.Topics[0].Covers(events[0].Topic) {
			sub.push(notifier.Taken{Events: events})
		}
	}
}

// fakeSubscription is a queue without a limit.
type fakeSubscription struct {
	request notifier.Request

	mu      sync.Mutex // guards what follows
	waiting []notifier.Taken
	err     error
	settled bool
	closed  bool
	endless *notifier.Event // what it always has, when nothing else waits
}

func (s *fakeSubscription) push(taken notifier.Taken) {
	s.mu.Lock()
	s.waiting = append(s.waiting, taken)
	s.mu.Unlock()
	s.request.Wake()
}

func (s *fakeSubscription) end(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	s.request.Wake()
}

func (s *fakeSubscription) Take(max int) (notifier.Taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.endless != nil && !s.closed && len(s.waiting) == 0 {
		return notifier.Taken{Events: []*notifier.Event{s.endless}}, nil
	}
	if len(s.waiting) == 0 {
		return notifier.Taken{}, s.err
	}
	first := s.waiting[0]
	if len(first.Events) > max {
		s.waiting[0].Events = first.Events[max:]
		return notifier.Taken{Events: first.Events[:max]}, nil
	}
	s.waiting = s.waiting[1:]
	return first, nil
}

func (s *fakeSubscription) CaughtUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settled && len(s.waiting) == 0
}

func (s *fakeSubscription) Topics() []topic.Topic          { return s.request.Topics }
func (s *fakeSubscription) mark() cursorMark               { return "" }
func (s *fakeSubscription) passed() string                 { return "" }
func (s *fakeSubscription) QueueSize() (events, bytes int) { return 0, 0 }

func (s *fakeSubscription) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.request.Wake()
}

func (s *fakeSubscription) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// next returns the next subscription.
func (f *fakeFeed) next(t testing.TB) *fakeSubscription {
	t.Helper()
	select {
	case sub := <-f.opened:
		return sub
	case <-time.After(patience):
		t.Fatal("nobody subscribes")
		return nil
	}
}

// event returns an event as from a poll, but without a cursor.
func event(id int64, topic topic.Topic, kind, data string) *notifier.Event {
	return &notifier.Event{
		ID:    id,
		Topic: topic,
		Type:  kind,
		Data:  json.RawMessage(data),
		Time:  time.Date(2026, 11, 20, 12, 0, 0, 500_000_000, time.UTC),
	}
}

func chatMessage(id int64) *notifier.Event {
	text := strconv.FormatInt(id, 10)
	return event(id, "room/5", "chat_message_created",
		`{"id" : "`+text+`", "message" : "Hello world!", "room_id" : 5, "sender_id" : 1}`)
}

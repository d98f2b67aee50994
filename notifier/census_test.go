package notifier

import (
	"sync"
	"testing"

	"rowcall/notifier/topic"
)

// waiting registers a live subscription with events in its queue. Its feed has no database.
func waiting(f *Feed, h *Holder, events ...*Event) *Subscription {
	s := &Subscription{host: f.host, topics: []topic.Topic{"room"}, wake: func() {}, holder: h, grants: make([]Grant, 1), mode: modeLive}
	s.queue = s.enqueueLocked(nil, events)
	f.hub.register(s)
	return s
}

// TestAHolderThatIsClosedHasNothing adds bytes to a holder while it is closed. The node's count must
// not keep bytes that will never be taken back.
func TestAHolderThatIsClosedHasNothing(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{}, 20)
	for range 300 {
		h := f.NewHolder(nil)
		begun := make(chan struct{})
		var adding sync.WaitGroup
		adding.Go(func() {
			for h.Add(1); !h.closed.Load(); h.Add(1) {
				if h.own.Load() == 100 {
					close(begun)
				}
			}
		})
		<-begun
		h.Close()
		adding.Wait()
	}
	if left := f.load.own.Load(); left != 0 {
		t.Errorf("%d bytes are left of holders that are closed", left)
	}
}

// TestAReaderIsShedOnce takes a second census while the subscription that the first has shed is not
// closed yet.
func TestAReaderIsShedOnce(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{QueuedBytes: 1000}, 20)
	h := f.NewHolder(nil)
	defer h.Close()
	h.Add(2000)
	waiting(f, h, &Event{Topic: "room"})
	c := newCensus(f.load, f.hub.queues, f.log)
	for range 2 {
		c.countAndShed()
	}
	if slow := f.counts.slow.Load(); slow != 1 {
		t.Errorf("%d readers were ended, want 1", slow)
	}
}

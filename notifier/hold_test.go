package notifier

import (
	"sync"
	"testing"
	"time"

	"rowcall/notifier/topic"
	"rowcall/testdeadline"
)

// waiting is a live subscription of a feed without a database, for which events wait.
func waiting(f *Feed, h *Holder, events ...*Event) *Subscription {
	s := &Subscription{host: f.host, topics: []topic.Topic{"room"}, wake: func() {}, holder: h, grants: make([]Grant, 1), mode: modeLive}
	s.queue = s.enqueueLocked(nil, events)
	f.hub.register(s)
	return s
}

// TestTakeComesToAnEnd asks for no events at all, which must not keep the subscription locked for ever.
func TestTakeComesToAnEnd(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, -1} {
		s := waiting(newFeed(nil, Options{}), new(Holder), &Event{Topic: "room"}, &Event{Topic: "room"})
		took := make(chan int, 1)
		go func() {
			taken, _ := s.Take(most)
			took <- len(taken.Events)
		}()
		select {
		case n := <-took:
			if n != 1 {
				t.Errorf("Take(%d) brings %d events", most, n)
			}
		case <-time.After(testdeadline.Hang()):
			t.Fatalf("Take(%d) goes on for ever", most)
		}
	}
}

// TestAHolderThatIsClosedHasNothing has somebody note bytes while it is closed: the node's count must not grow by
// what nobody will ever take back.
func TestAHolderThatIsClosedHasNothing(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{})
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

// TestAReaderIsShedOnce counts again while one that was shed is still on its way out.
func TestAReaderIsShedOnce(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{QueuedBytes: 1000})
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

// TestOneThatRestsIsLetGoWhenItEnds has a replay rest for longer than anybody should keep one whose socket has gone.
func TestOneThatRestsIsLetGoWhenItEnds(t *testing.T) {
	t.Parallel()
	s := waiting(newFeed(nil, Options{}), new(Holder))
	s.endTurnAfter(time.Hour)
	timer := s.restTimer
	s.Close()
	if timer.Stop() {
		t.Error("its rest goes on")
	}
	if s.endTurnAfter(time.Hour); s.restTimer != nil {
		t.Error("it rests after its end")
	}
}

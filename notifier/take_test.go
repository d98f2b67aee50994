package notifier

import (
	"testing"
	"time"

	"rowcall/testdeadline"
)

// TestTakeComesToAnEnd asks for no events at all. Take must not loop with the subscription locked.
func TestTakeComesToAnEnd(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, -1} {
		s := waiting(newFeed(nil, Options{}, 20), new(Holder), &Event{Topic: "room"}, &Event{Topic: "room"})
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

// TestOneThatRestsIsLetGoWhenItEnds ends a subscription whose replay rests for an hour. Its timer must
// not keep it in memory for that long.
func TestOneThatRestsIsLetGoWhenItEnds(t *testing.T) {
	t.Parallel()
	s := waiting(newFeed(nil, Options{}, 20), new(Holder))
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

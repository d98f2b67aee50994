package notifier

import (
	"context"
	"time"
)

// Meter bounds what replays cost, those of one user for example, and is told what they do. It is for what has to be
// read from the log. What the tail holds costs next to nothing, and after a restart everybody comes back to it at once.
type Meter interface {
	// BeginReplay waits for a place for one more replay, which done gives back. The error is Subscribe's.
	BeginReplay(ctx context.Context) (done func(), err error)
	// Spend notes bytes that a replay has read, and returns for how long it must not read more.
	Spend(bytes int) time.Duration
}

// begin takes a place for the replay that a request asks for, if it will need one. A cursor that is of no use needs
// none: that is found out without reading events.
func (f *Feed) begin(ctx context.Context, s *Subscription, r Request, here cursor) error {
	if s.meter == nil || r.Snapshot || r.Since == "" {
		return nil
	}
	c, err := parseCursor(r.Since)
	if err != nil || c.epoch != here.epoch || !here.prev.covers(c.top()) || f.hub.reaches(c.position) {
		return nil
	}
	s.finish() // this may be the second time, after a change of history
	done, err := s.meter.BeginReplay(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.done = done
	s.mu.Unlock()
	return nil
}

// finish gives the place of a replay back that has come to its end.
func (s *Subscription) finish() {
	s.mu.Lock()
	done := s.done
	s.done = nil
	if s.resting != nil {
		s.resting.Stop()
		s.resting = nil
	}
	s.mu.Unlock()
	if done != nil {
		done()
	}
}

// rest ends a puller's turn after a while, unless the subscription ends before: it must not be kept for that long then.
func (s *Subscription) rest(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != ended {
		s.resting = time.AfterFunc(d, s.release)
	}
}

// spend notes a page that was read, and returns for how long to read no other.
func (s *Subscription) spend(page []*Event) time.Duration {
	if s.meter == nil {
		return 0
	}
	return s.meter.Spend(sizeOf(page))
}

func sizeOf(events []*Event) int {
	bytes := 0
	for _, e := range events {
		bytes += e.size()
	}
	return bytes
}

package notifier

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"rowcall/notifier/topic"
)

// mode is how a subscription gets its events.
type mode int

const (
	joining   mode = iota // registered; its start is not decided yet
	pulling               // reads the log, a page at a time
	attaching             // between the two: live chunks already come, the tail's part is still to be put before them
	live                  // fed by the node's polls
	ended
)

// run is a piece of a queue: events shared with other subscriptions, or a reset.
type run struct {
	events  []*Event
	reset   *Reset
	skipped int // events that its one event stands for, see latest.go
}

// Subscription is one reader's queue and place in the log.
type Subscription struct {
	feed     *Feed
	topics   []topic.Topic
	follower Follower
	latest   string // the field of data whose newest value is enough; empty: every event counts
	wake     func()
	holder   *Holder
	meter    Meter // nil: replays are not metered

	mu        sync.Mutex // guards all below; nothing blocks under it, and no other lock is taken
	mode      mode
	queue     []run
	hand      []*Event    // taken last: its reader works on it until it comes for more
	later     []run       // live chunks that came while attaching: they follow the tail's part
	events    int         // waiting in queue
	bytes     int         // of them
	next      position    // what comes after the queue; where pulling goes on
	epoch     string      // of next
	cursor    string      // after what has been taken
	done      func()      // gives the place of its replay back; nil: it has none
	resting   *time.Timer // releases it from a turn; nil: it is not resting
	grants    []Grant     // what access said, a topic each
	asks      uint64      // access questions filed so far; see hold
	held      bool        // a question is open: nothing is handed out
	queued    bool        // a puller has it, or will
	uncounted bool        // it fell behind, and nobody has counted yet by how much
	resets    uint64      // how often its place was thrown away; a page read before that is not queued
	err       error       // why it ended
}

// Taken is what a subscription had waiting. Events and Reset are never both set.
type Taken struct {
	Events  []*Event // in order; empty when nothing waits
	Skipped int      // how many older events of its key the only one of Events stands for
	Reset   *Reset
}

// Take returns up to max waiting events without blocking, at least one where one waits. After the subscription
// has ended and what may still be delivered is taken, it returns why: ErrUnauthorized, ErrForbidden, ErrNotFound,
// ErrSlow, ErrClosed.
func (s *Subscription) Take(max int) (Taken, error) {
	s.mu.Lock()
	taken, err := s.takeLocked(atLeastOne(max))
	pull := s.hungryLocked()
	s.mu.Unlock()
	if pull {
		s.feed.pulls.add(s)
	}
	if n := len(taken.Events); n > 0 {
		s.feed.counts.handedOut.Add(uint64(n))
	}
	return taken, err
}

// atLeastOne keeps takeLocked from looking for ever for what it may not take.
func atLeastOne(n int) int { return max(1, n) }

func (s *Subscription) takeLocked(max int) (Taken, error) {
	s.hand = nil
	for len(s.queue) > 0 && (!s.held || s.queue[0].reset != nil) { // a reset tells nothing that access is about
		if taken := s.popLocked(max); taken.Reset != nil || len(taken.Events) > 0 {
			return taken, nil
		}
	}
	if s.mode == ended && len(s.queue) == 0 {
		return Taken{}, s.err
	}
	return Taken{}, nil
}

// popLocked takes what it can of the first run, less what is for other roles.
func (s *Subscription) popLocked(max int) Taken {
	first := &s.queue[0]
	if first.reset != nil {
		s.cursor = first.reset.Cursor
		taken := Taken{Reset: first.reset}
		s.dropLocked()
		return taken
	}
	events, skipped := first.events, first.skipped
	if len(events) > max {
		events, first.events = events[:max:max], events[max:]
	} else {
		s.dropLocked()
	}
	s.hand = events
	for _, e := range events {
		s.events--
		s.bytes -= e.size()
		s.cursor = cmp.Or(s.cursorOf(e), s.cursor)
	}
	return Taken{Events: s.visibleLocked(events), Skipped: skipped}
}

// cursorOf is where the subscription resumes after an event; empty where nobody can say.
func (s *Subscription) cursorOf(e *Event) string {
	if len(s.topics) > 1 {
		return e.exact
	}
	return e.cursor
}

func (s *Subscription) dropLocked() {
	s.queue[0] = run{}
	s.queue = s.queue[1:]
	if len(s.queue) == 0 {
		s.queue = nil // an idle subscription keeps no memory of busier times
	}
}

// visibleLocked leaves out events for roles the follower does not have. The slice is shared: it is
// copied only where something is left out.
func (s *Subscription) visibleLocked(events []*Event) []*Event {
	if !slices.ContainsFunc(events, s.hiddenLocked) {
		return events
	}
	return slices.DeleteFunc(slices.Clone(events), s.hiddenLocked)
}

// hiddenLocked reports whether the event is for a role that access to its own topic did not grant.
func (s *Subscription) hiddenLocked(e *Event) bool {
	if e.Role == "" {
		return false
	}
	for i, t := range s.topics {
		if t.Covers(e.Topic) && slices.Contains(s.grants[i].Roles, e.Role) {
			return false
		}
	}
	return true
}

// hungryLocked reports whether a puller should read the next page now, and takes the place.
func (s *Subscription) hungryLocked() bool {
	o := &s.feed.options
	roomy := s.events <= o.QueueEvents/2 && s.bytes <= o.QueueBytes/2
	if s.mode != pulling || s.queued || s.held || !roomy {
		return false
	}
	s.queued = true
	return true
}

// CaughtUp reports whether the subscription is live with nothing waiting. Read Feed.Cursor first: if
// all subscriptions of a socket are settled after that, the cursor, where there is one, holds for all of
// them.
func (s *Subscription) CaughtUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode == live && !s.held && len(s.queue) == 0
}

// Cursor is the resume point after what has been taken so far.
func (s *Subscription) Cursor() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

// Close ends the subscription and frees its place. It may be called more than once.
func (s *Subscription) Close() {
	s.end(ErrClosed)
	s.feed.hub.remove(s)
}

// end stops the subscription. A slow reader may still have what is queued; in all other cases the
// queue is dropped at once.
func (s *Subscription) end(reason error) {
	s.mu.Lock()
	defer s.wake()
	defer s.finish()
	defer s.mu.Unlock()
	if s.mode == ended && reason == ErrSlow {
		return
	}
	if s.mode != ended || reason != ErrClosed {
		s.err = reason
	}
	s.mode = ended
	if reason != ErrSlow {
		s.queue, s.later, s.hand, s.events, s.bytes, s.held = nil, nil, nil, 0, 0, false
	}
}

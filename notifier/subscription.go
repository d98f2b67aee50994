package notifier

import (
	"cmp"
	"slices"
	"sync"
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
	topics   []Topic
	follower Follower
	latest   string // the field of data whose newest value is enough; empty: every event counts
	wake     func()

	mu        sync.Mutex // guards all below; nothing blocks under it, and no other lock is taken
	mode      mode
	queue     []run
	later     []run    // live chunks that came while attaching: they follow the tail's part
	events    int      // waiting in queue
	bytes     int      // of them
	next      position // what comes after the queue; where pulling goes on
	epoch     string   // of next
	cursor    string   // after what has been taken
	grants    []Grant  // what access said, a topic each
	asks      uint64   // access questions filed so far; see hold
	held      bool     // a question is open: nothing is handed out
	queued    bool     // a puller has it, or will
	uncounted bool     // it fell behind, and nobody has counted yet by how much
	resets    uint64   // how often its place was thrown away; a page read before that is not queued
	err       error    // why it ended
}

// Taken is what a subscription had waiting. Events and Reset are never both set.
type Taken struct {
	Events  []*Event // in order; empty when nothing waits
	Skipped int      // how many older events of its key the only one of Events stands for
	Reset   *Reset
}

// Take returns up to max waiting events without blocking. After the subscription has ended and what
// may still be delivered is taken, it returns why: ErrUnauthorized, ErrForbidden, ErrNotFound,
// ErrSlow, ErrClosed.
func (s *Subscription) Take(max int) (Taken, error) {
	s.mu.Lock()
	taken, err := s.takeLocked(max)
	pull := s.hungryLocked()
	s.mu.Unlock()
	if pull {
		s.feed.pulls.add(s)
	}
	return taken, err
}

func (s *Subscription) takeLocked(max int) (Taken, error) {
	for !s.held && len(s.queue) > 0 {
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

// Settled reports whether the subscription is live with nothing waiting. Read Feed.Cursor first: if
// all subscriptions of a socket are settled after that, the cursor, where there is one, holds for all of
// them.
func (s *Subscription) Settled() bool {
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
	defer s.mu.Unlock()
	if s.mode == ended && reason == ErrSlow {
		return
	}
	if s.mode != ended || reason != ErrClosed {
		s.err = reason
	}
	s.mode = ended
	if reason != ErrSlow {
		s.queue, s.later, s.events, s.bytes, s.held = nil, nil, 0, 0, false
	}
}

// push queues live events of b; it reports false when the queue's bound cut it short: the rest is
// pulled from the log when the reader has caught up, and the hub stops feeding the subscription.
func (s *Subscription) push(b *batch, events []*Event) bool {
	s.mu.Lock()
	if s.mode != live && s.mode != attaching {
		falling := s.mode == pulling
		s.mu.Unlock()
		return !falling
	}
	fed := s.queueLiveLocked(b, events)
	quiet := s.held
	pull := !fed && s.hungryLocked()
	s.mu.Unlock()
	if !quiet {
		s.wake()
	}
	if pull {
		s.feed.pulls.add(s)
	}
	return fed
}

// queueLiveLocked queues what fits, and reports false where that is not all: then the subscription pulls
// the rest from the log.
func (s *Subscription) queueLiveLocked(b *batch, events []*Event) bool {
	fit := s.fitLocked(events)
	if fit < len(events) && s.latest != "" && s.mode == live {
		return s.queueLatestLocked(b, events)
	}
	to := &s.queue
	if s.mode == attaching {
		to = &s.later
	}
	*to = s.enqueueLocked(*to, events[:fit:fit])
	if fit < len(events) {
		s.next = b.at(events[fit].ID - 1)
		s.mode, s.uncounted = pulling, true
	}
	return fit == len(events)
}

// fitLocked counts the events that fit the queue's bound. One always fits an empty queue.
func (s *Subscription) fitLocked(events []*Event) int {
	o := &s.feed.options
	bytes, waiting := s.bytes, s.events
	for i, e := range events {
		bytes += e.size()
		waiting++
		if (waiting > o.QueueEvents || bytes > o.QueueBytes) && waiting > 1 {
			return i
		}
	}
	return len(events)
}

func (s *Subscription) enqueueLocked(to []run, events []*Event) []run {
	if len(events) == 0 {
		return to
	}
	s.events += len(events)
	for _, e := range events {
		s.bytes += e.size()
	}
	return append(to, run{events: events})
}

// hold stops everything until the question it files is answered: the subscription's access
// must be asked again, in a snapshot not older than the batch that said so.
func (s *Subscription) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks++
	s.held = s.mode != ended
}

// question says how many questions have been filed; an answer to an older one is no answer.
func (s *Subscription) question() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asks
}

// settle applies answers, a topic each, asked after question asks was filed. It reports false when
// another has been filed since. One refusal ends the subscription.
func (s *Subscription) settle(asks uint64, grants []Grant) bool {
	if err := refusal(grants); err != nil {
		s.end(err)
		s.feed.hub.remove(s)
		return true
	}
	s.mu.Lock()
	if s.asks != asks {
		s.mu.Unlock()
		return false
	}
	s.grants, s.held = grants, false
	pull := s.hungryLocked()
	s.mu.Unlock()
	if pull {
		s.feed.pulls.add(s)
	}
	s.wake()
	return true
}

func refusal(grants []Grant) error {
	for _, g := range grants {
		if g.Err != nil {
			return g.Err
		}
	}
	return nil
}

// reset drops what waits, tells the reader, and goes on from the node's position at.
func (s *Subscription) reset(reason ResetReason, at cursor, text string) {
	s.mu.Lock()
	s.resets++
	if s.mode == ended || s.mode == joining {
		s.mu.Unlock()
		return
	}
	s.later = nil
	s.queue = []run{{reset: &Reset{Reason: reason, Cursor: text}}}
	s.events, s.bytes = 0, 0
	s.next, s.epoch = at.position, at.epoch
	pull := s.hungryLocked()
	s.mu.Unlock()
	if pull {
		s.feed.pulls.add(s)
	}
	s.wake()
}

// start leaves joining: the subscription goes on from its place, by pulling until it is attached. It
// reports false when the place was thrown away meanwhile, and why the subscription has ended, if so.
func (s *Subscription) start(resets uint64, from cursor, text string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != joining || s.resets != resets {
		return false, s.err
	}
	s.mode, s.next, s.cursor, s.queued = pulling, from.position, text, true
	s.epoch = from.epoch
	return true, nil
}

// place is where a puller goes on.
func (s *Subscription) place() (from cursor, resets uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cursor{epoch: s.epoch, position: s.next}, s.resets
}

// beginAttach sets live chunks aside, which may come before endAttach has queued the tail's part. It returns the
// place to attach at, or false when there is nothing to attach.
func (s *Subscription) beginAttach() (p position, resets uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != pulling {
		return position{}, 0, false
	}
	s.mode = attaching
	return s.next, s.resets, true
}

// endAttach queues the tail's part, unless a reset has come since beginAttach: then it belongs to before the reset.
func (s *Subscription) endAttach(resets uint64, backlog []*Event, result attachment) {
	switch result {
	case attached:
		s.finishAttach(resets, backlog)
	case served:
		last := backlog[len(backlog)-1]
		s.abandonAttach()
		s.pulled(resets, backlog, last.batch.at(last.ID))
	default:
		s.abandonAttach()
	}
}

// abandonAttach goes back to pulling.
func (s *Subscription) abandonAttach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode == attaching {
		s.mode = pulling
	}
}

// finishAttach queues the tail's part, and behind it what has come since beginAttach.
func (s *Subscription) finishAttach(resets uint64, backlog []*Event) {
	s.mu.Lock()
	if s.mode == attaching {
		s.mode = live
	}
	if s.mode != ended {
		if s.resets == resets {
			s.queue = s.enqueueLocked(s.queue, backlog)
		}
		s.queue = append(s.queue, s.later...)
	}
	s.later = nil
	s.mu.Unlock()
	s.wake()
}

// pulled queues a page and moves the place behind it, unless a reset has come in between.
func (s *Subscription) pulled(resets uint64, events []*Event, next position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != pulling || s.resets != resets {
		return
	}
	s.queue = s.enqueueLocked(s.queue, events)
	s.next = next
}

// release ends a puller's turn and asks for another where there is room.
func (s *Subscription) release() {
	s.mu.Lock()
	s.queued = false
	pull := s.hungryLocked()
	waiting := !s.held && len(s.queue) > 0
	s.mu.Unlock()
	if pull {
		s.feed.pulls.add(s)
	}
	if waiting {
		s.wake()
	}
}

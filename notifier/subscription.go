package notifier

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"rowcall/notifier/topic"
)

// subscriptionMode is how a subscription gets its events. The modes, the goroutines and methods
// that move a subscription from one to the next, and what each mode forbids:
//
//	mode       moved by                          to         forbids
//	joining    Subscribe: startAt                pulling    queued events, and resets: a reset
//	                                                        makes startAt fail, and nothing else
//	pulling    Subscribe, a puller: beginAttach  attaching  live chunks: queueLive refuses them
//	attaching  the same one: endAttach           live       pages, and another attempt to attach;
//	           the same one, must pull on        pulling    live chunks wait in liveAside
//	           the poller: queueLive, no room    pulling
//	live       the poller: queueLive, no room    pulling    pages, and a puller's turn
//	each mode  its owner: Close                  ended      everything, except that the reader may
//	           applyGrants: access was refused              take what is queued after ErrSlow
//	           a puller: endSlow, too far back
//	           the census: shed
//
// Two things are independent of the mode. While access is in question, nothing that was queued after
// the question is taken from the queue, except a reset; see pauseForAccess. A reset replaces the
// queue, and moves the subscription to another place without changing its mode.
type subscriptionMode int

const (
	modeJoining   subscriptionMode = iota // registered; its start is not decided yet
	modePulling                           // reads the log, a page at a time
	modeAttaching                         // polls feed it, but what it has missed is not queued yet
	modeLive                              // polls feed it
	modeEnded
)

// queueRun is a piece of a queue: events shared with other subscriptions, a reset, or a question.
type queueRun struct {
	events   []*Event
	reset    *Reset
	question uint64 // what follows waits for the answer to this question about access; 0: no question
	skipped  int    // how many older events the only one of events stands for; see latest.go
}

// subscriptionHost is what a subscription needs of its node.
type subscriptionHost struct {
	options    *Options
	counts     *feedCounts
	load       *load
	queuePull  func(...*Subscription) // puts subscriptions in line for a puller
	unregister func(*Subscription)    // takes the subscription out of the hub
}

// Subscription is one reader's queue and place in the log. This file has the reader's side of it;
// subscription_queue.go has what the node does to it.
type Subscription struct {
	host      *subscriptionHost
	topics    []topic.Topic
	follower  Follower
	resumable bool   // its reader needs cursors
	latest    string // the field of data whose newest value is enough; empty: every event counts
	wake      func()
	holder    *Holder
	meter     Meter // nil: replays are not metered

	// Nothing blocks while mu is held, and no other lock is taken but that of an event's memo.
	mu          sync.Mutex // guards all below
	mode        subscriptionMode
	queue       []queueRun
	queueEvents int         // in queue and liveAside
	queueBytes  int         // of these events
	inHand      []*Event    // taken last: the reader works on them until it takes again
	liveAside   []queueRun  // live chunks that came while attaching; they follow what was missed
	pullFrom    position    // the place behind the queue, from where it pulls
	epoch       string      // of pullFrom
	outline     *outline    // where the last page was found by its help; nil: it was found without
	cursor      string      // behind what was taken
	turnClaimed bool        // a puller has the subscription, or will
	lagUnknown  bool        // it has fallen behind live, and what has come since was not counted yet
	laps        pullLaps    // whether it catches up while it pulls
	resets      uint64      // how often it was reset; a page read before the last reset is dropped
	replaySlot  func()      // gives its place among the metered replays back; nil: it has none
	restTimer   *time.Timer // ends the rest between two pages; nil: it is not resting
	grants      []Grant     // one for each topic
	questions   uint64      // how often its access was put in question; see pauseForAccess
	answered    uint64      // the last of these questions that has an answer
	pullPaused  bool        // no answer has come since the last question: no page is pulled
	err         error       // why it has ended
}

// Taken is what Take returns. Events and Reset are never both set.
type Taken struct {
	Events  []*Event // in order; empty if nothing waits
	Skipped int      // how many older events of its key the only one of Events stands for
	Reset   *Reset
}

// Topics returns the topics that the subscription follows.
func (s *Subscription) Topics() []topic.Topic { return s.topics }

// root names the root topics of the subscription: whatever it needs of the database stands in line
// with other work for the same roots. A subscription to several roots stands in a line of its kind:
// if one of them cannot be asked about, the subscriptions to the others alone are not held up.
func (s *Subscription) root() string {
	if len(s.topics) == 1 {
		return string(s.topics[0].Root())
	}
	roots := make([]string, len(s.topics))
	for i, t := range s.topics {
		roots[i] = string(t.Root())
	}
	slices.Sort(roots)
	return strings.Join(slices.Compact(roots), " ")
}

// Take returns up to max waiting events without blocking, and at least one if any waits. After the
// subscription has ended, and what may still be delivered is taken, it returns the reason:
// ErrUnauthorized, ErrForbidden, ErrNotFound, ErrSlow, ErrUnavailable or ErrClosed.
func (s *Subscription) Take(max int) (Taken, error) {
	s.mu.Lock()
	taken, err := s.takeLocked(atLeastOne(max))
	s.unlockAndPull()
	if n := len(taken.Events); n > 0 {
		s.host.counts.handedOut.Add(uint64(n))
	}
	return taken, err
}

// atLeastOne keeps takeLocked from looping: it goes on until it has taken something.
func atLeastOne(n int) int { return max(1, n) }

func (s *Subscription) takeLocked(max int) (Taken, error) {
	s.inHand = nil
	for len(s.queue) > 0 && !s.isHeldLocked() {
		if taken := s.takeRunLocked(max); taken.Reset != nil || len(taken.Events) > 0 {
			return taken, nil
		}
	}
	if s.mode == modeEnded && len(s.queue) == 0 {
		return Taken{}, s.err
	}
	return Taken{}, nil
}

// isHeldLocked reports whether the first run of the queue is a question without an answer: what
// follows may not be taken. A reset reveals nothing that access protects, so it stands before all
// questions.
func (s *Subscription) isHeldLocked() bool {
	return len(s.queue) > 0 && s.queue[0].question > s.answered
}

// takeRunLocked takes up to max events of the first run, without those for roles that the follower
// does not have. It takes nothing if the run is a question that was answered.
func (s *Subscription) takeRunLocked(max int) Taken {
	first := &s.queue[0]
	if first.reset != nil {
		s.cursor = first.reset.Cursor
		taken := Taken{Reset: first.reset}
		s.dropRunLocked()
		return taken
	}
	events, skipped := first.events, first.skipped
	if n := s.takeableLocked(events, max); n < len(events) {
		events, first.events = events[:n:n], events[n:]
	} else {
		s.dropRunLocked()
	}
	s.inHand = events
	for _, e := range events {
		s.queueEvents--
		s.queueBytes -= e.size()
		s.cursor = cmp.Or(s.cursorBehind(e), s.cursor)
	}
	if scope := scopeOfSingleReset(events); scope != nil && !s.isHiddenLocked(events[0]) {
		s.host.counts.countReset(scope.reason)
		return Taken{Reset: &Reset{Reason: scope.reason, Cursor: s.cursor, Topics: scope.concerned(s.topics)}}
	}
	return Taken{Events: s.visibleLocked(events), Skipped: skipped}
}

// takeableLocked is how many of the events are taken at once: up to max, and a reset event alone.
func (s *Subscription) takeableLocked(events []*Event, max int) int {
	n := min(len(events), max)
	at := slices.IndexFunc(events[:n], func(e *Event) bool { return e.reset != nil && !s.isHiddenLocked(e) })
	if at < 0 {
		return n
	}
	return atLeastOne(at)
}

// cursorBehind is the subscription's resume point after an event, or empty if the event has none.
func (s *Subscription) cursorBehind(e *Event) string {
	if len(s.topics) > 1 {
		return e.exact
	}
	return e.cursor
}

func (s *Subscription) dropRunLocked() {
	s.queue[0] = queueRun{}
	s.queue = s.queue[1:]
	if len(s.queue) == 0 {
		s.queue = nil // an idle subscription keeps no memory of busier times
	}
}

// visibleLocked leaves out events for roles that the follower does not have. The slice is shared
// with other subscriptions, so it is copied if anything is left out.
func (s *Subscription) visibleLocked(events []*Event) []*Event {
	if !slices.ContainsFunc(events, s.isHiddenLocked) {
		return events
	}
	return slices.DeleteFunc(slices.Clone(events), s.isHiddenLocked)
}

// isHiddenLocked reports whether the event is for a role that access to its own topic did not
// grant. A reset event is hidden if it is for other topics: a page has those whose patterns begin as
// the topics do.
func (s *Subscription) isHiddenLocked(e *Event) bool {
	if e.reset != nil {
		return !e.reaches(s.topics)
	}
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

// claimTurnLocked reports whether a puller should read the next page now, and claims the turn.
func (s *Subscription) claimTurnLocked() bool {
	hasRoom := s.host.options.refillLimit().allows(s.queueEvents, s.queueBytes)
	if s.mode != modePulling || s.turnClaimed || s.pullPaused || !hasRoom {
		return false
	}
	s.turnClaimed = true
	return true
}

// unlockAndPull unlocks the subscription, and puts it in line for a puller if there is something to
// pull and room for it.
func (s *Subscription) unlockAndPull() {
	pull := s.claimTurnLocked()
	s.mu.Unlock()
	if pull {
		s.host.queuePull(s)
	}
}

// CaughtUp reports whether the subscription is live with nothing waiting. To get a cursor that
// holds for all subscriptions of a socket, read Feed.Cursor first, ask whether all of them have
// caught up, and read Feed.Cursor again: it must be the same, since a subscription may begin ahead of
// the node and become live in between.
func (s *Subscription) CaughtUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode == modeLive && s.answered == s.questions && len(s.queue) == 0
}

// QueueSize returns how many events wait for the reader, and their bytes.
func (s *Subscription) QueueSize() (events, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queueEvents, s.queueBytes
}

// Cursor is the resume point after what was taken so far.
func (s *Subscription) Cursor() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

// Close ends the subscription and removes it from the node. It may be called more than once.
func (s *Subscription) Close() {
	s.endWith(ErrClosed)
	s.host.unregister(s)
}

// endWith ends the subscription. With ErrSlow its reader may still take what is queued; with any
// other reason the queue is dropped at once. A reason other than ErrClosed replaces an earlier one.
func (s *Subscription) endWith(reason error) {
	s.mu.Lock()
	defer s.wake()
	defer s.releaseReplaySlot()
	defer s.mu.Unlock()
	if s.mode == modeEnded && reason == ErrSlow {
		return
	}
	if s.mode != modeEnded || reason != ErrClosed {
		s.err = reason
	}
	s.mode = modeEnded
	if reason != ErrSlow {
		s.dropQueueLocked()
	} else {
		s.dropHeldLocked()
	}
}

// dropHeldLocked drops what waits for an answer about access: an ended subscription gets none. Its
// reader comes back with a cursor before that.
func (s *Subscription) dropHeldLocked() {
	held := slices.IndexFunc(s.queue, func(run queueRun) bool { return run.question > s.answered })
	if held < 0 {
		return
	}
	for _, run := range s.queue[held:] {
		s.queueEvents -= len(run.events)
		s.queueBytes -= totalSize(run.events)
	}
	s.queue = slices.Delete(s.queue, held, len(s.queue))
}

// shed ends the subscription because the node holds too much. Its queue is dropped at once, since
// the memory is needed; drop is called with every event before that.
func (s *Subscription) shed(drop func(*Event)) {
	s.mu.Lock()
	defer s.wake()
	defer s.releaseReplaySlot()
	defer s.mu.Unlock()
	s.visitEventsLocked(drop)
	if s.mode != modeEnded {
		s.mode, s.err = modeEnded, ErrSlow
		s.host.counts.slow.Add(1)
	}
	s.dropQueueLocked()
}

// dropQueueLocked forgets every event, also those that the reader works on.
func (s *Subscription) dropQueueLocked() {
	s.queue, s.liveAside, s.inHand, s.outline = nil, nil, nil, nil
	s.queueEvents, s.queueBytes = 0, 0
	s.pullPaused = false
}

// hasEnded reports whether the subscription has ended.
func (s *Subscription) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode == modeEnded
}

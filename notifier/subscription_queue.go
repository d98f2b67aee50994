package notifier

// This file is the feeding side of a Subscription: what the poller, the pullers and those who ask access do to its
// queue and its place. What its reader does is in subscription.go.

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

// visit calls a function with each event that waits, or that its reader works on.
func (s *Subscription) visit(see func(*Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visitLocked(see)
}

func (s *Subscription) visitLocked(see func(*Event)) {
	for _, runs := range [][]run{s.queue, s.later} {
		for _, r := range runs {
			for _, e := range r.events {
				see(e)
			}
		}
	}
	for _, e := range s.hand {
		see(e)
	}
}

// shed ends the subscription for the node's sake. Unlike with other slow readers what waits is dropped at once, for
// that is what it is about.
func (s *Subscription) shed(drop func(*Event)) {
	s.mu.Lock()
	defer s.wake()
	defer s.finish()
	defer s.mu.Unlock()
	s.visitLocked(drop)
	if s.mode != ended {
		s.mode, s.err = ended, ErrSlow
		s.feed.counts.slow.Add(1)
	}
	s.queue, s.later, s.hand, s.events, s.bytes, s.held = nil, nil, nil, 0, 0, false
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
	if s.mode != ended {
		s.held = true
	}
}

// over reports whether the subscription has ended.
func (s *Subscription) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode == ended
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
	s.feed.counts.reset(reason)
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
		s.feed.load.enter(backlog)
	case served:
		last := backlog[len(backlog)-1]
		s.abandonAttach()
		s.pulled(resets, backlog, last.batch.at(last.ID))
		s.feed.load.enter(backlog)
	default:
		s.abandonAttach()
	}
}

// abandonAttach goes back to pulling. Meanwhile the hub may have put the subscription in line and another puller
// have passed it by, because it was attaching: then it takes a place in line again.
func (s *Subscription) abandonAttach() {
	s.mu.Lock()
	if s.mode == attaching {
		s.mode = pulling
	}
	pull := s.hungryLocked()
	s.mu.Unlock()
	if pull {
		s.feed.pulls.add(s)
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
	s.queued, s.resting = false, nil
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

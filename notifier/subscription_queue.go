package notifier

import "time"

// This file is the node's side of a Subscription: how the poller, the pullers, the goroutine that
// asks access again and the census change its queue and its place. The reader's side is in
// subscription.go.

// queueLive queues events of a poll that has found them. It returns false if polls should not feed
// the subscription any longer: the limit of the queue cut the events short, or it pulls already. It
// pulls the rest from the log when the reader has made room.
func (s *Subscription) queueLive(found *logInterval, events []*Event) bool {
	s.mu.Lock()
	if s.mode != modeLive && s.mode != modeAttaching {
		pulls := s.mode == modePulling
		s.mu.Unlock()
		return !pulls
	}
	fed := s.queueLiveLocked(found, events)
	held := s.isHeldLocked()
	s.unlockAndPull()
	if !held {
		s.wake()
	}
	return fed
}

// queueLiveLocked queues the events that fit, and reports whether all of them do. If not, the
// subscription goes on by pulling.
func (s *Subscription) queueLiveLocked(found *logInterval, events []*Event) bool {
	fit := s.host.options.queueLimit().countFitting(s.queueEvents, s.queueBytes, events)
	if fit < len(events) && s.latest != "" && s.mode == modeLive {
		return s.queueLatestLocked(found, events)
	}
	to := &s.queue
	if s.mode == modeAttaching {
		to = &s.liveAside
	}
	*to = s.enqueueLocked(*to, events[:fit:fit])
	if fit < len(events) {
		s.fallBehindLocked(found.at(events[fit].ID - 1))
	}
	return fit == len(events)
}

// fallBehindLocked makes a live subscription pull what follows p.
func (s *Subscription) fallBehindLocked(p position) {
	s.pullFrom = p
	s.mode, s.lagUnknown = modePulling, true
}

func (s *Subscription) enqueueLocked(to []queueRun, events []*Event) []queueRun {
	if len(events) == 0 {
		return to
	}
	s.queueEvents += len(events)
	s.queueBytes += totalSize(events)
	return append(to, queueRun{events: events})
}

// owner is the holder that the subscription's events are counted for.
func (s *Subscription) owner() *Holder { return s.holder }

// visitEvents calls see with each event that waits, or that the reader works on.
func (s *Subscription) visitEvents(see func(*Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visitEventsLocked(see)
}

func (s *Subscription) visitEventsLocked(see func(*Event)) {
	for _, runs := range [][]queueRun{s.queue, s.liveAside} {
		for _, run := range runs {
			for _, e := range run.events {
				see(e)
			}
		}
	}
	for _, e := range s.inHand {
		see(e)
	}
}

// pauseForAccess puts the subscription's access in question. What is queued from now on is handed
// out only after access was asked in a snapshot not older than the poll that said so, and
// applyGrants has the answer. What was queued before comes from earlier polls: the answer to the
// question before this one lets it go, so that readers get their events even if questions come
// faster than answers.
func (s *Subscription) pauseForAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.questions++
	if s.mode != modeEnded {
		s.pullPaused = true
		s.queueQuestionLocked()
	}
}

// queueQuestionLocked makes what is queued from now on wait for the answer to the last question.
func (s *Subscription) queueQuestionLocked() {
	if n := len(s.queue); n > 0 && s.queue[n-1].question > 0 {
		s.queue[n-1].question = s.questions
		return
	}
	s.queue = append(s.queue, queueRun{question: s.questions})
}

// lastQuestion numbers the latest time that access was put in question. An answer asked for before
// that does not count for what was queued after it.
func (s *Subscription) lastQuestion() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.questions
}

// isInQuestion reports whether the last question about access has no answer yet.
func (s *Subscription) isInQuestion() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode != modeEnded && s.answered < s.questions
}

// accessQuestions returns one question for each topic.
func (s *Subscription) accessQuestions() []Question {
	all := make([]Question, len(s.topics))
	for i, t := range s.topics {
		all[i] = Question{Topic: t, Follower: s.follower}
	}
	return all
}

// applyGrants applies the answers to accessQuestions, asked after the question of this number was
// filed. One refusal ends the subscription.
func (s *Subscription) applyGrants(question uint64, grants []Grant) {
	if err := refusalIn(grants); err != nil {
		s.endWith(err)
		s.host.unregister(s)
		return
	}
	s.mu.Lock()
	if question >= s.answered {
		s.grants, s.answered, s.pullPaused = grants, question, false
		s.dropAnsweredLocked()
	}
	s.unlockAndPull()
	s.wake()
}

// dropAnsweredLocked takes questions with an answer from the front of the queue.
func (s *Subscription) dropAnsweredLocked() {
	for len(s.queue) > 0 && s.queue[0].question > 0 && !s.isHeldLocked() {
		s.dropRunLocked()
	}
}

// grantedRoles returns the roles that access to the first topic granted.
func (s *Subscription) grantedRoles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants[0].Roles
}

// resetTo drops what waits, tells the reader, and goes on from the node's place. text is the text
// of that place. If there is none, a reader that needs cursors is ended instead.
func (s *Subscription) resetTo(reason ResetReason, place cursor, text string) {
	s.mu.Lock()
	s.resets++
	if s.mode == modeEnded || s.mode == modeJoining {
		s.mu.Unlock()
		return
	}
	if text == "" && s.resumable {
		s.mu.Unlock()
		s.endWith(errNoCursor)
		return
	}
	s.liveAside, s.laps = nil, pullLaps{}
	s.queue = []queueRun{{reset: &Reset{Reason: reason, Cursor: text, Topics: s.topics}}}
	if s.answered < s.questions {
		s.queueQuestionLocked()
	}
	s.queueEvents, s.queueBytes = 0, 0
	s.pullFrom, s.epoch = place.position, place.epoch
	s.host.counts.countReset(reason)
	s.unlockAndPull()
	s.wake()
}

// startAt ends joining: the subscription goes on from this place, and its caller has the first turn
// to pull. It returns false if a reset has come since resets was read, and the error that has ended
// the subscription, if any.
func (s *Subscription) startAt(resets uint64, place cursor, text string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != modeJoining || s.resets != resets {
		return false, s.err
	}
	s.mode, s.turnClaimed = modePulling, true
	s.pullFrom, s.epoch, s.cursor = place.position, place.epoch, text
	return true, nil
}

// pullPlace is where a puller goes on. resets tells queuePage whether that was still so.
func (s *Subscription) pullPlace() (from cursor, resets uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cursor{epoch: s.epoch, position: s.pullFrom}, s.resets
}

// pullOutline is the outline that the last page was read with; nil if there was none.
func (s *Subscription) pullOutline() *outline {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outline
}

// mayRest reports whether the subscription may rest between pages. It may if its replay is known to be
// long, since the last page was read by an outline. Behind a long lap it has to catch up with the
// writers: if it rested, its laps might grow, and it would be ended for that.
func (s *Subscription) mayRest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outline != nil && !s.laps.loaded
}

// keepOutline keeps an outline for the next page.
func (s *Subscription) keepOutline(o *outline) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outline = o
}

// queuePage queues a page and moves the place behind it, unless a reset has come in between. It
// returns false if the reader does not catch up.
func (s *Subscription) queuePage(resets uint64, events []*Event, next position) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != modePulling || s.resets != resets {
		return true
	}
	s.queue = s.enqueueLocked(s.queue, events)
	s.pullFrom = next
	s.laps.pulled += len(events)
	return next.inside || s.laps.end(s.host.options.ReplayEvents)
}

// pullLaps tells whether a pulling subscription catches up. A lap is a stretch of the log that
// reaches to where the node stood when the lap began. A reader that is faster than the writers needs
// ever shorter laps, however long the first one is.
type pullLaps struct {
	pulled  int  // events of this lap so far
	last    int  // events of the lap before
	growing int  // how many laps in a row were long, and longer than the lap before
	loaded  bool // a long lap has ended
}

// longerLaps is how many laps in a row may grow: writers may write more for a while.
const longerLaps = 2

// end ends a lap. It returns false if the laps keep growing; a lap of at most so many events does
// not count as long.
func (l *pullLaps) end(short int) bool {
	l.loaded = l.loaded || l.pulled > short
	if l.pulled > short && l.pulled > l.last {
		l.growing++
	} else {
		l.growing = 0
	}
	l.pulled, l.last = 0, l.pulled
	return l.growing <= longerLaps
}

// takeLagUnknown reports whether what has come since the subscription fell behind was not counted
// yet. The caller counts it now.
func (s *Subscription) takeLagUnknown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	unknown := s.lagUnknown
	s.lagUnknown = false
	return unknown
}

// restoreLagUnknown takes takeLagUnknown back: counting was not possible.
func (s *Subscription) restoreLagUnknown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lagUnknown = true
}

// endTurn ends a puller's turn, and claims the next one if there is something to pull and room for
// it.
func (s *Subscription) endTurn() {
	s.mu.Lock()
	s.turnClaimed, s.restTimer = false, nil
	hasEvents := len(s.queue) > 0 && !s.isHeldLocked()
	s.unlockAndPull()
	if hasEvents {
		s.wake()
	}
}

// endTurnAfter ends a puller's turn after a rest. If the subscription ends first, the timer is
// stopped so that it does not keep the subscription in memory.
func (s *Subscription) endTurnAfter(rest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != modeEnded {
		s.restTimer = time.AfterFunc(rest, s.endTurn)
	}
}

// holdReplaySlot keeps what gives the subscription's place among the metered replays back.
func (s *Subscription) holdReplaySlot(giveBack func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replaySlot = giveBack
}

// releaseReplaySlot gives the place among the metered replays back, and ends the rest: the replay
// is over.
func (s *Subscription) releaseReplaySlot() {
	s.mu.Lock()
	giveBack := s.replaySlot
	s.replaySlot = nil
	if s.restTimer != nil {
		s.restTimer.Stop()
		s.restTimer = nil
	}
	s.mu.Unlock()
	if giveBack != nil {
		giveBack()
	}
}

// attachment is the result of an attempt to attach a subscription to the polls.
type attachment int

const (
	attachDone     attachment = iota
	attachPart                // the tail has more than a queue should hold: a first part was queued
	attachTooFar              // the tail does not reach back to the place: pull
	attachDeferred            // a poll is being handed on: the hub queues the subscription after it
	attachGone                // the subscription has ended, or is not pulling
)

// beginAttach sets live chunks aside from now on, since they may come before endAttach has queued
// what was missed. It returns the place to attach at, or false if the subscription is not pulling.
func (s *Subscription) beginAttach() (p position, resets uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode != modePulling {
		return position{}, 0, false
	}
	s.mode = modeAttaching
	return s.pullFrom, s.resets, true
}

// endAttach queues what was missed, which comes from the tail. If a reset has come since
// beginAttach, the missed events belong to the time before it and are dropped.
func (s *Subscription) endAttach(resets uint64, missed []*Event, result attachment) {
	switch result {
	case attachDone:
		s.completeAttach(resets, missed)
		s.host.load.noteQueued(missed)
	case attachPart:
		last := missed[len(missed)-1]
		s.abandonAttach()
		s.queuePage(resets, missed, last.found.at(last.ID))
		s.host.load.noteQueued(missed)
	default:
		s.abandonAttach()
	}
}

// completeAttach queues what was missed, and behind it the live chunks that were set aside.
func (s *Subscription) completeAttach(resets uint64, missed []*Event) {
	s.mu.Lock()
	if s.mode == modeAttaching {
		s.mode, s.laps, s.outline = modeLive, pullLaps{}, nil
	}
	if s.mode != modeEnded {
		if s.resets == resets {
			s.queue = s.enqueueLocked(s.queue, missed)
		}
		s.queue = append(s.queue, s.liveAside...)
	}
	s.liveAside = nil
	s.mu.Unlock()
	s.wake()
}

// abandonAttach goes back to pulling. While it was attaching, the hub may have put the subscription
// in line, and another puller may have passed it by. So it claims a turn again.
func (s *Subscription) abandonAttach() {
	s.mu.Lock()
	if s.mode == modeAttaching {
		s.mode = modePulling
	}
	s.unlockAndPull()
}

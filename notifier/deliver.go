package notifier

import "rowcall/notifier/topic"

// deliverer passes on what a poll finds: it gives events their cursors, pauses the subscriptions
// whose access must be asked again, and fills queues. It belongs to the poller's goroutine.
type deliverer struct {
	hub   *hub
	reask *reaskQueue
	load  *load
	tally *pollTally
	epoch string
	boot  string // bootSQL's result when the connection was made; another result means another history or server run

	announce     func(place cursor) // says where the node will stand after a large poll
	newest       *newestEvent       // records what was handed on
	unfollowable *unfollowableCount // nil: nothing is counted
}

var _ pollSink = deliverer{}

// announceLargePoll lets subscriptions begin where the poll ends.
func (d deliverer) announceLargePoll(p *poll) {
	if d.checkHistory(p) == nil {
		d.announce(cursorAfter(d.epoch, p.seen))
	}
}

// checkHistory returns an error if the poll does not go on from where the node stands.
func (d deliverer) checkHistory(p *poll) error {
	if p.boot != d.boot {
		return errOtherHistory
	}
	if !p.isFirst() && !p.seen.covers(p.prev) {
		return errWentBack
	}
	return nil
}

// beginPoll pauses every subscription whose access the poll puts in question, before the first
// event of the poll is queued.
func (d deliverer) beginPoll(p *poll) error {
	if err := d.checkHistory(p); err != nil {
		return err
	}
	concerned := d.hub.openPoll(p)
	for _, s := range concerned {
		s.pauseForAccess()
	}
	d.reask.add(concerned)
	return nil
}

// deliverChunk queues a chunk with every live subscription that follows one of its events. A
// subscription whose queue is full is not fed any longer: it pulls.
func (d deliverer) deliverChunk(p *poll, events []*Event, complete bool) error {
	if len(events) == 0 {
		return nil
	}
	markCursors(d.epoch, &p.logInterval, events, complete)
	var full []*Subscription
	deliveries := d.hub.route(events)
	for _, to := range deliveries {
		if !to.subscription.queueLive(&p.logInterval, to.events) {
			full = append(full, to.subscription)
		}
	}
	if len(full) > 0 {
		d.hub.stopFeeding(full)
	}
	if len(deliveries) > 0 {
		d.load.noteQueued(events)
	}
	d.tally.countQueued(events)
	d.newest.note(events[len(events)-1])
	d.unfollowable.count(events)
	return nil
}

// markCursors gives the events of one poll their cursors. The last event of each root topic carries
// the cursor of the poll's end: topics with different roots do not cover one another, so a follower
// of one topic who receives that event has nothing more to come from the poll. A follower of topics
// with several roots may have more to come, and resumes from the exact position. A reset event that may
// be for followers of any root has something to come from each of them.
func markCursors(epoch string, found *logInterval, events []*Event, last bool) {
	inside := newCursorPrefix(epoch, *found)
	for _, e := range events {
		e.found = found
		e.exact = inside.withID(e.ID)
		e.cursor = e.exact
	}
	if !last {
		return
	}
	end := cursorAfter(epoch, found.seen).String()
	closed := make(map[topic.Topic]struct{})
	for i := len(events) - 1; i >= 0; i-- {
		root := events[i].root()
		if _, done := closed[root]; !done && (root != "" || len(closed) == 0) {
			events[i].cursor = end
		}
		if closed[root] = struct{}{}; root == "" {
			return
		}
	}
}

package api

import (
	"errors"

	"rowcall/notifier"
)

// topicReady has the writer take events of a topic.
func (n *nativeFlow) topicReady(slot *topicSlot) {
	if n.enqueueTopic(slot) {
		n.session.wake()
	}
}

// enqueueTopic queues a topic. It reports false if the topic is queued already, or no longer
// followed.
func (n *nativeFlow) enqueueTopic(slot *topicSlot) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slot.subscription == nil || slot.queued || n.slots[slot.topic] != slot {
		return false
	}
	slot.queued = true
	n.queue = append(n.queue, queueItem{slot: slot})
	return true
}

// sendEvents sends some of the events that wait for a topic, and queues the topic again if there
// may be more.
func (n *nativeFlow) sendEvents(out *writeBatch, slot *topicSlot) {
	n.mu.Lock()
	current := n.slots[slot.topic] == slot
	slot.queued = false
	n.mu.Unlock()
	if !current {
		return
	}
	taken, err := slot.subscription.Take(eventsPerTake)
	switch {
	case err != nil:
		n.endTopic(out, slot, err)
		return
	case taken.Reset != nil:
		out.addFrame(encodeTextFrame(resetFrame{Op: "reset", Topic: slot.topic, Reason: taken.Reset.Reason, Cursor: taken.Reset.Cursor}))
	case len(taken.Events) == 0:
		return
	}
	for _, e := range taken.Events {
		if taken.Skipped > 0 {
			out.addFrame(encodeLatestFrame(e, slot.topic, taken.Skipped))
			continue
		}
		out.addFrame(e.Encoded(slot.formatKey, slot.encode))
	}
	n.enqueueTopic(slot)
}

// endTopic tells the client why a subscription has ended. A topic that the user may no longer
// follow ends alone; a client that is too slow, or an identity that no longer holds, ends the
// socket.
func (n *nativeFlow) endTopic(out *writeBatch, slot *topicSlot, err error) {
	if !n.removeSlot(slot) {
		return
	}
	slot.subscription.Close()
	slot.cancel()
	if errors.Is(err, notifier.ErrSlow) || n.lostIdentity(err) {
		n.session.endWith(err)
		return
	}
	out.addFrame(encodeErrorFrame(string(slot.topic), n.session.logFault(err)))
}

// signsOverdue reports whether signs of life have been delayed for long enough.
func (n *nativeFlow) signsOverdue(due signsOfLife) bool {
	if due == (signsOfLife{}) {
		return false
	}
	n.passesWithoutSigns++
	return n.passesWithoutSigns > maxPassesBeforeSigns
}

// sendSigns sends the pongs and the heartbeat that are due. Their cursor is valid for all topics of
// the socket: it is the node's position, read before all topics were seen to have nothing waiting.
// Frames that were queued before them are sent before them.
func (n *nativeFlow) sendSigns(out *writeBatch, due signsOfLife) {
	if due == (signsOfLife{}) {
		return
	}
	n.passesWithoutSigns = 0
	n.mu.Lock()
	n.owedSigns.pongs -= due.pongs
	n.owedSigns.heartbeat = n.owedSigns.heartbeat && !due.heartbeat
	n.mu.Unlock()
	cursor := n.caughtUpCursor()
	for range due.pongs {
		out.addFrame(encodeTextFrame(cursorFrame{Op: "pong", Cursor: cursor}))
	}
	if due.heartbeat {
		out.addFrame(encodeTextFrame(cursorFrame{Op: "heartbeat", Cursor: cursor}))
	}
}

// caughtUpCursor returns the node's position; empty while a topic is being subscribed, replays or
// has events waiting.
func (n *nativeFlow) caughtUpCursor() string {
	var marks []cursorMark
	cursor := caughtUpCursor(n.session.feed, func() bool {
		for _, sub := range n.slotSubscriptions() {
			if sub == nil || !sub.CaughtUp() {
				return false
			}
			if mark := sub.mark(); mark != "" {
				marks = append(marks, mark)
			}
		}
		return true
	})
	return joinMarks(marks).mark(cursor)
}

// slotSubscriptions returns the subscriptions of all slots. It is nil for a slot that is being
// subscribed or is queued: then the answer to its subscribe, or some of its events, has not been
// sent. The caller asks the subscriptions without the lock, because no lock is taken under another.
func (n *nativeFlow) slotSubscriptions() []subscription {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]subscription, 0, len(n.slots))
	for _, slot := range n.slots {
		sub := slot.subscription
		if slot.queued {
			sub = nil
		}
		all = append(all, sub)
	}
	return all
}

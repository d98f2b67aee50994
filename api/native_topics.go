package api

import (
	"context"
	"errors"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// subscribeWait is how long a subscribe may take before the client is told to try again.
const subscribeWait = 5 * time.Second

// subscribe adds a slot for a topic, in place of the one that there may be, and subscribes when its
// turn comes.
func (n *nativeFlow) subscribe(ctx context.Context, req nativeRequest) error {
	topic, err := topic.Parse(req.Topic)
	if err != nil {
		return n.answerError(req.Topic, err)
	}
	condition, err := req.filter()
	if err != nil {
		return n.answerError(req.Topic, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	slot := &topicSlot{topic: n.topics.Spell(topic), asked: req, filter: condition, cancel: cancel}
	slot.subscribe = func() { n.subscribeSlot(ctx, slot) }
	slot.formatKey, slot.encode = nativeEncoding(slot.topic)
	replaced, err := n.addSlot(slot)
	n.releaseSlot(replaced)
	if err != nil {
		cancel()
		return n.answerError(req.Topic, err)
	}
	n.subscribeNext()
	return nil
}

func (n *nativeFlow) addSlot(slot *topicSlot) (replaced *topicSlot, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	replaced = n.slots[slot.topic]
	switch {
	case n.released:
		return nil, problem.ErrClosed
	case replaced == nil && len(n.slots) >= n.session.limits.SubscriptionsPerSocket:
		return nil, problem.ErrTooManySubscriptions
	}
	n.slots[slot.topic] = slot
	n.waitingSlots = append(n.waitingSlots, slot)
	return replaced, nil
}

// releaseSlot ends the subscription of a slot that has been removed.
func (n *nativeFlow) releaseSlot(slot *topicSlot) {
	if slot == nil {
		return
	}
	slot.cancel()
	n.mu.Lock()
	sub := slot.subscription
	n.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}

// subscribeNext starts the subscribes that wait, up to concurrentSubscribes.
func (n *nativeFlow) subscribeNext() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.waitingSlots) > 0 && n.subscribing < concurrentSubscribes {
		next := n.waitingSlots[0]
		n.waitingSlots = n.waitingSlots[1:]
		if n.slots[next.topic] == next {
			n.subscribing++
			n.subscribes.Go(func() {
				n.session.protect(next.subscribe)
			})
		}
	}
}

// subscribeAnswered notes that the answer to a subscribe has been sent, which lets another start.
func (n *nativeFlow) subscribeAnswered() {
	n.mu.Lock()
	n.subscribing--
	n.mu.Unlock()
	n.subscribeNext()
}

// subscribeSlot subscribes to the topic of a slot, and queues the answer.
func (n *nativeFlow) subscribeSlot(ctx context.Context, slot *topicSlot) {
	ctx, cancel := context.WithTimeout(ctx, subscribeWait)
	defer cancel()
	sub, start, err := n.session.feed.Subscribe(ctx, notifier.Request{
		Topics:    []topic.Topic{slot.topic},
		Follower:  n.session.identity.Follower(),
		Since:     slot.asked.since(),
		Snapshot:  slot.asked.Snapshot,
		Filter:    slot.filter,
		Holder:    n.session.holder,
		Meter:     n.session.meter,
		Resumable: true,
		Wake:      func() { n.topicReady(slot) },
	})
	if err != nil {
		n.refuseSlot(slot, err)
		return
	}
	if !n.attachSubscription(slot, sub, start) {
		sub.Close()
		n.subscribeAnswered()
		return
	}
	n.session.wake()
}

// attachSubscription queues the answer, and the topic for its first events. It reports false if the
// slot has been removed meanwhile.
func (n *nativeFlow) attachSubscription(slot *topicSlot, sub subscription, start notifier.Start) bool {
	frame := encodeSubscribedFrame(slot, start)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.slots[slot.topic] != slot {
		return false
	}
	slot.subscription, slot.queued = sub, true
	n.appendLocked(queueItem{frame: frame, slot: slot, answersSubscribe: true})
	return true
}

// refuseSlot removes a slot whose topic was refused, and tells the client, unless the slot has been
// removed before.
func (n *nativeFlow) refuseSlot(slot *topicSlot, err error) {
	slot.cancel()
	if !n.removeSlot(slot) {
		n.subscribeAnswered()
		return
	}
	if n.lostIdentity(err) {
		n.session.endWith(err)
	}
	n.enqueue(queueItem{frame: encodeErrorFrame(slot.asked.Topic, n.session.logFault(err)), answersSubscribe: true})
}

// lostIdentity reports whether an error means that the session's identity no longer holds. For an
// anonymous session the same error means that a login is needed.
func (n *nativeFlow) lostIdentity(err error) bool {
	return errors.Is(err, problem.ErrUnauthorized) && !n.session.identity.Anonymous()
}

// removeSlot removes a slot. It reports false if the slot has been removed before.
func (n *nativeFlow) removeSlot(slot *topicSlot) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.slots[slot.topic] != slot {
		return false
	}
	delete(n.slots, slot.topic)
	return true
}

// unsubscribe ends a topic. A topic that the socket does not follow is answered in the same way:
// the client has what it wants.
func (n *nativeFlow) unsubscribe(req nativeRequest) error {
	topic, err := topic.Parse(req.Topic)
	if err != nil {
		return n.answerError(req.Topic, err)
	}
	topic = n.topics.Spell(topic)
	n.mu.Lock()
	slot := n.slots[topic]
	delete(n.slots, topic)
	n.mu.Unlock()
	n.releaseSlot(slot)
	return n.queueAnswer(encodeTextFrame(unsubscribedFrame{Op: "unsubscribed", Topic: req.Topic}))
}

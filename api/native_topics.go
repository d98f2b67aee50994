package api

import (
	"context"
	"errors"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// openWait is how long a subscribe may take before the client is told to try again.
const openWait = 5 * time.Second

// subscribe takes a topic in, in place of what is held of it, and opens it when its turn comes.
func (n *native) subscribe(ctx context.Context, req request) error {
	topic, err := topic.Parse(req.Topic)
	if err != nil {
		return n.refuse(req.Topic, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	h := &held{topic: n.topics.Spell(topic), request: req, cancel: cancel}
	h.open = func() { n.open(ctx, h) }
	h.key, h.encode = nativeEncoding(h.topic)
	replaced, err := n.takeIn(h)
	n.letGo(replaced)
	if err != nil {
		cancel()
		return n.refuse(req.Topic, err)
	}
	n.openNext()
	return nil
}

func (n *native) takeIn(h *held) (replaced *held, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	replaced = n.held[h.topic]
	switch {
	case n.over:
		return nil, problem.ErrClosed
	case replaced == nil && len(n.held) >= n.session.limits.SubscriptionsPerSocket:
		return nil, problem.ErrTooManySubscriptions
	}
	n.held[h.topic] = h
	n.waiting = append(n.waiting, h)
	return replaced, nil
}

// letGo ends what is not held any more.
func (n *native) letGo(h *held) {
	if h == nil {
		return
	}
	h.cancel()
	n.mu.Lock()
	sub := h.sub
	n.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}

// openNext opens what waits, as far as it may be opened now.
func (n *native) openNext() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.waiting) > 0 && n.opening < openAtOnce {
		next := n.waiting[0]
		n.waiting = n.waiting[1:]
		if n.held[next.topic] == next {
			n.opening++
			n.opens.Go(func() {
				n.session.protect(next.open)
			})
		}
	}
}

// opened gives another topic its turn.
func (n *native) opened() {
	n.mu.Lock()
	n.opening--
	n.mu.Unlock()
	n.openNext()
}

// open subscribes and queues the answer.
func (n *native) open(ctx context.Context, h *held) {
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	sub, start, err := n.session.feed.Subscribe(ctx, notifier.Request{
		Topics:   []topic.Topic{h.topic},
		Follower: n.session.identity.Follower(),
		Since:    h.request.since(),
		Snapshot: h.request.Snapshot,
		Holder:   n.session.holder,
		Meter:    n.session.meter,
		Wake:     func() { n.ready(h) },
	})
	if err != nil {
		n.refused(h, err)
		return
	}
	if !n.attach(h, sub, start) {
		sub.Close()
		n.opened()
		return
	}
	n.session.wake()
}

// attach queues the answer and the first look for events. It reports false for a topic that has
// been unsubscribed or replaced meanwhile.
func (n *native) attach(h *held, sub subscription, start notifier.Start) bool {
	frame := encodeSubscribed(h, start)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held[h.topic] != h {
		return false
	}
	h.sub, h.queued = sub, true
	n.queueLocked(item{frame: frame, held: h, opened: true})
	return true
}

// refused ends a topic that could not be opened. It says nothing of one that is not held any more.
func (n *native) refused(h *held, err error) {
	h.cancel()
	if !n.drop(h) {
		n.opened()
		return
	}
	if n.lostIdentity(err) {
		n.session.endWith(err)
	}
	n.push(item{frame: encodeError(h.request.Topic, n.session.fault(err)), opened: true})
}

// lostIdentity reports whether an error says that the session's identity is gone. To an anonymous
// one the same error says that it should have one.
func (n *native) lostIdentity(err error) bool {
	return errors.Is(err, problem.ErrUnauthorized) && !n.session.identity.Anonymous()
}

// drop takes a topic out, if it is still held.
func (n *native) drop(h *held) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held[h.topic] != h {
		return false
	}
	delete(n.held, h.topic)
	return true
}

// unsubscribe is answered for topics that are not held too: the client gets what it wants.
func (n *native) unsubscribe(req request) error {
	topic, err := topic.Parse(req.Topic)
	if err != nil {
		return n.refuse(req.Topic, err)
	}
	topic = n.topics.Spell(topic)
	n.mu.Lock()
	h := n.held[topic]
	delete(n.held, topic)
	n.mu.Unlock()
	n.letGo(h)
	return n.answer(encodeFrame(unsubscribedFrame{Op: "unsubscribed", Topic: req.Topic}))
}

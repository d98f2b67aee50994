package api

import (
	"errors"

	"rowcall/notifier"
)

// ready has the writer look at a topic whose subscription has something new.
func (n *native) ready(h *held) {
	if n.line(h) {
		n.session.wake()
	}
}

// line queues a topic, unless it is queued already or not held any more.
func (n *native) line(h *held) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.sub == nil || h.queued || n.held[h.topic] != h {
		return false
	}
	h.queued = true
	n.queue = append(n.queue, item{held: h})
	return true
}

// forward sends some of what a topic has waiting, and queues it again where there may be more.
func (n *native) forward(out *batch, h *held) {
	n.mu.Lock()
	current := n.held[h.topic] == h
	h.queued = false
	n.mu.Unlock()
	if !current {
		return
	}
	taken, err := h.sub.Take(eventsPerTake)
	switch {
	case err != nil:
		n.ended(out, h, err)
		return
	case taken.Reset != nil:
		out.add(encodeFrame(resetFrame{Op: "reset", Topic: h.topic, Reason: taken.Reset.Reason, Cursor: taken.Reset.Cursor}))
	case len(taken.Events) == 0:
		return
	}
	for _, e := range taken.Events {
		if taken.Skipped > 0 {
			out.add(encodeLatest(e, h.topic, taken.Skipped))
			continue
		}
		out.add(e.Encoded(h.key, h.encode))
	}
	n.line(h)
}

// ended tells why a subscription is over. Losing a topic costs that topic; being too slow, or
// nobody any more, costs the socket.
func (n *native) ended(out *batch, h *held, err error) {
	if !n.drop(h) {
		return
	}
	h.sub.Close()
	h.cancel()
	if errors.Is(err, notifier.ErrSlow) || n.lostIdentity(err) {
		n.session.endWith(err)
		return
	}
	out.add(encodeError(string(h.topic), n.session.fault(err)))
}

// late reports whether signs of life have waited for long enough.
func (n *native) late(due signs) bool {
	if due == (signs{}) {
		return false
	}
	n.passes++
	return n.passes > maxPasses
}

// pay sends pongs and heartbeats that are due. Their cursor holds for all topics of the socket: the node's
// position, read before all of them were seen to have nothing waiting. What was queued before them stands before
// them.
func (n *native) pay(out *batch, due signs) {
	if due == (signs{}) {
		return
	}
	n.passes = 0
	n.mu.Lock()
	n.owed.pongs -= due.pongs
	n.owed.beating = n.owed.beating && !due.beating
	n.mu.Unlock()
	cursor := n.settledCursor()
	for range due.pongs {
		out.add(encodeFrame(cursorFrame{Op: "pong", Cursor: cursor}))
	}
	if due.beating {
		out.add(encodeFrame(cursorFrame{Op: "heartbeat", Cursor: cursor}))
	}
}

// settledCursor is empty while a topic is being opened, replays or has events waiting.
func (n *native) settledCursor() string {
	cursor := n.session.feed.Cursor()
	for _, sub := range n.subscriptions() {
		if sub == nil || !sub.CaughtUp() {
			return ""
		}
	}
	return cursor
}

// subscriptions are those of all topics that are held; nil for one that is being opened, or has something in the queue:
// the answer to its subscribe has not gone out then, or not all that it has. They are asked without the lock: none is
// taken under another.
func (n *native) subscriptions() []subscription {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]subscription, 0, len(n.held))
	for _, h := range n.held {
		sub := h.sub
		if h.queued {
			sub = nil
		}
		all = append(all, sub)
	}
	return all
}

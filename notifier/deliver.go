package notifier

import (
	"rowcall/notifier/topic"
)

// handing is the sink between the poll and the hub: it gives events their cursors, stops whoever
// must be asked again, and fills queues.
type handing struct {
	feed  *Feed
	epoch string
	boot  string
}

var _ sink = handing{}

func (h handing) begin(b *batch) error {
	if b.boot != h.boot {
		return errHistory
	}
	affected := h.feed.hub.begin(b)
	for _, s := range affected {
		s.hold()
	}
	h.feed.questions.add(affected)
	return nil
}

func (h handing) events(b *batch, events []*Event, last bool) error {
	if len(events) == 0 {
		return nil
	}
	h.mark(b, events, last)
	var full []*Subscription
	deliveries := h.feed.hub.route(events)
	for _, d := range deliveries {
		if !d.to.push(b, d.events) {
			full = append(full, d.to)
		}
	}
	if len(full) > 0 {
		h.feed.hub.demote(full)
	}
	if len(deliveries) > 0 {
		h.feed.load.enter(events)
	}
	h.feed.poller.tally.handed(events)
	return nil
}

// mark gives events their cursors. The batch's last event of each root carries the cursor of the
// batch's end: nobody who receives it has anything more to come from the batch, since topics
// of different roots do not cover one another. Who follows topics of several roots may have more
// to come, and resumes from the exact place.
func (h handing) mark(b *batch, events []*Event, last bool) {
	inside := newInsider(h.epoch, b.prev, b.seen)
	for _, e := range events {
		e.batch = b
		e.exact = inside.at(e.ID)
		e.cursor = e.exact
	}
	if !last {
		return
	}
	end := cursor{epoch: h.epoch, position: after(b.seen)}.String()
	closed := make(map[topic.Topic]struct{})
	for i := len(events) - 1; i >= 0; i-- {
		root := events[i].Topic.Root()
		if _, done := closed[root]; !done {
			closed[root] = struct{}{}
			events[i].cursor = end
		}
	}
}

package notifier

import (
	"testing"

	"rowcall/notifier/topic"
)

// attachable is a subscription at the beginning of a log of two events that the node has in memory.
func attachable(o Options) (*Feed, *Subscription) {
	f := &Feed{options: o.withDefaults(), pulls: newPulls()}
	f.hub, f.poller, f.load = newHub(&f.options), newPoller(f), newLoad(f.options.QueuedBytes)
	s := &Subscription{feed: f, topics: []topic.Topic{"room"}, wake: func() {}, grants: make([]Grant, 1)}
	f.hub.add(s)
	begin := snapshot{xmin: 10, xmax: 10}
	f.hub.restart(anEpoch, begin)
	f.hub.restarted()
	b := &batch{prev: begin, seen: snapshot{xmin: 12, xmax: 12}}
	f.hub.begin(b)
	handing{feed: f, epoch: anEpoch}.events(b, []*Event{{ID: 1, Topic: "room", xid: 10}, {ID: 2, Topic: "room", xid: 11}}, true)
	f.hub.finish(b)
	here, text := f.hub.where()
	s.start(0, cursor{epoch: here.epoch, position: after(begin)}, text)
	return f, s
}

// TestAResetWhileAttachingDropsTheTailsPart resets a subscription between the two steps of going live: what was
// to be queued between them belongs to before the reset.
func TestAResetWhileAttachingDropsTheTailsPart(t *testing.T) {
	for name, o := range map[string]Options{"whole": {}, "a part": {QueueEvents: 2}} {
		t.Run(name, func(t *testing.T) {
			f, s := attachable(o)
			p, resets, _ := s.beginAttach()
			backlog, result := f.hub.attach(s, p)
			f.hub.restart("f"+anEpoch[1:], snapshot{xmin: 20, xmax: 20})
			f.tell(s, ResetEpoch)
			f.hub.restarted()
			s.endAttach(resets, backlog, result)
			taken, err := s.Take(10)
			if err != nil || taken.Reset == nil {
				t.Fatalf("first it took %+v, %v", taken, err)
			}
			if taken, _ := s.Take(10); len(taken.Events) > 0 {
				t.Errorf("after the reset it took %d events of before", len(taken.Events))
			}
			if place, _ := s.place(); place.prev.xmax != 20 {
				t.Errorf("after the reset it goes on from %s", place)
			}
		})
	}
}

package notifier

import (
	"context"
	"testing"

	"rowcall/notifier/topic"
	"rowcall/testdeadline"
)

// attachable returns a pulling subscription at the beginning of a log of two events, which are in the
// tail of its node.
func attachable(o Options) (*Feed, *Subscription) {
	f := newFeed(nil, o, 20)
	s := &Subscription{host: f.host, topics: []topic.Topic{"room"}, wake: func() {}, grants: make([]Grant, 1)}
	f.hub.register(s)
	begin := snapshot{xmin: 10, xmax: 10}
	f.hub.beginRestart(anEpoch, begin)
	f.hub.endRestart()
	p := &poll{logInterval: logInterval{prev: begin, seen: snapshot{xmin: 12, xmax: 12}}}
	f.hub.openPoll(p)
	to := deliverer{hub: f.hub, reask: f.reask, load: f.load, tally: new(pollTally), epoch: anEpoch, newest: new(newestEvent)}
	to.deliverChunk(p, []*Event{{ID: 1, Topic: "room", xid: 10}, {ID: 2, Topic: "room", xid: 11}}, true)
	f.hub.closePoll(p)
	here, text := f.hub.place()
	s.startAt(0, cursorAfter(here.epoch, begin), text)
	return f, s
}

// TestAResetWhileAttachingDropsTheTailsPart resets a subscription between the two steps of going live.
// The missed events, which the second step would queue, belong to the time before the reset.
func TestAResetWhileAttachingDropsTheTailsPart(t *testing.T) {
	for name, o := range map[string]Options{"whole": {}, "a part": {QueueEvents: 2}} {
		t.Run(name, func(t *testing.T) {
			f, s := attachable(o)
			p, resets, _ := s.beginAttach()
			missed, result := f.hub.attach(s, p)
			f.hub.beginRestart("f"+anEpoch[1:], snapshot{xmin: 20, xmax: 20})
			here, text := f.hub.place()
			s.resetTo(ResetEpoch, here, text)
			f.hub.endRestart()
			s.endAttach(resets, missed, result)
			taken, err := s.Take(10)
			if err != nil || taken.Reset == nil {
				t.Fatalf("first it took %+v, %v", taken, err)
			}
			if taken, _ := s.Take(10); len(taken.Events) > 0 {
				t.Errorf("after the reset it took %d events of before", len(taken.Events))
			}
			if place, _ := s.pullPlace(); place.prev.xmax != 20 {
				t.Errorf("after the reset it goes on from %s", place)
			}
		})
	}
}

// TestASubscriptionPassedByWhileAttachingIsInLineAgain takes the steps of two pullers one by one: the
// first finds the hub handing on a poll, the poll ends, and the second finds the subscription
// attaching.
func TestASubscriptionPassedByWhileAttachingIsInLineAgain(t *testing.T) {
	f := newFeed(nil, Options{}, 20)
	s := &Subscription{host: f.host, topics: []topic.Topic{"room"}, wake: func() {}, grants: make([]Grant, 1), mode: modePulling, turnClaimed: true}
	f.hub.register(s)
	polled := &poll{logInterval: logInterval{seen: snapshot{xmin: 3, xmax: 3}}}
	f.hub.openPoll(polled)

	p, resets, _ := s.beginAttach()
	missed, result := f.hub.attach(s, p)
	f.pulls.add(f.hub.closePoll(polled)...)
	turn := f.pulls.line.next()
	if turn.item != s || f.hub.goLive(s) != attachGone {
		t.Fatal("the second puller did not pass it by")
	}
	s.endTurn()
	f.pulls.line.done(turn, outcomeUndecided)
	s.endAttach(resets, missed, result)

	if turn := f.pulls.line.next(); turn == nil || turn.item != s {
		t.Error("it is neither fed nor in line: nobody would ever look at it again")
	}
}

// TestANewSubscriptionBeginsBehindALargePoll lets a subscription begin while a poll that takes long is read: it is told
// at once where the node will stand after that poll. It gets nothing of that poll, and everything after it.
func TestANewSubscriptionBeginsBehindALargePoll(t *testing.T) {
	f := newFeed(nil, Options{}, 20)
	p := newPoller(f, newSignal())
	s := &Subscription{host: f.host, topics: []topic.Topic{"room"}, wake: func() {}, grants: make([]Grant, 1)}
	f.hub.register(s)
	begin, end, later := snapshot{xmin: 10, xmax: 10}, snapshot{xmin: 11, xmax: 11}, snapshot{xmin: 12, xmax: 12}
	f.hub.beginRestart(anEpoch, begin)
	f.hub.endRestart()
	p.announceLargePoll(cursorAfter(anEpoch, end))
	ctx, cancel := context.WithTimeout(t.Context(), testdeadline.Hang())
	defer cancel()
	place, text, err := p.waitForPlace(ctx)
	if want := cursorAfter(anEpoch, end).String(); err != nil || text != want || place.String() != want {
		t.Fatalf("during a large poll a subscription begins at %q, %v; want its end, %q", text, err, want)
	}
	s.startAt(0, place, text)
	if got := f.hub.goLive(s); got != attachDeferred {
		t.Fatalf("before the large poll is handed on, going live gives %d, want that it is put off", got)
	}
	to := deliverer{hub: f.hub, reask: f.reask, load: f.load, tally: new(pollTally), epoch: anEpoch, newest: new(newestEvent)}
	for _, interval := range []logInterval{{prev: begin, seen: end}, {prev: end, seen: later}} {
		poll := &poll{logInterval: interval}
		f.hub.openPoll(poll)
		to.deliverChunk(poll, []*Event{{ID: int64(interval.prev.xmax), Topic: "room", xid: interval.prev.xmax}}, true)
		for _, waiting := range f.hub.closePoll(poll) {
			if got := f.hub.goLive(waiting); got != attachDone {
				t.Errorf("behind the large poll, going live gives %d, want that it is done", got)
			}
		}
	}
	if taken, err := s.Take(10); err != nil || len(taken.Events) != 1 || taken.Events[0].xid != end.xmax {
		t.Errorf("the subscription takes %+v, %v; want the event after the large poll alone", taken, err)
	}
	p.withdrawLargePoll()
	select {
	case <-p.largePoll.begun:
		t.Error("a large poll that has ended is still announced")
	default:
	}
}

// TestAClosedSubscriptionWaitsForNoPoll closes a subscription that waits for the end of a poll. A client that
// subscribes and leaves again and again during a large poll must leave nothing behind.
func TestAClosedSubscriptionWaitsForNoPoll(t *testing.T) {
	f := newFeed(nil, Options{}, 20)
	s := &Subscription{host: f.host, topics: []topic.Topic{"room"}, wake: func() {}, grants: make([]Grant, 1)}
	f.hub.register(s)
	f.hub.beginRestart(anEpoch, snapshot{xmin: 10, xmax: 10})
	s.startAt(0, cursorAfter(anEpoch, snapshot{xmin: 10, xmax: 10}), "")
	if got := f.hub.goLive(s); got != attachDeferred {
		t.Fatalf("during a poll, going live gives %d, want that it is put off", got)
	}
	s.Close()
	if waiting := f.hub.endRestart(); len(waiting) != 0 {
		t.Errorf("after the poll %d subscriptions wait, want none", len(waiting))
	}
}

package notifier

import (
	"testing"

	"rowcall/notifier/topic"
)

// TestASubscriptionPassedByWhileAttachingIsInLineAgain takes the steps of two pullers one by one: the first finds the
// hub at work, the batch ends, and the second finds the subscription attaching.
func TestASubscriptionPassedByWhileAttachingIsInLineAgain(t *testing.T) {
	f := newFeed(nil, Options{})
	s := &Subscription{host: f.host, topics: []topic.Topic{"room"}, wake: func() {}, grants: make([]Grant, 1), mode: modePulling, turnClaimed: true}
	f.hub.register(s)
	polled := &poll{logInterval: logInterval{seen: snapshot{xmin: 3, xmax: 3}}}
	f.hub.openPoll(polled)

	p, resets, _ := s.beginAttach()
	missed, result := f.hub.attach(s, p)
	f.pulls.add(f.hub.closePoll(polled)...)
	if f.pulls.pop() != s || f.hub.goLive(s) != attachGone {
		t.Fatal("the second puller did not pass it by")
	}
	s.endTurn()
	s.endAttach(resets, missed, result)

	if f.pulls.pop() != s {
		t.Error("it is neither fed nor in line: nobody would ever look at it again")
	}
}

package notifier

import (
	"testing"

	"rowcall/notifier/topic"
)

// TestASubscriptionPassedByWhileAttachingIsInLineAgain takes the steps of two pullers one by one: the first finds the
// hub at work, the batch ends, and the second finds the subscription attaching.
func TestASubscriptionPassedByWhileAttachingIsInLineAgain(t *testing.T) {
	f := &Feed{pulls: newPulls(), options: Options{}.withDefaults()}
	f.hub = newHub(&f.options)
	s := &Subscription{feed: f, topics: []topic.Topic{"room"}, wake: func() {}, grants: make([]Grant, 1), mode: pulling, queued: true}
	f.hub.add(s)
	b := &batch{seen: snapshot{xmin: 3, xmax: 3}}
	f.hub.begin(b)

	p, resets, _ := s.beginAttach()
	backlog, result := f.hub.attach(s, p)
	f.pulls.add(f.hub.finish(b)...)
	if f.pulls.pop() != s || f.goLive(s) != gone {
		t.Fatal("the second puller did not pass it by")
	}
	s.release()
	s.endAttach(resets, backlog, result)

	if f.pulls.pop() != s {
		t.Error("it is neither fed nor in line: nobody would ever look at it again")
	}
}

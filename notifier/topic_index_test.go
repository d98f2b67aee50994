package notifier

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rowcall/notifier/topic"
)

// registered returns a live subscription of the feed.
func registered(f *Feed, user string, topics ...topic.Topic) *Subscription {
	s := &Subscription{
		host: f.host, topics: topics, follower: Follower{User: user}, wake: func() {},
		holder: new(Holder), grants: make([]Grant, len(topics)), mode: modeLive,
	}
	f.hub.register(s)
	f.hub.subs[s] = true
	return s
}

// crowd registers n subscriptions, each of a user and a topic of its own below rooms.
func crowd(f *Feed, n int) {
	for i := range n {
		registered(f, fmt.Sprint("user", i), topic.Topic(fmt.Sprintf("rooms/%d/chat", i)))
	}
}

// TestAnAccessEventLooksAtNoOtherSubscriptions counts the subscriptions that the hub looks at to
// find those an access event is about, beside a thousand that it is not about.
func TestAnAccessEventLooksAtNoOtherSubscriptions(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{}, 20)
	crowd(f, 1000)
	for i := range 3 {
		registered(f, "robot", topic.Topic(fmt.Sprint("hall/", i)))
	}
	registered(f, "", "hall/0/door", "hall/1/door")
	for name, c := range map[string]struct {
		events  []accessEvent
		atMost  int // looked at
		concern int
	}{
		"a topic":                      {[]accessEvent{{"rooms/7/chat", ""}}, 1, 1},
		"what lies above a topic":      {[]accessEvent{{"rooms/7", ""}}, 1, 1},
		"what lies below a topic":      {[]accessEvent{{"rooms/7/chat/more", ""}}, 0, 0},
		"nobody's topic":               {[]accessEvent{{"rooms/x", ""}}, 0, 0},
		"a branch":                     {[]accessEvent{{"hall", ""}}, 4, 4},
		"a branch, twice":              {[]accessEvent{{"hall", ""}, {"hall/0", ""}}, 4, 4},
		"a user":                       {[]accessEvent{{"", "robot"}}, 3, 3},
		"a user in one topic":          {[]accessEvent{{"hall/2", "robot"}}, 1, 1},
		"a user where many others are": {[]accessEvent{{"rooms", "user5"}}, 1, 1},
		"a user elsewhere":             {[]accessEvent{{"rooms", "robot"}}, 3, 0},
		"two of them":                  {[]accessEvent{{"rooms/1/chat", ""}, {"hall/1", "robot"}}, 3, 2},
		"all":                          {[]accessEvent{{"", ""}, {"hall", ""}}, 1004, 1004},
	} {
		looked, concerned := f.hub.candidatesLocked(newAccessEvents(c.events)), f.hub.concernedLocked(c.events)
		if len(looked) > c.atMost || len(concerned) != c.concern {
			t.Errorf("%s: %d are looked at, %d concerned, want at most %d and %d", name, len(looked), len(concerned), c.atMost, c.concern)
		}
	}
}

// TestTheIndexFindsWhatAScanFinds subscribes and unsubscribes at random, and compares what the hub
// finds for access events and chunks with what a look at every subscription finds.
func TestTheIndexFindsWhatAScanFinds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 11))
		f := newFeed(nil, Options{}, 20)
		var subs []*Subscription
		for range 200 {
			if n := len(subs); n > 0 && random.IntN(3) == 0 {
				gone := random.IntN(n)
				f.hub.unregister(subs[gone])
				f.hub.unregister(subs[gone])
				subs = slices.Delete(subs, gone, gone+1)
				continue
			}
			topics := []topic.Topic{anyTopic(random), anyTopic(random), anyTopic(random)}[:1+random.IntN(3)]
			subs = append(subs, registered(f, []string{"", "u1", "u2"}[random.IntN(3)], topics...))
		}
		checkConcerned(t, f, subs, random)
		checkRouted(t, f, subs, random)
		for _, s := range subs {
			f.hub.unregister(s)
		}
		if left := len(f.hub.topics) + len(f.hub.users); left > 0 {
			t.Fatalf("seed %d: %d entries of the indexes are left", seed, left)
		}
	}
}

func anyTopic(random *rand.Rand) topic.Topic {
	t := "a"
	for range random.IntN(4) {
		t += []string{"/a", "/b", "/ab"}[random.IntN(3)]
	}
	return topic.Topic(t)
}

func checkConcerned(t *testing.T, f *Feed, subs []*Subscription, random *rand.Rand) {
	t.Helper()
	for range 20 {
		var access []accessEvent
		for range 1 + random.IntN(3) {
			access = append(access, accessEvent{anyTopic(random), []string{"", "u1", "u2"}[random.IntN(3)]})
		}
		want := make(map[*Subscription]bool)
		for _, s := range subs {
			if newAccessEvents(access).concern(s.topics, s.follower) {
				want[s] = true
			}
		}
		got := f.hub.concernedLocked(access)
		for _, s := range got {
			if !want[s] {
				t.Fatalf("%v: %v of %q is concerned, and should not be, or twice", access, s.topics, s.follower.User)
			}
			delete(want, s)
		}
		for s := range want {
			t.Fatalf("%v: %v of %q is not concerned", access, s.topics, s.follower.User)
		}
	}
}

func checkRouted(t *testing.T, f *Feed, subs []*Subscription, random *rand.Rand) {
	t.Helper()
	var events []*Event
	for id := range int64(30) {
		events = append(events, anyEvent(random, id, 0))
	}
	got := make(map[*Subscription][]*Event)
	for _, d := range f.hub.route(events) {
		if got[d.subscription] != nil {
			t.Fatalf("%v is handed two lists", d.subscription.topics)
		}
		got[d.subscription] = d.events
	}
	for _, s := range subs {
		want := slices.DeleteFunc(slices.Clone(events), func(e *Event) bool { return !isForAny(s.topics, e) })
		if !slices.Equal(got[s], want) {
			t.Fatalf("%v is handed %d events, want %d in their order", s.topics, len(got[s]), len(want))
		}
	}
}

// TestAFollowerOfSeveralTopicsSharesTheListOfOne has events on one of two topics: the work for a
// follower of both must not grow with all other events of the chunk.
func TestAFollowerOfSeveralTopicsSharesTheListOfOne(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{}, 20)
	registered(f, "", "a")
	registered(f, "", "a", "b")
	deliveries := f.hub.route([]*Event{{ID: 1, Topic: "a"}, {ID: 2, Topic: "c"}, {ID: 3, Topic: "a"}})
	if len(deliveries) != 2 || len(deliveries[0].events) != 2 || &deliveries[0].events[0] != &deliveries[1].events[0] {
		t.Errorf("the followers do not share one list: %+v", deliveries)
	}
}

func BenchmarkAccessEvent(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint("subscriptions=", n), func(b *testing.B) {
			f := newFeed(nil, Options{}, 20)
			crowd(f, n)
			for b.Loop() {
				f.hub.openPoll(&poll{logInterval: logInterval{prev: snapshot{1, 1, nil}}, access: []accessEvent{{"rooms/7", ""}}})
			}
		})
	}
}

// BenchmarkRouteToFollowersOfSeveralTopics routes a chunk of a thousand events of which few are for
// each of a thousand followers of twenty topics.
func BenchmarkRouteToFollowersOfSeveralTopics(b *testing.B) {
	f := newFeed(nil, Options{}, 20)
	for i := range 1000 {
		var topics []topic.Topic
		for j := range 20 {
			topics = append(topics, topic.Topic(fmt.Sprintf("rooms/%d/%d", i, j)))
		}
		registered(f, "", topics...)
	}
	var events []*Event
	for i := range 1000 {
		events = append(events, &Event{ID: int64(i), Topic: topic.Topic(fmt.Sprintf("rooms/%d/%d", i, i%20))})
	}
	for b.Loop() {
		f.hub.route(events)
	}
}

// anyEvent is an event on any topic, or now and then a reset event for any pattern.
func anyEvent(random *rand.Rand, id int64, xid uint64) *Event {
	r := logRow{id: id, xid: xid, topic: string(anyTopic(random)), typ: new(string)}
	if random.IntN(8) == 0 {
		pattern := strings.ReplaceAll("/"+string(anyTopic(random))+"/", []string{"/a/", "/b/", "/ab/", "x"}[random.IntN(4)], "/{p:int}/")
		*r.typ, r.topic, r.data = resetType, "/", fmt.Appendf(nil, `{"topics":[%q],"reason":"truncate"}`, strings.Trim(pattern, "/"))
	}
	return r.event()
}

// isForAny reports whether a follower of the topics receives the event.
func isForAny(topics []topic.Topic, e *Event) bool {
	return slices.ContainsFunc(topics, func(followed topic.Topic) bool {
		if e.reset == nil {
			return followed.Covers(e.Topic)
		}
		pattern := strings.Split(strings.Split(string(e.Data), `"`)[3], "/")
		parts := strings.Split(string(followed), "/")
		n := min(len(parts), len(pattern))
		return slices.EqualFunc(pattern[:n], parts[:n], func(own, part string) bool { return own == part || own == "{p:int}" })
	})
}

package notifier

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"rowcall/notifier/topic"
)

func TestUnfollowableEventsAreCounted(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	asked := 0
	u := newUnfollowableCount(&Options{CanFollow: func(name topic.Topic) bool {
		asked++
		return strings.HasPrefix(string(name), "room/")
	}}, slog.New(slog.NewTextHandler(&log, nil)))
	var events []*Event
	for range 3 {
		for _, name := range []string{"room/1", "slugs/ABC/1 ü", "room/2", "slugs/ABC/1 ü"} {
			events = append(events, &Event{Topic: topic.Topic(name)})
		}
	}
	u.count(events)
	u.count(events)
	if got := u.stats(); got.Events != 12 || !slices.Equal(got.Topics, []string{"slugs/ABC/1 ü"}) {
		t.Errorf("got %+v, want 12 events under one topic", got)
	}
	if asked != 2+12 {
		t.Errorf("asked %d times, want once for each topic that can be followed, and 12 times for the other", asked)
	}
	if n := strings.Count(log.String(), "nobody can follow"); n != 1 || !strings.Contains(log.String(), "events=6") {
		t.Errorf("%d lines, want one of 6 events: %s", n, log.String())
	}
	var many []*Event
	for i := range 30 {
		many = append(many, &Event{Topic: topic.Topic(fmt.Sprintf("x/%d", i))})
	}
	many = append(many, &Event{Topic: "x/25"}, &Event{Topic: topic.Topic(strings.Repeat("é", 99))})
	u.count(many)
	got := u.stats()
	if want := []string{strings.Repeat("é", 50) + "...", "x/25", "x/29", "x/28", "x/27", "x/26", "x/24", "x/23", "x/22", "x/21"}; !slices.Equal(got.Topics, want) || got.Events != 44 {
		t.Errorf("got %+v, want 44 events and the topics %q", got, want)
	}
}

func TestKnownTopicsAreBounded(t *testing.T) {
	t.Parallel()
	u := newUnfollowableCount(&Options{CanFollow: func(topic.Topic) bool { return true }}, slog.New(slog.DiscardHandler))
	for i := range 2*maxKnownFollowable + 5 {
		u.count([]*Event{{Topic: topic.Topic(fmt.Sprint(i))}})
	}
	if n := len(u.known); n > maxKnownFollowable {
		t.Errorf("%d topics are kept, want at most %d", n, maxKnownFollowable)
	}
}

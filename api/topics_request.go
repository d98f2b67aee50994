package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// errGone says that nobody is there to be answered any more.
var errGone = errors.New("the client has gone")

// topicRequests is what the answers to requests about topics over HTTP share.
type topicRequests struct {
	*handshakes
	feed    feed
	topics  *access.Rules
	limits  Limits
	batches *batches
}

// followed are topics that a request names, each once and in its one spelling.
func (t *topicRequests) followed(names []string) ([]topic.Topic, error) {
	var topics []topic.Topic
	for _, name := range names {
		parsed, err := topic.Parse(name)
		if err != nil {
			return nil, problem.BadParameter("topic", topic.ErrInvalid.Error())
		}
		if parsed = t.topics.Spell(parsed); !slices.Contains(topics, parsed) {
			topics = append(topics, parsed)
		}
		if len(topics) > t.limits.SubscriptionsPerSocket {
			return nil, problem.BadParameter("topic", fmt.Sprintf("at most %d", t.limits.SubscriptionsPerSocket))
		}
	}
	if len(topics) == 0 {
		return nil, problem.BadParameter("topic", "name one or several")
	}
	return topics, nil
}

// subscribe asks the feed for what a request wants, where it is known who asks and the feed is up
// to it.
func (t *topicRequests) subscribe(ctx context.Context, in *admission, wanted notifier.Request) (subscription, notifier.Start, error) {
	switch {
	case in.unknown != nil:
		return nil, notifier.Start{}, in.unknown
	case t.feed.Health().Err != nil:
		return nil, notifier.Start{}, problem.ErrUnavailable
	}
	wanted.Meter = t.door.ReplayMeter(in.address, in.who.User)
	return t.subscribeAs(ctx, in.who, wanted)
}

// subscribeAs subscribes for somebody.
func (t *topicRequests) subscribeAs(ctx context.Context, who identity.Identity, wanted notifier.Request) (subscription, notifier.Start, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	wanted.Follower = who.Follower()
	return t.feed.Subscribe(ctx, wanted)
}

// alarm holds a token while a request's subscription has something new.
type alarm chan struct{}

func newAlarm() alarm { return make(alarm, 1) }

func (a alarm) wake() {
	select {
	case a <- struct{}{}:
	default:
	}
}

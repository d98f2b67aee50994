package api

import (
	"context"

	"rowcall/api/access"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// feed is what sessions use of notifier.Feed.
type feed interface {
	Subscribe(ctx context.Context, r notifier.Request) (subscription, notifier.Start, error)
	NewHolder(shed func()) *notifier.Holder
	Cursor() string
	Health() notifier.Health
	Stats() notifier.Stats
	QueueStats() notifier.QueueStats
	FollowedTopics() []notifier.TopicCount
}

// subscription is what sessions use of notifier.Subscription.
type subscription interface {
	Take(max int) (notifier.Taken, error)
	CaughtUp() bool
	Topics() []topic.Topic
	QueueSize() (events, bytes int)
	Close()
}

var (
	_ feed         = liveFeed{}
	_ subscription = (*notifier.Subscription)(nil)
)

// caughtUpCursor returns the node's position if it holds for readers who have caught up, and an empty
// text else. The position is read before and after: a subscription may begin ahead of the node, and then
// it has caught up with a later position only.
func caughtUpCursor(f feed, caughtUp func() bool) string {
	cursor := f.Cursor()
	if cursor == "" || !caughtUp() || f.Cursor() != cursor {
		return ""
	}
	return cursor
}

// liveFeed is notifier.Feed behind the sessions' interface.
type liveFeed struct {
	*notifier.Feed
	topics *access.Rules
}

// Subscribe is notifier.Feed's. The rule of the topic says what a slow reader may skip.
func (f liveFeed) Subscribe(ctx context.Context, r notifier.Request) (subscription, notifier.Start, error) {
	if len(r.Topics) == 1 {
		r.Latest = f.topics.LatestField(r.Topics[0])
	}
	sub, start, err := f.Feed.Subscribe(ctx, r)
	if err != nil {
		return nil, notifier.Start{}, err
	}
	return sub, start, nil
}

package node

import (
	"context"
	"errors"
	"time"

	"rowcall/api/identity"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// followRetry is the time between two attempts to subscribe while the database does not answer.
const followRetry = time.Second

// eventsPerTake is how many events Follow hands out at once, at most.
const eventsPerTake = 256

// Follow reads the events of topics as an identity, from now on. It calls live once: whatever is committed after that call is
// read. It calls each for what was read, and each gets every event once. A gap is reported as a reset. Follow returns nil after
// ctx has ended or the node has closed its subscriptions, the error of each, or why the identity may not follow.
func (n *Node) Follow(ctx context.Context, topics []topic.Topic, who identity.Identity, live func(), each func(notifier.Taken) error) error {
	f := &follow{node: n, who: who, topics: topics, wake: make(chan struct{}, 1), live: live, each: each}
	for {
		err := f.once(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, notifier.ErrClosed):
			return nil
		case !errors.Is(err, notifier.ErrUnavailable) && !errors.Is(err, notifier.ErrSlow):
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followRetry):
		}
	}
}

// follow is one call of Follow.
type follow struct {
	node   *Node
	who    identity.Identity
	topics []topic.Topic
	since  string // cursor after the last event taken; empty before the first subscription
	wake   chan struct{}
	live   func()
	each   func(notifier.Taken) error
}

// once subscribes, where the subscription before has ended, and reads until that one ends.
func (f *follow) once(ctx context.Context) error {
	sub, start, err := f.node.feed.Subscribe(ctx, notifier.Request{Topics: f.topics, Follower: f.who.Follower(), Since: f.since, Wake: f.notice})
	if err != nil {
		return err
	}
	defer sub.Close()
	if f.live != nil {
		f.live()
		f.live = nil
	}
	if f.since != "" && !start.Recovered {
		if err := f.each(notifier.Taken{Reset: &notifier.Reset{Reason: start.Reason, Topics: f.topics}}); err != nil {
			return err
		}
	}
	for {
		taken, err := sub.Take(eventsPerTake)
		f.since = sub.Cursor()
		switch {
		case err != nil:
			return err
		case taken.Reset != nil || len(taken.Events) > 0:
			if err := f.each(taken); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.wake:
		}
	}
}

// notice wakes the reader. It never blocks.
func (f *follow) notice() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

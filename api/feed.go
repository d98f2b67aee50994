package api

import (
	"context"

	"rowcall/api/access"
	"rowcall/notifier"
	"rowcall/notifier/filter"
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
	// mark is what a cursor of the feed needs behind it to be one of the subscription.
	mark() cursorMark
	// passed is the cursor behind events that a filter has left out; see filteredSubscription.
	passed() string
}

var (
	_ feed         = liveFeed{}
	_ subscription = plainSubscription{}
	_ subscription = (*filteredSubscription)(nil)
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
	topics  *access.Rules
	filters *filterTable
}

// Subscribe is notifier.Feed's. The rule of the topic says what a slow reader may skip.
//
// Request.Filter is a *filter.Condition or nil; with one, the request is for one topic. Whether it fits the topic
// is told to nobody who may not follow the topic. A cursor of another filter is answered as one that is of no use.
func (f liveFeed) Subscribe(ctx context.Context, r notifier.Request) (subscription, notifier.Start, error) {
	if len(r.Topics) == 1 && r.Filter == nil {
		r.Latest = f.topics.LatestField(r.Topics[0])
	}
	own, misfit := f.bindFilter(&r)
	var mark cursorMark
	if own != nil {
		mark = newCursorMark(r.Topics[0], own.Canonical())
	}
	since := r.Since
	otherFilter := takeMarks(&r, mark)
	sub, start, err := f.Feed.Subscribe(ctx, r)
	if err != nil {
		return nil, notifier.Start{}, err
	}
	if misfit != nil {
		sub.Close()
		return nil, notifier.Start{}, misfit
	}
	switch {
	case otherFilter:
		start.Reason, start.Cursor = resetFilter, mark.mark(start.Cursor)
	case start.Recovered:
		start.Cursor = since
	default:
		start.Cursor = mark.mark(start.Cursor)
	}
	if own == nil {
		return plainSubscription{sub}, start, nil
	}
	shared, err := f.filters.acquire(r.Topics[0], own)
	if err != nil {
		sub.Close()
		return nil, notifier.Start{}, err
	}
	return newFilteredSubscription(sub, shared, f.filters, r.Wake), start, nil
}

// bindFilter checks the filter of a request against the topic's columns. If it does not fit, the request asks for no
// more than access.
func (f liveFeed) bindFilter(r *notifier.Request) (own *access.Filter, misfit error) {
	condition, _ := r.Filter.(*filter.Condition)
	r.Filter = nil
	if condition == nil {
		return nil, nil
	}
	own, misfit = f.topics.Filter(r.Topics[0], *condition)
	if misfit != nil {
		r.Snapshot, r.Since = false, ""
		return nil, misfit
	}
	r.Filter = own
	return own, nil
}

// takeMarks takes the marks from the cursor of a request. It reports whether the cursor is of another filter: then
// the request begins from now.
func takeMarks(r *notifier.Request, own cursorMark) (otherFilter bool) {
	if r.Since == "" || r.Snapshot {
		return false
	}
	cursor, marks := splitCursor(r.Since)
	r.Since = cursor
	if own.fits(r.Topics, marks) || !notifier.IsCursor(cursor) {
		return false
	}
	r.Since = ""
	return true
}

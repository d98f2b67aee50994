package notifier

import (
	"context"
	"slices"
	"sync"
	"time"

	"rowcall/notifier/topic"
)

// questionsAtOnce bounds the access queries in flight for subscriptions that are held.
const questionsAtOnce = 4

// questions collects the subscriptions whose access must be asked again. Topics of one root are asked about in
// one call, one call at a time: a table that is locked holds up its own topics only.
type questions struct {
	mu     sync.Mutex // guards open and asking
	open   map[*Subscription]struct{}
	asking map[topic.Topic]bool // the roots whose call is under way
	ready  chan struct{}
}

func newQuestions() *questions {
	return &questions{open: make(map[*Subscription]struct{}), asking: make(map[topic.Topic]bool), ready: make(chan struct{}, 1)}
}

func (q *questions) add(subs []*Subscription) {
	if len(subs) == 0 {
		return
	}
	q.mu.Lock()
	for _, s := range subs {
		q.open[s] = struct{}{}
	}
	q.mu.Unlock()
	q.signal()
}

func (q *questions) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take returns what is open, by root, and leaves what belongs to a root whose call is under way.
func (q *questions) take() map[topic.Topic][]*Subscription {
	q.mu.Lock()
	defer q.mu.Unlock()
	groups := make(map[topic.Topic][]*Subscription)
	for s := range q.open {
		root := s.topics[0].Root()
		if !q.asking[root] {
			groups[root] = append(groups[root], s)
			delete(q.open, s)
		}
	}
	for root := range groups {
		q.asking[root] = true
	}
	return groups
}

// answered lets a root's next call begin.
func (q *questions) answered(root topic.Topic) {
	q.mu.Lock()
	delete(q.asking, root)
	q.mu.Unlock()
	q.signal()
}

// answer asks again for held subscriptions until ctx ends.
func (f *Feed) answer(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	places := make(chan struct{}, questionsAtOnce)
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.questions.ready:
		}
		for root, group := range f.questions.take() {
			select {
			case <-ctx.Done():
				return
			case places <- struct{}{}:
			}
			asking.Go(func() {
				f.askAgain(ctx, group)
				f.questions.answered(root)
				<-places
			})
		}
	}
}

// askAgain asks for all of them in one call and lets go those that are answered. Those that are
// not stay held: a topic is paused rather than kept flowing on an old answer.
func (f *Feed) askAgain(ctx context.Context, subs []*Subscription) {
	if subs = slices.DeleteFunc(subs, (*Subscription).over); len(subs) == 0 {
		return
	}
	asks := make([]uint64, len(subs))
	var all []Question
	for i, s := range subs {
		asks[i] = s.question()
		all = append(all, s.questions()...)
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	grants, err := f.rules.Ask(asking, all)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			f.log.Warn("access cannot be asked; its topics are paused", "topic", subs[0].topics[0], "subscriptions", len(subs), "err", err)
		}
		pause(ctx, 250*time.Millisecond)
		f.questions.add(subs)
		return
	}
	f.settle(subs, asks, grants)
}

func (f *Feed) settle(subs []*Subscription, asks []uint64, grants []Grant) {
	var unsettled []*Subscription
	for i, s := range subs {
		n := len(s.topics)
		if !s.settle(asks[i], grants[:n:n]) {
			unsettled = append(unsettled, s)
		}
		grants = grants[n:]
	}
	f.questions.add(unsettled)
}

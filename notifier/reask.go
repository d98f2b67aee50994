package notifier

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"rowcall/notifier/topic"
)

// askTimeout bounds one call of Rules.Ask.
const askTimeout = 10 * time.Second

// askAccess asks access for all topics of one subscription, applies the answer, and returns the
// refusal if it is one. The caller must have fixed the bound of the events that follow before: a
// right that was removed before the bound is then seen to be removed. If access is put in question
// meanwhile, the reasker asks again: what the subscription gets after that waits for its answer.
func askAccess(ctx context.Context, rules Rules, s *Subscription) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	question := s.lastQuestion()
	grants, err := rules.Ask(ctx, s.accessQuestions())
	if err == nil {
		err = unansweredIn(grants)
	}
	if err != nil {
		return fmt.Errorf("asking access: %w", err)
	}
	s.applyGrants(question, grants)
	return refusalIn(grants)
}

// groupsAtOnce bounds the access queries in flight for paused subscriptions.
const groupsAtOnce = 4

// reaskQueue collects the subscriptions whose access must be asked again. It groups them by the
// root of their first topic. A group is asked about in one call, and a root has one call at a time:
// a table that is locked holds up only the topics that need it.
type reaskQueue struct {
	added signal // raised when a group may be ready

	mu     sync.Mutex                                 // guards all below
	open   map[topic.Topic]map[*Subscription]struct{} // by root
	asking map[topic.Topic]bool                       // roots whose call is under way
}

// questionGroup is the subscriptions that are asked about in one call.
type questionGroup struct {
	root topic.Topic
	subs []*Subscription
}

func newReaskQueue() *reaskQueue {
	return &reaskQueue{added: newSignal(), open: make(map[topic.Topic]map[*Subscription]struct{}), asking: make(map[topic.Topic]bool)}
}

func (q *reaskQueue) add(subs []*Subscription) {
	if len(subs) == 0 {
		return
	}
	q.mu.Lock()
	for _, s := range subs {
		root := s.topics[0].Root()
		if q.open[root] == nil {
			q.open[root] = make(map[*Subscription]struct{})
		}
		q.open[root][s] = struct{}{}
	}
	q.mu.Unlock()
	q.added.raise()
}

// nextGroups removes and returns the groups that can be asked about. Subscriptions whose root has a
// call under way stay in the queue.
func (q *reaskQueue) nextGroups() []questionGroup {
	q.mu.Lock()
	defer q.mu.Unlock()
	var groups []questionGroup
	for root, subs := range q.open {
		if !q.asking[root] {
			groups = append(groups, questionGroup{root, slices.Collect(maps.Keys(subs))})
			q.asking[root] = true
			delete(q.open, root)
		}
	}
	return groups
}

// rootIsFree lets the next call for this root begin.
func (q *reaskQueue) rootIsFree(root topic.Topic) {
	q.mu.Lock()
	delete(q.asking, root)
	q.mu.Unlock()
	q.added.raise()
}

// reasker asks access again for the subscriptions in its queue, which are paused.
type reasker struct {
	rules Rules
	log   *slog.Logger
	queue *reaskQueue
}

// keepAsking serves the queue until ctx ends, with up to groupsAtOnce goroutines. It returns after
// the last of them.
func (r *reasker) keepAsking(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	slots := make(chan struct{}, groupsAtOnce)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.queue.added:
		}
		for _, group := range r.queue.nextGroups() {
			select {
			case <-ctx.Done():
				return
			case slots <- struct{}{}:
			}
			asking.Go(func() {
				unanswered := r.askGroup(ctx, group.subs)
				r.queue.rootIsFree(group.root)
				<-slots
				if len(unanswered) > 0 {
					pause(ctx, unansweredPause)
					r.queue.add(unanswered)
				}
			})
		}
	}
}

// unansweredPause is how long a question waits that had no answer.
const unansweredPause = 250 * time.Millisecond

// askGroup asks for all of the subscriptions in one call. The subscriptions that get an answer go
// on; the others stay paused and are queued again. A topic is paused rather than kept flowing on an
// old answer. askGroup returns the subscriptions that have no answer although the call succeeded: they
// must be queued after a pause in which others of their root are asked about.
func (r *reasker) askGroup(ctx context.Context, subs []*Subscription) (unanswered []*Subscription) {
	if subs = slices.DeleteFunc(subs, (*Subscription).hasEnded); len(subs) == 0 {
		return nil
	}
	last := make([]uint64, len(subs))
	var all []Question
	for i, s := range subs {
		last[i] = s.lastQuestion()
		all = append(all, s.accessQuestions()...)
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	grants, err := r.rules.Ask(asking, all)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("access cannot be asked; its topics are paused", "topic", subs[0].topics[0], "subscriptions", len(subs), "err", err)
		}
		pause(ctx, unansweredPause)
		r.queue.add(subs)
		return nil
	}
	again, unanswered := applyToGroup(subs, last, grants)
	r.queue.add(again)
	return unanswered
}

// applyToGroup applies the grants, one for each topic of each subscription. It returns the
// subscriptions that must be asked about again, and those that have no answer.
func applyToGroup(subs []*Subscription, questions []uint64, grants []Grant) (again, unanswered []*Subscription) {
	for i, s := range subs {
		n := len(s.topics)
		own := grants[:n:n]
		grants = grants[n:]
		switch {
		case unansweredIn(own) != nil:
			unanswered = append(unanswered, s)
		case !s.applyGrants(questions[i], own):
			again = append(again, s)
		}
	}
	return again, unanswered
}

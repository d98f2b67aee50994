package notifier

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
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

// reaskQueue collects the subscriptions whose access must be asked again. It groups them by root
// topic, and a group is asked about in one call. The groups stand in a rootLine: a table that is
// locked holds up only the topics that need it. A root has one call for subscriptions that had
// answers so far at a time, and one for those that had none.
//
// A subscription that had no answer waits in a group of its own kind, and new questions leave it
// there, so that it does not hold up the others of its root again. A group that fails as a whole is
// split: so the subscriptions that can be asked about are found, whatever fails for the others.
type reaskQueue struct {
	line *rootLine[*questionGroup]

	mu       sync.Mutex                // guards all below, and the groups in open
	open     map[string]*questionGroup // in line, still growing; by root
	retrying map[*Subscription]bool    // in groups that have failed, until they have an answer
}

// questionGroup is the subscriptions that are asked about in one call.
type questionGroup struct {
	root string
	subs map[*Subscription]struct{}
}

func newReaskQueue(permits int) *reaskQueue {
	return &reaskQueue{
		line: newRootLine[*questionGroup](permits, 1), open: make(map[string]*questionGroup),
		retrying: make(map[*Subscription]bool),
	}
}

func (q *reaskQueue) add(subs []*Subscription) {
	for _, group := range q.addToGroups(subs) {
		q.line.add(group.root, group)
	}
}

// addToGroups returns the groups that are new.
func (q *reaskQueue) addToGroups(subs []*Subscription) []*questionGroup {
	q.mu.Lock()
	defer q.mu.Unlock()
	var begun []*questionGroup
	for _, s := range subs {
		if q.retrying[s] {
			continue
		}
		root := s.root()
		if q.open[root] == nil {
			q.open[root] = &questionGroup{root, make(map[*Subscription]struct{})}
			begun = append(begun, q.open[root])
		}
		q.open[root].subs[s] = struct{}{}
	}
	return begun
}

// next returns a group that is to be asked about now, and its subscriptions that have not ended; nil
// if there is none.
func (q *reaskQueue) next() (*service[*questionGroup], []*Subscription) {
	turn := q.line.next()
	if turn == nil {
		return nil, nil
	}
	var open, ended []*Subscription
	for _, s := range q.takeGroup(turn.item) {
		if s.hasEnded() {
			ended = append(ended, s)
		} else {
			open = append(open, s)
		}
	}
	q.forget(ended)
	return turn, open
}

// takeGroup returns the subscriptions of a group, which does not grow any more. A group that was still
// growing leaves out those that wait in a failed group by now.
func (q *reaskQueue) takeGroup(group *questionGroup) []*Subscription {
	q.mu.Lock()
	defer q.mu.Unlock()
	subs := slices.Collect(maps.Keys(group.subs))
	if q.open[group.root] != group {
		return subs
	}
	delete(q.open, group.root)
	return slices.DeleteFunc(subs, func(s *Subscription) bool { return q.retrying[s] })
}

// forget notes that the subscriptions wait for no retry.
func (q *reaskQueue) forget(subs []*Subscription) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range subs {
		delete(q.retrying, s)
	}
}

// maxParkedGroups bounds how far the groups of one root are split: where nothing can be asked, small
// groups would be many queries.
const maxParkedGroups = 64

// retry asks about subscriptions again that had no answer, after a while. split says that one group
// should become two.
func (q *reaskQueue) retry(turn *service[*questionGroup], subs []*Subscription, split bool) {
	root := turn.item.root
	if !split || len(subs) == 1 || q.line.parkedItems(root) >= maxParkedGroups {
		q.park(root, subs, turn.failures+1)
		return
	}
	slices.SortFunc(subs, compareTopics)
	q.park(root, subs[:len(subs)/2], turn.failures+1)
	q.park(root, subs[len(subs)/2:], turn.failures+1)
}

// compareTopics orders subscriptions by their first topics, so that neighbours are likely to have
// the same access rule.
func compareTopics(a, b *Subscription) int {
	depth := func(s *Subscription) int { return strings.Count(string(s.topics[0]), "/") }
	return cmp.Or(cmp.Compare(depth(a), depth(b)), cmp.Compare(a.topics[0], b.topics[0]))
}

func (q *reaskQueue) park(root string, subs []*Subscription, failures int) {
	group := &questionGroup{root, make(map[*Subscription]struct{}, len(subs))}
	q.mu.Lock()
	for _, s := range subs {
		group.subs[s] = struct{}{}
		q.retrying[s] = true
	}
	q.mu.Unlock()
	q.line.park(root, group, failures)
}

// answered notes that the subscriptions have an answer. Those whose access was put in question after
// it was asked for are queued again.
func (q *reaskQueue) answered(subs []*Subscription) {
	q.forget(subs)
	// A question that came before that was not queued. It is seen here.
	q.add(slices.DeleteFunc(subs, func(s *Subscription) bool { return !s.isInQuestion() }))
}

// reasker asks access again for the subscriptions in its queue, which are paused.
type reasker struct {
	rules Rules
	log   *slog.Logger
	queue *reaskQueue
}

// keepAsking serves the queue until ctx ends, with at most one goroutine for each permit of its line.
// It returns after the last of them.
func (r *reasker) keepAsking(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.queue.line.ready:
		}
		for turn, subs := r.queue.next(); turn != nil; turn, subs = r.queue.next() {
			asking.Go(func() {
				working, end := r.queue.line.begin(ctx, turn)
				how := r.askGroup(working, turn, subs)
				end()
				r.queue.line.done(turn, how)
			})
		}
	}
}

// groupTimeout bounds the call for a group of n subscriptions that has failed so many times. A call
// for several may take long because of one of them. It is given up early then, and the group is
// split; but calls that always take long must come to their end too.
func groupTimeout(n, failures int) time.Duration {
	if n == 1 {
		return askTimeout
	}
	return min(askTimeout, 2*time.Second<<min(failures, 8))
}

// askGroup asks for all of the subscriptions in one call. The subscriptions that get an answer go
// on; the others stay paused and are asked about again later. A topic is paused rather than kept
// flowing on an old answer.
//
// A subscription without an answer in a call that succeeds is no failure of its root: the database
// has answered, and about the others of the root. Such a subscription waits by itself. What does
// count for the root is time: a call that takes long holds a permit, whatever comes of it.
func (r *reasker) askGroup(ctx context.Context, turn *service[*questionGroup], subs []*Subscription) outcome {
	if len(subs) == 0 {
		return outcomeUndecided
	}
	last := make([]uint64, len(subs))
	var all []Question
	for i, s := range subs {
		last[i] = s.lastQuestion()
		all = append(all, s.accessQuestions()...)
	}
	began := time.Now()
	asking, cancel := context.WithTimeout(ctx, groupTimeout(len(subs), turn.failures))
	grants, err := r.rules.Ask(asking, all)
	cancel()
	if err != nil {
		if wasInterrupted(ctx) {
			err = fmt.Errorf("%w: %w", errInterrupted, err)
		}
		if ctx.Err() == nil || wasInterrupted(ctx) {
			r.log.Warn("access cannot be asked; its topics are paused", "topic", subs[0].topics[0], "subscriptions", len(subs), "err", err)
		}
		// A first failure that comes at once may be that of a lost connection: the next call may succeed.
		r.queue.retry(turn, subs, turn.failures > 0 || time.Since(began) > slowAfter)
		return outcomeFailed
	}
	answered, unanswered := applyToGroup(subs, last, grants)
	if len(unanswered) > 0 {
		r.queue.retry(turn, unanswered, false)
	}
	r.queue.answered(answered)
	if len(answered) == 0 {
		return outcomeFailed
	}
	return outcomeServed
}

// applyToGroup applies the grants, one for each topic of each subscription. It returns the
// subscriptions that have an answer, and those that have none.
func applyToGroup(subs []*Subscription, questions []uint64, grants []Grant) (answered, unanswered []*Subscription) {
	for i, s := range subs {
		n := len(s.topics)
		own := grants[:n:n]
		grants = grants[n:]
		if unansweredIn(own) != nil {
			unanswered = append(unanswered, s)
			continue
		}
		s.applyGrants(questions[i], own)
		answered = append(answered, s)
	}
	return answered, unanswered
}

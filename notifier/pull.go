package notifier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	pageEvents = 500
	pageBytes  = 256 << 10

	askTimeout = 10 * time.Second
)

// pulls is the line of subscriptions that read from the log. A few workers serve it, a page each
// turn, so that many replays share the database fairly.
type pulls struct {
	mu    sync.Mutex // guards line
	line  []*Subscription
	ready chan struct{} // holds a token while somebody waits
}

func newPulls() *pulls { return &pulls{ready: make(chan struct{}, 1)} }

func (p *pulls) add(subs ...*Subscription) {
	if len(subs) == 0 {
		return
	}
	p.mu.Lock()
	p.line = append(p.line, subs...)
	p.mu.Unlock()
	p.token()
}

func (p *pulls) token() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// take waits for the first in line; it returns nil when ctx ends.
func (p *pulls) take(ctx context.Context) *Subscription {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.ready:
		}
		if s := p.pop(); s != nil {
			return s
		}
	}
}

func (p *pulls) pop() *Subscription {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.line) == 0 {
		return nil
	}
	s := p.line[0]
	p.line[0] = nil
	p.line = p.line[1:]
	if len(p.line) > 0 {
		p.token()
	}
	return s
}

// pullAll serves the line until ctx ends.
func (f *Feed) pullAll(ctx context.Context) {
	for {
		s := f.pulls.take(ctx)
		if s == nil {
			return
		}
		f.turn(ctx, s)
	}
}

// turn brings one subscription a page further, or live.
func (f *Feed) turn(ctx context.Context, s *Subscription) {
	switch f.goLive(s) {
	case notNow:
		return // the hub puts it in line again after the batch
	case tooFar:
		f.counts.pages.Add(1)
		wait, err := f.pullPage(ctx, s)
		if err != nil && ctx.Err() == nil {
			f.log.Warn("replay interrupted", "topics", s.topics, "err", err)
			pause(ctx, 200*time.Millisecond)
		}
		if wait > 0 {
			s.wake()
			s.rest(wait)
			return
		}
	}
	s.release()
}

// goLive attaches the subscription to the node's polls if the tail says what it has missed, or
// queues the first part of that. tooFar means that it still must pull.
func (f *Feed) goLive(s *Subscription) attachment {
	p, resets, ok := s.beginAttach()
	if !ok {
		return gone
	}
	backlog, result := f.hub.attach(s, p)
	s.endAttach(resets, backlog, result)
	if result == attached {
		s.finish()
	}
	return result
}

// pullPage reads the subscription's next page. The order is the promise: the page is bounded by a
// snapshot the node has taken, then the floor, then access is asked, then the page is queued. It returns how long to
// wait before the next.
func (f *Feed) pullPage(ctx context.Context, s *Subscription) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	place, resets := s.place()
	here, _ := f.hub.where()
	next := spanOf(place.position, here.prev)
	if fits, err := f.countLag(ctx, s, place.position, here.prev); err != nil || !fits {
		return 0, err
	}
	page, err := readPage(ctx, f.pool, next, s.topics, f.pageLimit())
	if err == nil {
		err = checkFloor(ctx, f.pool, place.prev)
	}
	if errors.Is(err, errExpired) {
		f.tell(s, ResetExpired)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := f.ask(ctx, s); err != nil {
		return 0, failure(err)
	}
	s.pulled(resets, page.events, next.mark(place.epoch, page))
	f.load.enter(page.events)
	return s.spend(page.events), nil
}

// countLag ends a subscription that has fallen further behind than a replay may deliver.
func (f *Feed) countLag(ctx context.Context, s *Subscription, from position, to snapshot) (bool, error) {
	if !s.takeUncounted() {
		return true, nil
	}
	n, err := countAfter(ctx, f.pool, from, to, s.topics, f.options.ReplayEvents+1)
	if err != nil {
		s.putUncounted()
		return false, err
	}
	if n <= f.options.ReplayEvents {
		return true, nil
	}
	f.counts.slow.Add(1)
	s.end(ErrSlow) // the hub knows it until it is closed: what waits still counts
	return false, nil
}

func (s *Subscription) takeUncounted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	uncounted := s.uncounted
	s.uncounted = false
	return uncounted
}

func (s *Subscription) putUncounted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncounted = true
}

func (f *Feed) pageLimit() pageLimit {
	return pageLimit{
		events: max(1, min(pageEvents, f.options.QueueEvents/2)),
		bytes:  max(1, min(pageBytes, f.options.QueueBytes/2)),
	}
}

// mark gives a page's events their cursors and returns the place behind the page.
func (s span) mark(epoch string, p page) position {
	inside := newInsider(epoch, s.from.prev, s.to)
	next := s.from
	for _, e := range p.events {
		e.exact = inside.at(e.ID)
		e.cursor = e.exact
		next.id = e.ID
	}
	if !p.complete {
		return next
	}
	next = after(s.to)
	if n := len(p.events); n > 0 { // they are this subscription's alone, and of all its topics
		last := p.events[n-1]
		last.exact = cursor{epoch: epoch, position: next}.String()
		last.cursor = last.exact
	}
	return next
}

// failure is err unless it says that access was refused: that ended the subscription, and its
// owner is told.
func failure(err error) error {
	for _, refused := range []error{ErrUnauthorized, ErrForbidden, ErrNotFound} {
		if errors.Is(err, refused) {
			return nil
		}
	}
	return err
}

// ask asks access for all topics of a subscription, applies the answer, and returns the refusal if
// it is one. Whatever bounds the events that follow must have been fixed before.
func (f *Feed) ask(ctx context.Context, s *Subscription) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for {
		asks := s.question()
		grants, err := f.rules.Ask(ctx, s.questions())
		if err != nil {
			return fmt.Errorf("asking access: %w", err)
		}
		if s.settle(asks, grants) {
			return refusal(grants)
		}
	}
}

func (s *Subscription) questions() []Question {
	questions := make([]Question, len(s.topics))
	for i, t := range s.topics {
		questions[i] = Question{Topic: t, Follower: s.follower}
	}
	return questions
}

// tell resets one subscription to where the node is.
func (f *Feed) tell(s *Subscription, reason ResetReason) {
	here, text := f.hub.where()
	s.reset(reason, here, text)
}

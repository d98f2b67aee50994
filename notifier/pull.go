package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rowcall/notifier/dbconn"
)

// pullQueue is the line of subscriptions that read from the log. A few pullers serve it, one page a
// turn, so that many replays share the database fairly. A root topic whose access cannot be asked
// holds up its own replays alone: see rootLine.
type pullQueue struct{ line *rootLine[*Subscription] }

func newPullQueue(pullers int) *pullQueue {
	return &pullQueue{newRootLine[*Subscription](pullers, mostPerRoot(pullers))}
}

func (q *pullQueue) add(subs ...*Subscription) {
	for _, s := range subs {
		q.line.add(s.root(), s)
	}
}

// next waits for a subscription whose turn it is. It returns nil when ctx ends.
func (q *pullQueue) next(ctx context.Context) *service[*Subscription] {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.line.ready:
		}
		if turn := q.line.next(); turn != nil {
			return turn
		}
	}
}

// puller reads replays from the log. Several goroutines use one puller.
type puller struct {
	options *Options
	log     *slog.Logger
	pool    *dbconn.Pool
	reader  *logReader
	rules   Rules
	hub     *hub
	load    *load
	counts  *feedCounts
	queue   *pullQueue
	pace    *pullPace
}

// keepPulling serves the queue until ctx ends.
func (p *puller) keepPulling(ctx context.Context) {
	for {
		turn := p.queue.next(ctx)
		if turn == nil {
			return
		}
		working, end := p.queue.line.begin(ctx, turn)
		how := p.takeTurn(working, turn.item)
		end()
		if how == outcomeFailed {
			p.queue.line.park(turn.item.root(), turn.item, turn.failures+1)
		}
		p.queue.line.done(turn, how)
	}
}

// takeTurn brings one subscription a page further, or live. If it returns outcomeFailed, the
// subscription's turn goes on: the caller parks the subscription and takes the turn again later.
func (p *puller) takeTurn(ctx context.Context, s *Subscription) outcome {
	how := outcomeUndecided
	switch p.hub.goLive(s) {
	case attachDeferred:
		return outcomeUndecided // the hub puts it in line again after the poll
	case attachTooFar:
		p.counts.pages.Add(1)
		rest, err := p.pullPage(ctx, s)
		if p.noteFailure(ctx, s, err) {
			return outcomeFailed
		}
		if err == nil {
			how = outcomeServed
		}
		if rest > 0 {
			s.wake()
			s.endTurnAfter(rest)
			return how
		}
	}
	s.endTurn()
	return how
}

// noteFailure logs the error of a page, and reports whether the page must be tried again later. A replay
// that waits for the database does not count as a replay at work: its reader may begin another.
func (p *puller) noteFailure(ctx context.Context, s *Subscription, err error) bool {
	switch {
	case wasInterrupted(ctx) && err != nil:
		err = fmt.Errorf("%w: %w", errInterrupted, err)
	case err == nil, ctx.Err() != nil:
		return false
	}
	p.log.Warn("replay interrupted", "topics", s.topics, "err", err)
	if s.hasEnded() {
		return false
	}
	s.releaseReplaySlot()
	return true
}

// pullPage reads the subscription's next page, and returns how long to rest before the next one.
// The order of its steps is the promise: the page is bounded by a snapshot that the node has taken,
// then the floor is read, then access is asked, then the page is queued.
//
// If the floor were read before the page, retention could drop events in between, and the gap would
// not be noticed. If access were asked before the bound is fixed, a right could be removed in
// between, and the page could hold events that were filed after the removal.
func (p *puller) pullPage(ctx context.Context, s *Subscription) (time.Duration, error) {
	ctx, progress, cancel := watchdog(ctx, silenceLimit)
	defer cancel()
	from, resets := s.pullPlace()
	here, _ := p.hub.place()
	next := nextSpan(from.position, here.prev)
	if near, err := p.checkLag(ctx, s, from, here.prev, progress); err != nil || !near {
		return 0, err
	}
	page, rest, err := p.readPacedPage(ctx, s, replay{from.epoch, next, s.topics}, progress)
	if errors.Is(err, errExpired) {
		p.resetExpired(s)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := askAccess(ctx, p.rules, s); isRefusal(err) {
		return 0, nil // that has ended the subscription
	} else if err != nil {
		return 0, err
	}
	if !s.queuePage(resets, page.events, next.behind(page)) {
		p.endSlow(s)
	}
	p.load.noteQueued(page.events)
	if s.meter != nil {
		rest = max(rest, s.meter.Spend(totalSize(page.events)))
	}
	return rest, nil
}

// readPacedPage reads the next page of a replay, and returns how long the subscription rests after it.
func (p *puller) readPacedPage(ctx context.Context, s *Subscription, what replay, progress func()) (page logPage, rest time.Duration, err error) {
	if !s.mayRest() {
		page, err = p.readPage(ctx, s, what, progress)
		return page, 0, err
	}
	p.pace.beginPage()
	began := time.Now()
	defer func() {
		now := time.Now()
		if rest = p.pace.endPage(now.Sub(began), now); page.complete || err != nil {
			rest = 0
		}
	}()
	page, err = p.readPage(ctx, s, what, progress)
	return page, 0, err
}

// readPage reads the next page of a replay, and then the floor. It returns errExpired if retention
// may have dropped events of the span.
func (p *puller) readPage(ctx context.Context, s *Subscription, what replay, progress func()) (logPage, error) {
	page, used, err := p.reader.readPage(ctx, what, s.pullOutline(), pageLimit(p.options), progress)
	if err == nil {
		err = checkFloor(ctx, p.pool, what.span.from.prev)
	}
	if err == nil {
		err = p.reader.checkUnmoved(ctx, used)
	}
	if err != nil {
		used = nil
	}
	s.keepOutline(used)
	return page, err
}

// resetExpired resets the subscription to where the node is.
func (p *puller) resetExpired(s *Subscription) {
	here, text := p.hub.place()
	s.resetTo(ResetExpired, here, text)
}

// checkLag ends a subscription whose reader was not there when it fell behind live: more than a
// replay may deliver has come since the poll that did not fit the queue, and the reader has not yet
// made room for a page. What that poll itself has brought does not count: a reader that reads on
// gets all of it, however much it is. checkLag reports whether the subscription goes on. It counts
// once each time the subscription falls behind.
func (p *puller) checkLag(ctx context.Context, s *Subscription, from cursor, to snapshot, progress func()) (bool, error) {
	if !s.takeLagUnknown() {
		return true, nil
	}
	poll := cursorAfter(from.epoch, from.upperBound())
	n, err := p.reader.countAfter(ctx, poll, to, s.topics, p.options.ReplayEvents+1, progress)
	if err != nil {
		s.restoreLagUnknown()
		return false, err
	}
	if n <= p.options.ReplayEvents {
		return true, nil
	}
	p.endSlow(s)
	return false, nil
}

// endSlow ends a subscription whose reader is too slow. It stays in the hub until it is closed: what
// waits still counts.
func (p *puller) endSlow(s *Subscription) {
	p.counts.slow.Add(1)
	s.endWith(ErrSlow)
}

package notifier

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load bounds what waits for all readers of a node together: events in the queues of subscriptions or in the
// hands of their readers, and what holders have besides.
//
// An event counts once, with the encodings that sockets share, however many wait for it: that is what it costs in
// memory, and a burst in a room of ten thousand is no reason to end anybody. To know it exactly, all queues have to be looked at, so that nobody counts
// while events are handed out. What can be known for one addition a chunk is that it is no more than the last
// count has found, and all that came since, with an encoding of each. Only where that is too much is it counted anew, aside.
type load struct {
	limit int64
	came  atomic.Int64  // bytes of events that the last count has found, and of those that came since
	own   atomic.Int64  // bytes that holders have said they have besides
	over  chan struct{} // holds a token while it may be too much

	mu      sync.Mutex // guards holders
	holders map[*Holder]struct{}
}

func newLoad(limit int64) *load {
	return &load{limit: limit, over: make(chan struct{}, 1), holders: make(map[*Holder]struct{})}
}

// high is where the node begins to end readers, and low where it stops: between them lies room for what comes
// while it counts, and for more to come before it counts again.
func (l *load) high() int64 { return l.limit - l.limit/8 }
func (l *load) low() int64  { return l.limit - l.limit/4 }

// enter notes events that somebody may hold. It is called when they are where a count would find them: one that
// finds them first counts them twice, and none misses them.
func (l *load) enter(events []*Event) {
	if len(events) == 0 {
		return
	}
	l.came.Add(2 * int64(sizeOf(events)))
	l.look()
}

// atMost is no less than what waits. Where that is little, it goes on growing until it is worth a count.
func (l *load) atMost() int64 { return l.came.Load() + l.own.Load() }

// look asks for a count where there may be too much.
func (l *load) look() {
	if l.atMost() <= l.high() {
		return
	}
	select {
	case l.over <- struct{}{}:
	default:
	}
}

// registered are the holders that may have something besides events.
func (l *load) registered() []*Holder {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*Holder, 0, len(l.holders))
	for h := range l.holders {
		all = append(all, h)
	}
	return all
}

// relieve keeps the load under its limit until ctx ends. Counting takes at most a sixth of one processor.
func (f *Feed) relieve(ctx context.Context) {
	c := census{feed: f}
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.load.over:
		}
		began := time.Now()
		c.take()
		c.shed()
		c.leave()
		if sleep(ctx, nil, 5*time.Since(began)) != nil {
			return
		}
	}
}

// Holder is one for whom things wait: a socket, a stream, a request. What waits in its subscriptions counts against
// Options.QueuedBytes by itself; what it holds besides, it says with Add. Where all of that is too much for the node,
// the holder that has most is shed: its subscriptions end with ErrSlow at once, without what they had waiting, and
// their reader comes back with its cursor. A nil Holder counts nothing, and the zero one
// only what waits in its subscriptions.
type Holder struct {
	load *load  // nil: nobody counts what it has besides
	shed func() // may be nil
	own  atomic.Int64
	gone atomic.Bool

	// The census's.
	round uint32
	part  int64
	subs  []*Subscription
}

// NewHolder registers a holder until it is closed. shed is called at most once, from any goroutine; it must not block.
func (f *Feed) NewHolder(shed func()) *Holder {
	h := &Holder{load: f.load, shed: shed}
	f.load.mu.Lock()
	defer f.load.mu.Unlock()
	f.load.holders[h] = struct{}{}
	return h
}

// Add notes bytes that the holder has besides events, or, where it is negative, has no more.
func (h *Holder) Add(bytes int) {
	if h == nil || h.load == nil || bytes == 0 || h.gone.Load() {
		return
	}
	h.own.Add(int64(bytes))
	h.load.own.Add(int64(bytes))
	if h.gone.Load() { // meanwhile
		h.giveBack()
	}
	if bytes > 0 {
		h.load.look()
	}
}

// Close takes the holder out, with all that it has said to have. What is added after that does not count.
func (h *Holder) Close() {
	if h == nil || h.load == nil {
		return
	}
	h.gone.Store(true)
	h.giveBack()
	h.load.mu.Lock()
	defer h.load.mu.Unlock()
	delete(h.load.holders, h)
}

// giveBack has the holder have nothing, however often and from wherever it is called.
func (h *Holder) giveBack() { h.load.own.Add(-h.own.Swap(0)) }

// end tells the holder that it was shed. It is not counted any more: what it still has goes with it soon.
func (h *Holder) end() {
	if h.load == nil {
		return
	}
	h.load.mu.Lock()
	_, there := h.load.holders[h]
	delete(h.load.holders, h)
	h.load.mu.Unlock()
	if there && h.shed != nil {
		h.shed()
	}
}

// census is one count of all that waits. It belongs to the goroutine that takes it, and so do the fields of
// events and holders that are the census's.
type census struct {
	feed    *Feed
	round   uint32
	holders []*Holder
	bytes   int64
	ended   int       // holders, since the operator was told
	told    time.Time // when that was
}

// take counts everything, and what each holder's part of it is. What several hold is charged to them in equal
// parts: so the parts add up to the whole, and whoever is charged most is of most use when it goes.
func (c *census) take() {
	before := c.feed.load.came.Load()
	c.round++
	c.holders, c.bytes = c.holders[:0], 0
	for _, h := range c.feed.load.registered() {
		c.meet(h)
	}
	all := c.feed.hub.all()
	for _, s := range all {
		s.visit(c.see)
	}
	c.feed.load.came.Add(c.bytes - before)
	for _, s := range all {
		h := s.holder
		c.meet(h)
		h.subs = append(h.subs, s)
		s.visit(func(e *Event) {
			if e.round == c.round {
				h.part += e.cost / int64(e.holders)
			}
		})
	}
	for _, h := range c.holders {
		c.bytes += h.own.Load()
	}
}

// see counts one event of one subscription.
func (c *census) see(e *Event) {
	if e.round != c.round {
		e.round, e.holders, e.cost = c.round, 0, int64(e.size())+e.memo.bytes.Load()
		c.bytes += e.cost
	}
	e.holders++
}

// meet begins with a holder, unless that has been done.
func (c *census) meet(h *Holder) {
	if h.round == c.round {
		return
	}
	h.round, h.part, h.subs = c.round, h.own.Load(), h.subs[:0]
	c.holders = append(c.holders, h)
}

// shed ends those who hold most, until there is room again.
func (c *census) shed() {
	l := c.feed.load
	if c.bytes <= l.high() {
		return
	}
	slices.SortFunc(c.holders, func(a, b *Holder) int { return cmp.Compare(b.part, a.part) })
	before := c.bytes
	for _, h := range c.holders {
		if c.bytes <= l.low() || h.part == 0 {
			break
		}
		c.end(h)
		c.ended++
	}
	c.tell(before)
}

// tell has the operator know, at once and then no more often than every ten seconds.
func (c *census) tell(before int64) {
	if time.Since(c.told) < 10*time.Second {
		return
	}
	c.feed.log.Warn("more waits for readers than limits.queued_bytes allows: those for whom most waits are ended, and may come back",
		"bytes", before, "left", c.bytes, "ended", c.ended)
	c.told, c.ended = time.Now(), 0
}

// leave forgets who was met: they may be gone before the next count.
func (c *census) leave() {
	for _, h := range c.holders {
		clear(h.subs)
	}
	clear(c.holders)
}

// end ends one holder and counts what that frees.
func (c *census) end(h *Holder) {
	c.bytes -= h.own.Load()
	for _, s := range h.subs {
		s.shed(c.forget)
	}
	h.end()
}

// forget takes back one see.
func (c *census) forget(e *Event) {
	if e.round != c.round {
		return
	}
	if e.holders--; e.holders == 0 {
		c.bytes -= e.cost
		c.feed.load.came.Add(-e.cost)
	}
}

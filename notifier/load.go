package notifier

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load bounds what waits for all readers of a node together: events in the queues of subscriptions
// or in the hands of their readers, and what holders have besides.
//
// An event counts once, with the encodings that sockets share, however many readers wait for it.
// That is what it costs in memory, and a burst in a room of ten thousand is no reason to end any of
// them. The exact sum would need a look at all queues, so it is not kept while events are handed
// out. Instead one addition per chunk keeps an upper bound: what the last census has found, and
// everything that came since, with an encoding of each. Only when the upper bound is too high does
// a census count.
type load struct {
	limit     int64
	queued    atomic.Int64 // upper bound of the bytes of events that wait
	own       atomic.Int64 // bytes that holders have reported besides
	censusDue signal

	mu      sync.Mutex // guards holders
	holders map[*Holder]struct{}
}

func newLoad(limit int64) *load {
	return &load{limit: limit, censusDue: newSignal(), holders: make(map[*Holder]struct{})}
}

// Above highMark a census ends readers, until the load is down to lowMark. The room between
// highMark and the limit is for events that come while the census counts. The room between the two
// marks is for events that come after it.
func (l *load) highMark() int64 { return l.limit - l.limit/8 }
func (l *load) lowMark() int64  { return l.limit - l.limit/4 }

// noteQueued adds events that were queued. Call it after they are queued: a census at that moment
// may then count them twice, but never miss them.
func (l *load) noteQueued(events []*Event) {
	if len(events) == 0 {
		return
	}
	l.queued.Add(2 * int64(totalCost(events)))
	l.requestCensusIfHigh()
}

// upperBound is no less than what waits. While it is low, it keeps growing: nothing is subtracted
// until a census counts.
func (l *load) upperBound() int64 { return l.queued.Load() + l.own.Load() }

func (l *load) requestCensusIfHigh() {
	if l.upperBound() > l.highMark() {
		l.censusDue.raise()
	}
}

func (l *load) registeredHolders() []*Holder {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.holders))
}

// remove reports whether the holder was registered until now.
func (l *load) remove(h *Holder) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, registered := l.holders[h]
	delete(l.holders, h)
	return registered
}

// Holder is a socket, a stream or a request for which bytes wait. The events in its subscriptions
// are counted against Options.QueuedBytes without its help. The holder reports with Add what it
// holds besides. If the node holds too much, the holder with most of it is shed: its subscriptions
// end with ErrSlow at once, without what they had waiting, and its reader comes back with a cursor.
// A nil Holder counts nothing. The zero Holder counts only the events in its subscriptions.
type Holder struct {
	load   *load  // nil: Add does nothing
	onShed func() // may be nil
	own    atomic.Int64
	closed atomic.Bool
}

// newHolder registers a holder until it is closed or shed.
func (l *load) newHolder(onShed func()) *Holder {
	h := &Holder{load: l, onShed: onShed}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holders[h] = struct{}{}
	return h
}

// Add reports bytes that the holder has besides events. A negative number takes bytes back.
func (h *Holder) Add(bytes int) {
	if h == nil || h.load == nil || bytes == 0 || h.closed.Load() {
		return
	}
	h.own.Add(int64(bytes))
	h.load.own.Add(int64(bytes))
	if h.closed.Load() { // Close may have run since the first look
		h.withdraw()
	}
	if bytes > 0 {
		h.load.requestCensusIfHigh()
	}
}

// Close removes the holder and all bytes it has reported. Bytes reported later do not count.
func (h *Holder) Close() {
	if h == nil || h.load == nil {
		return
	}
	h.closed.Store(true)
	h.withdraw()
	h.load.remove(h)
}

// withdraw takes all reported bytes back. It may be called repeatedly, and by several goroutines.
func (h *Holder) withdraw() { h.load.own.Add(-h.own.Swap(0)) }

// notifyShed tells the holder that it was shed. No census meets it again: what it still has goes
// away with it soon.
func (h *Holder) notifyShed() {
	if h.load != nil && h.load.remove(h) && h.onShed != nil {
		h.onShed()
	}
}

// countedQueue is a subscription as a census sees it.
type countedQueue interface {
	owner() *Holder
	visitEvents(see func(*Event))
	shed(drop func(*Event))
}

// A census visits every queue twice at most. It keeps what it finds in maps rather than in the
// events, which all readers share, although that costs about twice the time.

// census counts all that waits, and sheds holders if it is too much. It belongs to one goroutine.
// Its maps last for one count.
type census struct {
	load   *load
	queues func() []countedQueue
	log    *slog.Logger

	events   map[*Event]*eventCost
	accounts map[*Holder]*holderAccount
	bytes    int64

	shedSinceTold int // holders
	toldAt        time.Time
}

// eventCost is what an event costs, and for how many queues.
type eventCost struct {
	bytes  int64
	queues int64
}

// holderAccount is what one holder is charged.
type holderAccount struct {
	holder *Holder
	bytes  int64
	queues []countedQueue
}

func newCensus(l *load, queues func() []countedQueue, log *slog.Logger) *census {
	return &census{load: l, queues: queues, log: log}
}

// keepUnderLimit takes a census whenever one is due, until ctx ends. It rests five times as long as
// the census took, so that counting takes at most a sixth of one processor.
func (c *census) keepUnderLimit(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.load.censusDue:
		}
		began := time.Now()
		c.countAndShed()
		if sleep(ctx, 5*time.Since(began)) != nil {
			return
		}
	}
}

// countAndShed takes one census. It forgets what it has counted: events and holders may be gone
// before the next one.
func (c *census) countAndShed() {
	queues := c.queues()
	c.count(queues)
	if c.bytes > c.load.highMark() {
		c.charge(queues)
		c.shedLargest()
	}
	c.events, c.accounts, c.bytes = nil, nil, 0
}

// count adds up everything that waits, each event once, and makes that the new upper bound.
func (c *census) count(queues []countedQueue) {
	before := c.load.queued.Load()
	c.events, c.accounts = make(map[*Event]*eventCost), make(map[*Holder]*holderAccount)
	for _, h := range c.load.registeredHolders() {
		c.accountOf(h)
	}
	for _, q := range queues {
		c.accountOf(q.owner())
		q.visitEvents(c.countEvent)
	}
	c.load.queued.Add(c.bytes - before)
	for _, a := range c.accounts {
		c.bytes += a.holder.own.Load()
	}
}

func (c *census) countEvent(e *Event) {
	cost := c.events[e]
	if cost == nil {
		cost = &eventCost{bytes: int64(e.cost()) + e.memo.bytes.Load()}
		c.events[e] = cost
		c.bytes += cost.bytes
	}
	cost.queues++
}

func (c *census) accountOf(h *Holder) *holderAccount {
	a := c.accounts[h]
	if a == nil {
		a = &holderAccount{holder: h, bytes: h.own.Load()}
		c.accounts[h] = a
	}
	return a
}

// charge adds to each account its part of the events. An event that waits in several queues is
// charged to them in equal parts. So the parts add up to the whole, and ending the account with the
// largest part frees most.
func (c *census) charge(queues []countedQueue) {
	for _, q := range queues {
		a := c.accountOf(q.owner())
		a.queues = append(a.queues, q)
		q.visitEvents(func(e *Event) {
			if cost := c.events[e]; cost != nil { // else it has come since the count
				a.bytes += cost.bytes / cost.queues
			}
		})
	}
}

// shedLargest sheds the holders with the largest accounts until the load is low again.
func (c *census) shedLargest() {
	largestFirst := slices.SortedFunc(maps.Values(c.accounts), func(a, b *holderAccount) int { return cmp.Compare(b.bytes, a.bytes) })
	before := c.bytes
	for _, a := range largestFirst {
		if c.bytes <= c.load.lowMark() || a.bytes == 0 {
			break
		}
		c.shedAccount(a)
		c.shedSinceTold++
	}
	c.tellOperator(before)
}

func (c *census) shedAccount(a *holderAccount) {
	c.bytes -= a.holder.own.Load()
	for _, q := range a.queues {
		q.shed(c.uncountEvent)
	}
	a.holder.notifyShed()
}

// uncountEvent takes one countEvent back.
func (c *census) uncountEvent(e *Event) {
	cost := c.events[e]
	if cost == nil {
		return
	}
	if cost.queues--; cost.queues == 0 {
		delete(c.events, e)
		c.bytes -= cost.bytes
		c.load.queued.Add(-cost.bytes)
	}
}

// tellOperator logs what was shed, at once and then at most every ten seconds.
func (c *census) tellOperator(before int64) {
	if time.Since(c.toldAt) < 10*time.Second {
		return
	}
	c.log.Warn("more waits for readers than limits.queued_bytes allows: those for whom most waits are ended, and may come back",
		"bytes", before, "left", c.bytes, "ended", c.shedSinceTold)
	c.toldAt, c.shedSinceTold = time.Now(), 0
}

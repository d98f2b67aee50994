package notifier

import (
	"cmp"
	"slices"
	"time"
)

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

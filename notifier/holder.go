package notifier

import "sync/atomic"

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

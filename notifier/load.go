package notifier

import (
	"context"
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

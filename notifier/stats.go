package notifier

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"rowcall/notifier/topic"
)

// Stats are a feed's numbers: counts since it was made, and what is so at present.
type Stats struct {
	Polls     uint64 // of the log, those that found nothing too
	Events    uint64 // that polls have read
	HandedOut uint64 // taken by the readers of subscriptions, by each anew
	Rings     uint64 // for events, received
	Lost      LostConnections
	Replays   ReplayCounts
	Resets    map[ResetReason]uint64 // told to subscribers, with the answer to their cursor or later
	Slow      uint64                 // subscriptions ended because their readers were too slow

	PollDuration DurationHistogram // from the beginning of a poll until its events were queued
	EventDelay   DurationHistogram // from an event's statement until it was queued here: once for each run of one transaction's events

	Listener  ListenerState
	Gate      GateState
	Health    Health
	Retention RetentionLimits
}

// RetentionLimits say how the log is kept.
type RetentionLimits struct {
	Slots     int // parts that are emptied in turn
	Keep      time.Duration
	KeepBytes int64
}

// LostConnections counts connections of the feed's own that were lost, or could not be made.
type LostConnections struct {
	Listener uint64
	Poller   uint64
}

// ReplayCounts counts those that began with a cursor that was of use, by where their events came from, and pages
// read from the log, by whoever fell behind too.
type ReplayCounts struct {
	Tail  uint64
	Log   uint64
	Pages uint64
}

// ListenerState is how far the LISTEN connection has come.
type ListenerState struct {
	Connected     bool // there is a connection
	Confirmed     bool // the server has confirmed LISTEN on it
	ProbeReturned bool // a ring that the node sent to itself has come back
	Armed         bool // the node sleeps until a ring
	Err           error
}

// GateState says what the gate is and why.
type GateState struct {
	Generation int64
	Ringing    bool // writers ring
	Keeper     bool // this node is the one that moves it
	Full       bool // the server's queue of notifications is so full that nobody should ring
	Deaf       bool // rings do not reach this node
}

// durationBounds are the upper bounds of what DurationHistogram counts; behind the last there is one more place.
var durationBounds = [...]time.Duration{
	250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// DurationHistogram is a histogram of times.
type DurationHistogram struct {
	counts [len(durationBounds) + 1]uint64
	sum    time.Duration
}

// observe counts one. Clocks that disagree must not make it negative.
func (d *DurationHistogram) observe(took time.Duration) {
	took = max(took, 0)
	place, _ := slices.BinarySearch(durationBounds[:], took)
	d.counts[place]++
	d.sum += took
}

// Cumulative returns how many there were, their sum, and for each bound how many were not longer.
func (d DurationHistogram) Cumulative() (count uint64, sum time.Duration, upTo map[time.Duration]uint64) {
	upTo = make(map[time.Duration]uint64, len(durationBounds))
	for i, bound := range durationBounds {
		count += d.counts[i]
		upTo[bound] = count
	}
	return count + d.counts[len(durationBounds)], d.sum, upTo
}

// tally is what the poller counts. It alone changes it; what others see is a copy of the end of a poll.
type tally struct {
	polls, events, lost uint64
	took, handOver      DurationHistogram
	gate                GateState
}

// poll counts one that has begun at a time.
func (t *tally) poll(began time.Time) {
	t.polls++
	t.took.observe(time.Since(began))
}

// handed counts a chunk whose events are queued. The last event of a transaction is nearest to its commit, so
// that of several in a row only the last is looked at.
func (t *tally) handed(events []*Event) {
	t.events += uint64(len(events))
	now := time.Now()
	for i, e := range events {
		if i+1 == len(events) || events[i+1].xid != e.xid {
			t.handOver.observe(now.Sub(e.Time))
		}
	}
}

// counts are numbers that several goroutines add to.
type counts struct {
	handedOut  atomic.Uint64
	fromTail   atomic.Uint64
	fromLog    atomic.Uint64
	pages      atomic.Uint64
	slow       atomic.Uint64
	expired    atomic.Uint64
	otherEpoch atomic.Uint64
	overflown  atomic.Uint64
}

// reset counts one that somebody is told of.
func (c *counts) reset(reason ResetReason) {
	switch reason {
	case ResetExpired:
		c.expired.Add(1)
	case ResetEpoch:
		c.otherEpoch.Add(1)
	case ResetOverflow:
		c.overflown.Add(1)
	}
}

// Stats returns the numbers. It takes the locks of the poller and the listener for a moment, and no other.
func (f *Feed) Stats() Stats {
	polled, rang := f.poller.counted(), f.listener.counted()
	c := &f.counts
	s := Stats{
		Polls: polled.polls, Events: polled.events, HandedOut: c.handedOut.Load(), Rings: rang.heard,
		Lost:    LostConnections{Listener: rang.lost, Poller: polled.lost},
		Replays: ReplayCounts{Tail: c.fromTail.Load(), Log: c.fromLog.Load(), Pages: c.pages.Load()},
		Resets: map[ResetReason]uint64{
			ResetExpired: c.expired.Load(), ResetEpoch: c.otherEpoch.Load(), ResetOverflow: c.overflown.Load(),
		},
		Slow:         c.slow.Load(),
		PollDuration: polled.took, EventDelay: polled.handOver,
		Listener: rang.state, Gate: polled.gate, Health: f.Health(),
		Retention: RetentionLimits{Slots: slots, Keep: f.options.Keep, KeepBytes: f.options.KeepBytes},
	}
	s.Listener.Armed = s.Health.Armed
	return s
}

// QueueStats is what subscriptions are doing, and what waits in their queues.
type QueueStats struct {
	Joining, Pulling, Live int // subscriptions
	Paused                 int // those among them whose access is being asked again
	Events                 int
	Bytes                  int
	Load                   int64 // what Options.QueuedBytes bounds: at most so many bytes wait for all readers together
}

// QueueStats looks at every subscription, one after the other.
func (f *Feed) QueueStats() QueueStats {
	w := QueueStats{Load: f.load.atMost()}
	for _, s := range f.hub.all() {
		w.add(s)
	}
	return w
}

func (w *QueueStats) add(s *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.mode {
	case joining:
		w.Joining++
	case pulling, attaching:
		w.Pulling++
	case live:
		w.Live++
	}
	if s.held {
		w.Paused++
	}
	w.Events += s.events
	w.Bytes += s.bytes
}

// Topics are those the subscription is to.
func (s *Subscription) Topics() []topic.Topic { return s.topics }

// QueueSize is how many events wait for its reader, and their bytes.
func (s *Subscription) QueueSize() (events, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events, s.bytes
}

// TopicCount is how many subscriptions a topic has on this node.
type TopicCount struct {
	Topic       topic.Topic `json:"topic"`
	Subscribers int         `json:"subscribers"`
}

// FollowedTopics returns the topics that are followed here, in no order.
func (f *Feed) FollowedTopics() []TopicCount { return f.hub.counts() }

func (h *hub) all() []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.subs))
}

func (h *hub) counts() []TopicCount {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := make([]TopicCount, 0, len(h.topics))
	for t, subs := range h.topics {
		counts = append(counts, TopicCount{t, len(subs)})
	}
	return counts
}

// Alarming reports whether retention has been refused for so long that an operator should know.
func (s LogState) Alarming() bool { return alarming(s) }

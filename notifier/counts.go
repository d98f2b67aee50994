package notifier

import (
	"slices"
	"sync/atomic"
	"time"
)

// feedCounts are numbers that several goroutines add to.
type feedCounts struct {
	handedOut   atomic.Uint64                    // events that readers have taken
	fromTail    atomic.Uint64                    // replays
	fromLog     atomic.Uint64                    // replays
	pages       atomic.Uint64                    // of the log
	slow        atomic.Uint64                    // subscriptions ended with ErrSlow
	resetCounts [len(resetReasons)]atomic.Uint64 // in the order of resetReasons
}

// resetReasons are all reasons of resets.
var resetReasons = [...]ResetReason{ResetExpired, ResetEpoch, ResetOverflow, ResetTruncate, ResetSchema, ResetTriggers}

// countReset increments the counter for this reason.
func (c *feedCounts) countReset(reason ResetReason) {
	if i := slices.Index(resetReasons[:], reason); i >= 0 {
		c.resetCounts[i].Add(1)
	}
}

// resets returns the number of resets for each reason.
func (c *feedCounts) resets() map[ResetReason]uint64 {
	counts := make(map[ResetReason]uint64, len(resetReasons))
	for i, reason := range resetReasons {
		counts[reason] = c.resetCounts[i].Load()
	}
	return counts
}

// pollTally is what the poller counts. Its goroutine alone changes it. Others see the copy that is
// made at the end of each poll.
type pollTally struct {
	polls, events   uint64
	lostConnections uint64
	pollDuration    DurationHistogram
	eventDelay      DurationHistogram
	gate            GateState
}

// countPoll counts a poll that has begun at this time and ends now.
func (t *pollTally) countPoll(began time.Time) {
	t.polls++
	t.pollDuration.add(time.Since(began))
}

// countQueued counts a chunk whose events are queued. The last event of a transaction was filed
// nearest to the commit, so of several events in a row only the last is timed.
func (t *pollTally) countQueued(events []*Event) {
	t.events += uint64(len(events))
	now := time.Now()
	for i, e := range events {
		if i+1 == len(events) || events[i+1].xid != e.xid {
			t.eventDelay.add(now.Sub(e.Time))
		}
	}
}

// durationBounds are the upper bounds of a DurationHistogram's buckets. The last bucket has none.
var durationBounds = [...]time.Duration{
	250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// DurationHistogram counts durations in fixed buckets.
type DurationHistogram struct {
	counts [len(durationBounds) + 1]uint64
	sum    time.Duration
}

// add counts one duration. If the clocks of two machines disagree it may be negative: then it
// counts as 0.
func (d *DurationHistogram) add(took time.Duration) {
	took = max(took, 0)
	bucket, _ := slices.BinarySearch(durationBounds[:], took)
	d.counts[bucket]++
	d.sum += took
}

// Cumulative returns the number of durations, their sum, and for each upper bound the number of
// durations not longer than that.
func (d DurationHistogram) Cumulative() (count uint64, sum time.Duration, upTo map[time.Duration]uint64) {
	upTo = make(map[time.Duration]uint64, len(durationBounds))
	for i, bound := range durationBounds {
		count += d.counts[i]
		upTo[bound] = count
	}
	return count + d.counts[len(durationBounds)], d.sum, upTo
}

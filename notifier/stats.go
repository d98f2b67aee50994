package notifier

import "time"

// Stats are a feed's numbers: counts since New, and the present state.
type Stats struct {
	Polls        uint64 // of the log, also those that found nothing
	Events       uint64 // read by polls
	HandedOut    uint64 // events taken by readers, counted once for each reader
	Rings        uint64 // rings for events that the listener has received
	Lost         LostConnections
	Replays      ReplayCounts
	Resets       map[ResetReason]uint64 // told to subscribers, at subscribe or later
	Slow         uint64                 // subscriptions ended because their readers were too slow
	Unfollowable Unfollowable

	PollDuration DurationHistogram // from the beginning of a poll until its events were queued
	EventDelay   DurationHistogram // from an event's statement to its queueing, once a transaction

	Listener  ListenerState
	Gate      GateState
	Health    Health
	Retention RetentionLimits
}

// RetentionLimits say how long and how large the log is kept.
type RetentionLimits struct {
	Slots     int // parts of the log, emptied in turn
	Keep      time.Duration
	KeepBytes int64
}

// LostConnections counts connections of the feed's own that were lost or could not be made.
type LostConnections struct {
	Listener uint64
	Poller   uint64
}

// ReplayCounts are the replays that began with a cursor that was of use, by where their events came
// from. Pages also counts the pages read for subscriptions that fell behind.
type ReplayCounts struct {
	Tail  uint64
	Log   uint64
	Pages uint64
}

// Stats returns the numbers. It takes the locks of the poller and the listener for a moment, and no
// other lock.
func (f *Feed) Stats() Stats {
	tally, heard, c := f.poller.lastTally(), f.listener.stats(), f.counts
	s := Stats{
		Polls: tally.polls, Events: tally.events, HandedOut: c.handedOut.Load(), Rings: heard.rings,
		Lost:         LostConnections{Listener: heard.lostConnections, Poller: tally.lostConnections},
		Replays:      ReplayCounts{Tail: c.fromTail.Load(), Log: c.fromLog.Load(), Pages: c.pages.Load()},
		Resets:       c.resets(),
		Slow:         c.slow.Load(),
		Unfollowable: f.poller.unfollowable.stats(),
		PollDuration: tally.pollDuration, EventDelay: tally.eventDelay,
		Listener: heard.state, Gate: tally.gate, Health: f.Health(),
		Retention: RetentionLimits{Slots: slotCount, Keep: f.options.Keep, KeepBytes: f.options.KeepBytes},
	}
	s.Listener.Armed = s.Health.Armed
	return s
}

// QueueStats is what the subscriptions of a node are doing, and what waits in their queues.
type QueueStats struct {
	Joining, Pulling, Live int   // subscriptions
	Paused                 int   // subscriptions among them whose access is being asked again
	Events                 int   // in all queues
	Bytes                  int   // of these events, counted once for each queue
	Load                   int64 // upper bound of the bytes that Options.QueuedBytes limits
}

// QueueStats looks at every subscription, one after the other.
func (f *Feed) QueueStats() QueueStats {
	total := QueueStats{Load: f.load.upperBound()}
	for _, s := range f.hub.subscriptions() {
		total.include(s)
	}
	return total
}

func (total *QueueStats) include(s *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.mode {
	case modeJoining:
		total.Joining++
	case modePulling, modeAttaching:
		total.Pulling++
	case modeLive:
		total.Live++
	}
	if s.answered < s.questions {
		total.Paused++
	}
	total.Events += s.queueEvents
	total.Bytes += s.queueBytes
}

// FollowedTopics returns the topics that this node's subscriptions follow, in no order.
func (f *Feed) FollowedTopics() []TopicCount { return f.hub.countFollowers() }

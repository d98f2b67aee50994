package api

import (
	"context"
	"sync"
	"time"

	"rowcall/api/identity"
	"rowcall/api/upkeep"
	"rowcall/notifier"
)

// console tells staff the state of the node. Its lists are built at most once a second, because
// building one looks at all sessions or topics.
type console struct {
	feed        feed
	registry    *sessionRegistry
	accounts    *identity.Accounts
	upkeep      *upkeep.Keeper // nil: all settings fit
	rates       eventRates
	topicList   cachedList[notifier.TopicCount]
	sessionList cachedList[consoleSession]
}

func newConsole(f feed, r *sessionRegistry, accounts *identity.Accounts) *console {
	c := &console{feed: f, registry: r, accounts: accounts}
	c.topicList.build = c.listTopics
	c.sessionList.build = c.listSessions
	return c
}

// rateSamples is how many seconds a rate covers.
const rateSamples = 5

// eventRates holds the feed's counts of the last seconds.
type eventRates struct {
	mu      sync.Mutex    // guards samples
	samples []countSample // oldest first
}

type countSample struct {
	at                           time.Time
	rings, polls, events, handed uint64
}

// sampleCounts records the counts once a second until ctx ends.
func (c *console) sampleCounts(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		c.rates.addSample(newCountSample(c.feed.Stats()))
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

func newCountSample(s notifier.Stats) countSample {
	return countSample{at: time.Now(), rings: s.Rings, polls: s.Polls, events: s.Events, handed: s.HandedOut}
}

func (r *eventRates) addSample(s countSample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
	if len(r.samples) > rateSamples {
		r.samples = r.samples[1:]
	}
}

// perSecond returns the growth of a count per second, from the oldest sample to now.
func (r *eventRates) perSecond(now countSample, count func(countSample) uint64) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples) == 0 {
		return 0
	}
	first := r.samples[0]
	elapsed := max(now.at.Sub(first.at), 100*time.Millisecond)
	return float64(count(now)-count(first)) / elapsed.Seconds()
}

// consoleListener is how the node learns of events.
type consoleListener struct {
	State         string      `json:"state"` // armed, arming, busy or reconnecting
	Healthy       bool        `json:"healthy"`
	Connected     bool        `json:"connected"`
	Confirmed     bool        `json:"confirmed"`
	ProbeReturned bool        `json:"heard"`
	Armed         bool        `json:"armed"`
	Gate          consoleGate `json:"gate"`
	Rings         float64     `json:"rings_per_second"`
	Polls         float64     `json:"polls_per_second"`
	Events        float64     `json:"events_per_second"`
	HandedOut     float64     `json:"handed_out_per_second"`
	LastPoll      *time.Time  `json:"last_poll,omitempty"`
	Reconnects    uint64      `json:"reconnects"`
}

type consoleGate struct {
	Generation int64 `json:"generation"`
	Ringing    bool  `json:"ringing"`
	Keeper     bool  `json:"keeper"`
	Full       bool  `json:"full"`
	Deaf       bool  `json:"deaf"`
}

func (c *console) describeListener(s notifier.Stats) consoleListener {
	now := newCountSample(s)
	return consoleListener{
		State:         listenerState(s),
		Healthy:       s.Health.Err == nil,
		Connected:     s.Listener.Connected,
		Confirmed:     s.Listener.Confirmed,
		ProbeReturned: s.Listener.ProbeReturned,
		Armed:         s.Listener.Armed,
		Gate:          consoleGate(s.Gate),
		Rings:         c.rates.perSecond(now, func(s countSample) uint64 { return s.rings }),
		Polls:         c.rates.perSecond(now, func(s countSample) uint64 { return s.polls }),
		Events:        c.rates.perSecond(now, func(s countSample) uint64 { return s.events }),
		HandedOut:     c.rates.perSecond(now, func(s countSample) uint64 { return s.handed }),
		LastPoll:      timeOrNil(s.Health.PolledAt),
		Reconnects:    s.Lost.Listener + s.Lost.Poller,
	}
}

// listenerState returns the listener's state in one word.
func listenerState(s notifier.Stats) string {
	switch {
	case !s.Listener.Confirmed || s.Health.Err != nil:
		return "reconnecting"
	case s.Listener.Armed:
		return "armed"
	case !s.Gate.Ringing:
		return "busy"
	}
	return "arming"
}

// consoleLog is the state of the log.
type consoleLog struct {
	logState
	Alarm     bool       `json:"alarm"`
	Slots     int        `json:"slots"`
	SlotBytes int64      `json:"slot_bytes"`           // size of the slot that is written
	SlotSince *time.Time `json:"slot_since,omitempty"` // its oldest event
	Keep      float64    `json:"keep_seconds"`
	KeepBytes int64      `json:"keep_bytes"`
	Cursor    string     `json:"cursor,omitempty"` // the node's position; empty while events are being queued
}

func (c *console) describeLog(s notifier.Stats) consoleLog {
	l := s.Health.Log
	return consoleLog{
		logState:  newLogState(l),
		Alarm:     l.Alarming(),
		Slots:     s.Retention.Slots,
		SlotBytes: l.SlotBytes,
		SlotSince: timeOrNil(l.SlotSince),
		Keep:      s.Retention.Keep.Seconds(),
		KeepBytes: s.Retention.KeepBytes,
		Cursor:    c.feed.Cursor(),
	}
}

// consoleCounts are counts since the node was started, and what waits at present.
type consoleCounts struct {
	Events        uint64                          `json:"events_read"`
	HandedOut     uint64                          `json:"events_handed_out"`
	Polls         uint64                          `json:"polls"`
	Rings         uint64                          `json:"rings"`
	ReplaysTail   uint64                          `json:"replays_from_tail"`
	ReplaysLog    uint64                          `json:"replays_from_log"`
	Resets        map[notifier.ResetReason]uint64 `json:"resets"`
	SlowReaders   uint64                          `json:"slow_readers"`
	Subscriptions int                             `json:"subscriptions"`
	Live          int                             `json:"live"`
	Paused        int                             `json:"held"`
	QueuedEvents  int                             `json:"queued_events"`
	QueuedBytes   int                             `json:"queued_bytes"`
}

func (c *console) describeCounts(s notifier.Stats) consoleCounts {
	w := c.feed.QueueStats()
	return consoleCounts{
		Events: s.Events, HandedOut: s.HandedOut, Polls: s.Polls, Rings: s.Rings,
		ReplaysTail: s.Replays.Tail, ReplaysLog: s.Replays.Log, Resets: s.Resets, SlowReaders: s.Slow,
		Subscriptions: w.Joining + w.Pulling + w.Live, Live: w.Live, Paused: w.Paused,
		QueuedEvents: w.Events, QueuedBytes: w.Bytes,
	}
}

// consoleUnfollowable is what was filed under topics that nobody can follow.
type consoleUnfollowable struct {
	Events uint64   `json:"events"`
	Topics []string `json:"topics"` // the last ones, the newest first
}

func describeUnfollowable(u notifier.Unfollowable) consoleUnfollowable {
	return consoleUnfollowable{Events: u.Events, Topics: append([]string{}, u.Topics...)}
}

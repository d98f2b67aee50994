package api

import (
	"context"
	"sync"
	"time"

	"rowcall/api/identity"
	"rowcall/notifier"
)

// console tells staff how the node is. The lists are made at most once a second, whoever asks: to make one
// looks at all that is open.
type console struct {
	feed        feed
	registry    *registry
	accounts    *identity.Accounts
	rates       rates
	topicList   lister[notifier.TopicCount]
	sessionList lister[consoleSession]
}

func newConsole(f feed, r *registry, accounts *identity.Accounts) *console {
	c := &console{feed: f, registry: r, accounts: accounts}
	c.topicList.make = c.listTopics
	c.sessionList.make = c.listSessions
	return c
}

// rateSamples is over how many seconds a rate is taken.
const rateSamples = 5

// rates remember the feed's counts of the last seconds.
type rates struct {
	mu      sync.Mutex // guards samples
	samples []sample   // oldest first
}

type sample struct {
	at                           time.Time
	rings, polls, events, handed uint64
}

// measure looks at the counts once a second until ctx ends.
func (c *console) measure(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		c.rates.add(sampleOf(c.feed.Stats()))
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

func sampleOf(s notifier.Stats) sample {
	return sample{at: time.Now(), rings: s.Rings, polls: s.Polls, events: s.Events, handed: s.HandedOut}
}

func (r *rates) add(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
	if len(r.samples) > rateSamples {
		r.samples = r.samples[1:]
	}
}

// since is a count's growth a second, from the oldest sample to now.
func (r *rates) since(now sample, count func(sample) uint64) float64 {
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

func (c *console) listenerOf(s notifier.Stats) consoleListener {
	now := sampleOf(s)
	return consoleListener{
		State:         stateOf(s),
		Healthy:       s.Health.Err == nil,
		Connected:     s.Listener.Connected,
		Confirmed:     s.Listener.Confirmed,
		ProbeReturned: s.Listener.ProbeReturned,
		Armed:         s.Listener.Armed,
		Gate:          consoleGate(s.Gate),
		Rings:         c.rates.since(now, func(s sample) uint64 { return s.rings }),
		Polls:         c.rates.since(now, func(s sample) uint64 { return s.polls }),
		Events:        c.rates.since(now, func(s sample) uint64 { return s.events }),
		HandedOut:     c.rates.since(now, func(s sample) uint64 { return s.handed }),
		LastPoll:      unlessZero(s.Health.PolledAt),
		Reconnects:    s.Lost.Listener + s.Lost.Poller,
	}
}

// stateOf is the listener's state in a word.
func stateOf(s notifier.Stats) string {
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

// consoleLog is what the log holds and how long.
type consoleLog struct {
	logState
	Alarm     bool       `json:"alarm"`
	Slots     int        `json:"slots"`
	SlotBytes int64      `json:"slot_bytes"`           // of the one that is written
	SlotSince *time.Time `json:"slot_since,omitempty"` // its oldest event
	Keep      float64    `json:"keep_seconds"`
	KeepBytes int64      `json:"keep_bytes"`
	Cursor    string     `json:"cursor,omitempty"` // the node's place; none while a batch is being handed on
}

func (c *console) logOf(s notifier.Stats) consoleLog {
	l := s.Health.Log
	return consoleLog{
		logState:  logStateOf(l),
		Alarm:     l.Alarming(),
		Slots:     s.Retention.Slots,
		SlotBytes: l.SlotBytes,
		SlotSince: unlessZero(l.SlotSince),
		Keep:      s.Retention.Keep.Seconds(),
		KeepBytes: s.Retention.KeepBytes,
		Cursor:    c.feed.Cursor(),
	}
}

// consoleCounts are counts since the node was started, and what waits now.
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

func (c *console) countsOf(s notifier.Stats) consoleCounts {
	w := c.feed.QueueStats()
	return consoleCounts{
		Events: s.Events, HandedOut: s.HandedOut, Polls: s.Polls, Rings: s.Rings,
		ReplaysTail: s.Replays.Tail, ReplaysLog: s.Replays.Log, Resets: s.Resets, SlowReaders: s.Slow,
		Subscriptions: w.Joining + w.Pulling + w.Live, Live: w.Live, Paused: w.Paused,
		QueuedEvents: w.Events, QueuedBytes: w.Bytes,
	}
}

package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rowcall/notifier"
)

// numbers collects what others count, at the moment it is asked for.
type numbers struct {
	described []*prometheus.Desc
	collect   func(out chan<- prometheus.Metric)
}

var _ prometheus.Collector = (*numbers)(nil)

// Describe is for the registry.
func (n *numbers) Describe(out chan<- *prometheus.Desc) {
	for _, d := range n.described {
		out <- d
	}
}

// Collect is for the registry.
func (n *numbers) Collect(out chan<- prometheus.Metric) { n.collect(out) }

// number describes one of them.
func (n *numbers) number(of, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name(of), help, labels, nil)
	n.described = append(n.described, d)
	return d
}

func count64[N uint64 | int64](out chan<- prometheus.Metric, d *prometheus.Desc, n N, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func yes(out chan<- prometheus.Metric, d *prometheus.Desc, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	gauge(out, d, value, labels...)
}

func histogram(out chan<- prometheus.Metric, d *prometheus.Desc, of notifier.DurationHistogram) {
	count, sum, upTo := of.Cumulative()
	buckets := make(map[float64]uint64, len(upTo))
	for bound, n := range upTo {
		buckets[bound.Seconds()] = n
	}
	out <- prometheus.MustNewConstHistogram(d, count, sum.Seconds(), buckets)
}

// newFeedNumbers are the feed's own counts.
func newFeedNumbers(f feed) *numbers {
	n := &numbers{}
	polls := n.number("polls_total", "Polls of the log, those that found nothing too.")
	read := n.number("events_read_total", "Events that polls have read.")
	handed := n.number("events_handed_out_total", "Events handed to sessions, to each anew.")
	rings := n.number("rings_total", "Rings for events that this node has received.")
	lost := n.number("connections_lost_total", "Connections of the node's own that were lost or could not be made.", "connection")
	replays := n.number("replays_total", "Replays that began with a cursor, by where their events came from.", "from")
	pages := n.number("replay_pages_total", "Pages that were asked of the log for replays and for readers who fell behind.")
	resets := n.number("resets_total", "Resets told to subscribers.", "reason")
	slow := n.number("slow_readers_total", "Subscriptions ended because their readers fell too far behind.")
	took := n.number("poll_seconds", "From the beginning of a poll until its events were queued.")
	handOver := n.number("event_delay_seconds", "From the statement that wrote an event until it was queued here, for the last event of each transaction.")
	n.collect = func(out chan<- prometheus.Metric) {
		s := f.Stats()
		count64(out, polls, s.Polls)
		count64(out, read, s.Events)
		count64(out, handed, s.HandedOut)
		count64(out, rings, s.Rings)
		count64(out, lost, s.Lost.Listener, "listener")
		count64(out, lost, s.Lost.Poller, "poller")
		count64(out, replays, s.Replays.Tail, "tail")
		count64(out, replays, s.Replays.Log, "log")
		count64(out, pages, s.Replays.Pages)
		count64(out, slow, s.Slow)
		for _, reason := range []notifier.ResetReason{notifier.ResetExpired, notifier.ResetEpoch, notifier.ResetOverflow} {
			count64(out, resets, s.Resets[reason], string(reason))
		}
		histogram(out, took, s.PollDuration)
		histogram(out, handOver, s.EventDelay)
	}
	return n
}

// newStateNumbers say how the feed is at present.
func newStateNumbers(f feed) *numbers {
	n := &numbers{}
	healthy := n.number("feed_healthy", "1 while events flow.")
	polled := n.number("last_poll_age_seconds", "Since the last poll that succeeded.")
	listener := n.number("listener", "1 for what is true of the LISTEN connection: connected, confirmed (LISTEN is), heard (a ring of the node's own came back), armed (the node sleeps until a ring).", "state")
	gate := n.number("gate", "1 for what is true of the gate: ringing (writers ring), keeper (this node moves it), full (the server's queue of notifications is), deaf (rings do not reach this node).", "state")
	n.collect = func(out chan<- prometheus.Metric) {
		s := f.Stats()
		yes(out, healthy, s.Health.Err == nil)
		gauge(out, polled, age(s.Health.PolledAt))
		yes(out, listener, s.Listener.Connected, "connected")
		yes(out, listener, s.Listener.Confirmed, "confirmed")
		yes(out, listener, s.Listener.ProbeReturned, "heard")
		yes(out, listener, s.Listener.Armed, "armed")
		yes(out, gate, s.Gate.Ringing, "ringing")
		yes(out, gate, s.Gate.Keeper, "keeper")
		yes(out, gate, s.Gate.Full, "full")
		yes(out, gate, s.Gate.Deaf, "deaf")
	}
	return n
}

// age is how long ago a time was, in seconds; 0 for none.
func age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}

// newLogNumbers say what the log holds, as retention last saw it.
func newLogNumbers(f feed) *numbers {
	n := &numbers{}
	bytes := n.number("log_bytes", "What the log takes on disk, as retention last saw it.")
	oldest := n.number("log_oldest_event_age_seconds", "Age of the log's oldest event; 0 where it has none.")
	refused := n.number("log_retention_refused_seconds", "Since when somebody's lock has kept retention from emptying a slot; 0 while nothing does.")
	alarm := n.number("log_retention_alarm", "1 when that has lasted so long that somebody should look.")
	n.collect = func(out chan<- prometheus.Metric) {
		l := f.Health().Log
		gauge(out, bytes, float64(l.Bytes))
		gauge(out, oldest, age(l.Since))
		gauge(out, refused, age(l.Refused))
		yes(out, alarm, l.Alarming())
	}
	return n
}

// newWaitingNumbers say what subscriptions are doing.
func newWaitingNumbers(f feed) *numbers {
	n := &numbers{}
	subscriptions := n.number("subscriptions", "Subscriptions: joining, pulling (they read from the log) or live.", "state")
	held := n.number("subscriptions_held", "Those among them that are stopped while their access is asked again.")
	events := n.number("queued_events", "Events that wait for their readers.")
	bytes := n.number("queued_bytes", "Bytes of them, counted for each reader.")
	load := n.number("load_bytes", "At most so many bytes wait for all readers together, each event counted once; counted anew near limits.queued_bytes.")
	n.collect = func(out chan<- prometheus.Metric) {
		w := f.QueueStats()
		gauge(out, subscriptions, float64(w.Joining), "joining")
		gauge(out, subscriptions, float64(w.Pulling), "pulling")
		gauge(out, subscriptions, float64(w.Live), "live")
		gauge(out, held, float64(w.Paused))
		gauge(out, events, float64(w.Events))
		gauge(out, bytes, float64(w.Bytes))
		gauge(out, load, float64(w.Load))
	}
	return n
}

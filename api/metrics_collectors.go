package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rowcall/api/upkeep"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
)

// metricCollector sends counts that others keep, when Prometheus asks for them.
type metricCollector struct {
	descriptions []*prometheus.Desc
	send         func(out chan<- prometheus.Metric)
}

var _ prometheus.Collector = (*metricCollector)(nil)

// Describe implements prometheus.Collector.
func (n *metricCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range n.descriptions {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (n *metricCollector) Collect(out chan<- prometheus.Metric) { n.send(out) }

// describe adds a metric.
func (n *metricCollector) describe(of, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(metricName(of), help, labels, nil)
	n.descriptions = append(n.descriptions, d)
	return d
}

func count64[N uint64 | int64](out chan<- prometheus.Metric, d *prometheus.Desc, n N, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func sendGauge(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func sendBool(out chan<- prometheus.Metric, d *prometheus.Desc, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	sendGauge(out, d, value, labels...)
}

func sendHistogram(out chan<- prometheus.Metric, d *prometheus.Desc, of notifier.DurationHistogram) {
	count, sum, upTo := of.Cumulative()
	buckets := make(map[float64]uint64, len(upTo))
	for bound, n := range upTo {
		buckets[bound.Seconds()] = n
	}
	out <- prometheus.MustNewConstHistogram(d, count, sum.Seconds(), buckets)
}

// newFeedCollector collects what the feed counts.
func newFeedCollector(f feed) *metricCollector {
	n := &metricCollector{}
	polls := n.describe("polls_total", "Polls of the log, including those that found nothing.")
	read := n.describe("events_read_total", "Events that polls have read.")
	handed := n.describe("events_handed_out_total", "Events handed to sessions, counted for each session.")
	rings := n.describe("rings_total", "Rings for events that this node has received.")
	lost := n.describe("connections_lost_total", "Connections of the node that were lost or could not be made.", "connection")
	replays := n.describe("replays_total", "Replays that began with a cursor, by the source of their events.", "from")
	pages := n.describe("replay_pages_total", "Pages read from the log for replays and for readers that fell behind.")
	resets := n.describe("resets_total", "Resets sent to subscribers.", "reason")
	slow := n.describe("slow_readers_total", "Subscriptions ended because their readers fell too far behind.")
	unfollowable := n.describe("unfollowable_events_total", "Events that polls have read under topics that nobody can follow.")
	took := n.describe("poll_seconds", "From the beginning of a poll until its events were queued.")
	handOver := n.describe("event_delay_seconds", "From the statement that wrote an event until it was queued here, for the last event of each transaction.")
	n.send = func(out chan<- prometheus.Metric) {
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
		count64(out, unfollowable, s.Unfollowable.Events)
		for _, reason := range []notifier.ResetReason{notifier.ResetExpired, notifier.ResetEpoch, notifier.ResetOverflow} {
			count64(out, resets, s.Resets[reason], string(reason))
		}
		sendHistogram(out, took, s.PollDuration)
		sendHistogram(out, handOver, s.EventDelay)
	}
	return n
}

// newStateCollector collects the present state of the feed.
func newStateCollector(f feed) *metricCollector {
	n := &metricCollector{}
	healthy := n.describe("feed_healthy", "1 while events flow.")
	polled := n.describe("last_poll_age_seconds", "Time since the last successful poll.")
	listener := n.describe("listener", "1 for what is true of the LISTEN connection: connected, confirmed (LISTEN is), heard (a ring of the node's own came back), armed (the node sleeps until a ring).", "state")
	gate := n.describe("gate", "1 for what is true of the gate: ringing (writers ring), keeper (this node moves it), full (the server's queue of notifications is), deaf (rings do not reach this node).", "state")
	n.send = func(out chan<- prometheus.Metric) {
		s := f.Stats()
		sendBool(out, healthy, s.Health.Err == nil)
		sendGauge(out, polled, ageSeconds(s.Health.PolledAt))
		sendBool(out, listener, s.Listener.Connected, "connected")
		sendBool(out, listener, s.Listener.Confirmed, "confirmed")
		sendBool(out, listener, s.Listener.ProbeReturned, "heard")
		sendBool(out, listener, s.Listener.Armed, "armed")
		sendBool(out, gate, s.Gate.Ringing, "ringing")
		sendBool(out, gate, s.Gate.Keeper, "keeper")
		sendBool(out, gate, s.Gate.Full, "full")
		sendBool(out, gate, s.Gate.Deaf, "deaf")
	}
	return n
}

// ageSeconds returns how long ago a time was, in seconds; 0 for the zero time.
func ageSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}

// newLogCollector collects the state of the log, as retention last saw it.
func newLogCollector(f feed) *metricCollector {
	n := &metricCollector{}
	bytes := n.describe("log_bytes", "Size of the log on disk, as retention last saw it.")
	oldest := n.describe("log_oldest_event_age_seconds", "Age of the oldest event in the log by the database's clock, as retention last saw it; 0 if the log is empty.")
	refused := n.describe("log_retention_refused_seconds", "How long a lock has kept retention from emptying a slot; 0 without one.")
	alarm := n.describe("log_retention_alarm", "1 when the lock has lasted so long that an operator should look.")
	n.send = func(out chan<- prometheus.Metric) {
		l := f.Health().Log
		sendGauge(out, bytes, float64(l.Bytes))
		sendGauge(out, oldest, l.Age.Seconds())
		sendGauge(out, refused, ageSeconds(l.Refused))
		sendBool(out, alarm, l.Alarming())
	}
	return n
}

// newQueueCollector collects the states of subscriptions, and what waits for their readers.
func newQueueCollector(f feed) *metricCollector {
	n := &metricCollector{}
	subscriptions := n.describe("subscriptions", "Subscriptions: joining, pulling (they read from the log) or live.", "state")
	held := n.describe("subscriptions_held", "Subscriptions that are paused while their access is asked again.")
	events := n.describe("queued_events", "Events that wait for their readers.")
	bytes := n.describe("queued_bytes", "Bytes of these events, counted for each reader.")
	load := n.describe("load_bytes", "Upper bound of the bytes that wait for all readers together, each event counted once; recounted near limits.queued_bytes.")
	n.send = func(out chan<- prometheus.Metric) {
		w := f.QueueStats()
		sendGauge(out, subscriptions, float64(w.Joining), "joining")
		sendGauge(out, subscriptions, float64(w.Pulling), "pulling")
		sendGauge(out, subscriptions, float64(w.Live), "live")
		sendGauge(out, held, float64(w.Paused))
		sendGauge(out, events, float64(w.Events))
		sendGauge(out, bytes, float64(w.Bytes))
		sendGauge(out, load, float64(w.Load))
	}
	return n
}

// observe adds the metrics of a server's sessions and of its feed.
func (m *Metrics) observe(r *sessionRegistry, f feed) {
	m.registry.MustRegister(
		newSessionCollector(r), newFeedCollector(f), newStateCollector(f), newLogCollector(f), newQueueCollector(f),
	)
}

func newSessionCollector(r *sessionRegistry) *metricCollector {
	n := &metricCollector{}
	sessions := n.describe("sessions", "Sockets and streams that are open.", "kind")
	n.send = func(out chan<- prometheus.Metric) {
		open := r.countByKind()
		for _, kind := range sessionKinds() {
			sendGauge(out, sessions, float64(open[kind]), string(kind))
		}
	}
	return n
}

func newPoolCollector(pool *dbconn.Pool) *metricCollector {
	n := &metricCollector{}
	connections := n.describe("pool_connections", "Connections of the pool: idle, acquired or under construction.", "state")
	most := n.describe("pool_connections_max", "Most connections of the pool: database.pool_size.")
	acquired := n.describe("pool_acquires_total", "Times that a connection was acquired.")
	waited := n.describe("pool_waits_total", "Times that a request waited for a connection.")
	seconds := n.describe("pool_wait_seconds_total", "Total time that requests waited for connections.")
	canceled := n.describe("pool_waits_canceled_total", "Times that a request gave up waiting for a connection.")
	n.send = func(out chan<- prometheus.Metric) {
		s := pool.Stat()
		sendGauge(out, connections, float64(s.IdleConns()), "idle")
		sendGauge(out, connections, float64(s.AcquiredConns()), "acquired")
		sendGauge(out, connections, float64(s.ConstructingConns()), "constructing")
		sendGauge(out, most, float64(s.MaxConns()))
		count64(out, acquired, s.AcquireCount())
		count64(out, waited, s.EmptyAcquireCount())
		out <- prometheus.MustNewConstMetric(seconds, prometheus.CounterValue, s.EmptyAcquireWaitTime().Seconds())
		count64(out, canceled, s.CanceledAcquireCount())
	}
	return n
}

// newSettingsCollector counts the settings that do not fit the database any more.
func newSettingsCollector(k *upkeep.Keeper) *metricCollector {
	n := &metricCollector{}
	unfit := n.describe("unfit_settings", "Settings that do not fit the database any more: requests that need them are refused.")
	n.send = func(out chan<- prometheus.Metric) { sendGauge(out, unfit, float64(len(k.Unfit()))) }
	return n
}

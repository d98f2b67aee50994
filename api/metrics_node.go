package api

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// observe adds the numbers of a server's sessions and of its feed.
func (m *Metrics) observe(r *registry, f feed) {
	m.registry.MustRegister(
		newSessionNumbers(r), newFeedNumbers(f), newStateNumbers(f), newLogNumbers(f), newWaitingNumbers(f),
	)
}

func newSessionNumbers(r *registry) *numbers {
	n := &numbers{}
	sessions := n.number("sessions", "Sockets and streams that are open.", "kind")
	n.collect = func(out chan<- prometheus.Metric) {
		open := r.count()
		for _, kind := range sessionKinds() {
			gauge(out, sessions, float64(open[kind]), string(kind))
		}
	}
	return n
}

func newPoolNumbers(pool *pgxpool.Pool) *numbers {
	n := &numbers{}
	connections := n.number("pool_connections", "Connections of the pool: idle, acquired or being made.", "state")
	most := n.number("pool_connections_max", "How many there may be: database.pool_size.")
	acquired := n.number("pool_acquires_total", "Times that a connection was taken.")
	waited := n.number("pool_waits_total", "Times that one had to be waited for.")
	seconds := n.number("pool_wait_seconds_total", "How long was waited for them altogether.")
	canceled := n.number("pool_waits_canceled_total", "Times that nobody wanted to wait any longer.")
	n.collect = func(out chan<- prometheus.Metric) {
		s := pool.Stat()
		gauge(out, connections, float64(s.IdleConns()), "idle")
		gauge(out, connections, float64(s.AcquiredConns()), "acquired")
		gauge(out, connections, float64(s.ConstructingConns()), "constructing")
		gauge(out, most, float64(s.MaxConns()))
		count64(out, acquired, s.AcquireCount())
		count64(out, waited, s.EmptyAcquireCount())
		out <- prometheus.MustNewConstMetric(seconds, prometheus.CounterValue, s.EmptyAcquireWaitTime().Seconds())
		count64(out, canceled, s.CanceledAcquireCount())
	}
	return n
}

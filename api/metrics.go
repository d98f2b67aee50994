package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/notifier"
)

// accepted is the result of a handshake, or of a request for a stream, that came to something.
const accepted = "accepted"

// Metrics are the numbers of one node, for Prometheus. No label of theirs is ever made of a topic, a user or
// an address: each has a fixed set of values, so that nobody can make a node count without end.
type Metrics struct {
	registry   *prometheus.Registry
	handshakes *prometheus.CounterVec
	closes     *prometheus.CounterVec
	requests   *prometheus.CounterVec
	took       *prometheus.HistogramVec
	questions  prometheus.Counter
	unanswered prometheus.Counter
	asked      prometheus.Histogram
}

// NewMetrics makes a registry of its own, with the numbers of the process in it. A Metrics is for one Server.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		handshakes: counterVec("handshakes_total", "Handshakes of sockets and requests for streams, by what came of them.", "kind", "result"),
		closes:     counterVec("closes_total", "Sockets that ended, by the close code that was sent; none where the other side was simply gone.", "kind", "code"),
		requests:   counterVec("requests_total", "Requests over HTTP, handshakes among them, by the pattern of their address.", "route", "status"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name("request_seconds"), Help: "How long requests took that wait for nothing but the database.", Buckets: secondsUpToTen(),
		}, []string{"route"}),
		questions:  counter("access_questions_total", "Questions whether somebody may follow a topic."),
		unanswered: counter("access_failures_total", "Times that questions of access could not be answered."),
		asked: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("access_seconds"), Help: "How long the answer to questions of access took, all that were asked together.", Buckets: secondsUpToTen(),
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.handshakes, m.closes, m.requests, m.took, m.questions, m.unanswered, m.asked,
	)
	return m
}

func name(of string) string { return "rowcall_" + of }

func counter(of, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name(of), Help: help})
}

func counterVec(of, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name(of), Help: help}, labels)
}

// secondsUpToTen are bounds from half a millisecond to ten seconds.
func secondsUpToTen() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// WatchPool adds the numbers of the pool that access, snapshots, replays and resources share.
func (m *Metrics) WatchPool(pool *pgxpool.Pool) { m.registry.MustRegister(newPoolNumbers(pool)) }

// handler writes the numbers as Prometheus reads them.
func (m *Metrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	})
}

// handshake counts what came of one. An error stands for its code.
func (m *Metrics) handshake(kind sessionKind, err error) {
	result := accepted
	if err != nil {
		result = problem.FaultOf(err).Code
	}
	m.handshakes.WithLabelValues(string(kind), result).Inc()
}

// close counts the end of a session; 0 stands for one without a goodbye. Clients may send any code, and one
// that nobody here would send is not a label.
func (m *Metrics) close(kind sessionKind, code int) {
	label := "other"
	switch {
	case code == 0:
		label = "none"
	case knownClose(code):
		label = strconv.Itoa(code)
	}
	m.closes.WithLabelValues(string(kind), label).Inc()
}

func knownClose(code int) bool {
	if 1000 <= code && code <= 1015 {
		return true
	}
	return problem.ClosesWith(code)
}

// Timed is rules whose answers are counted and timed.
func (m *Metrics) Timed(rules *access.Rules) notifier.Rules { return timedRules{rules, m} }

type timedRules struct {
	rules   *access.Rules
	metrics *Metrics
}

// Ask is Rules.Ask.
func (t timedRules) Ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	began := time.Now()
	grants, err := t.rules.Ask(ctx, questions)
	t.metrics.asked.Observe(time.Since(began).Seconds())
	t.metrics.questions.Add(float64(len(questions)))
	if err != nil {
		t.metrics.unanswered.Inc()
	}
	return grants, err
}

// State is Rules.State.
func (t timedRules) State(ctx context.Context, tx pgx.Tx, q notifier.Question) (json.RawMessage, error) {
	return t.rules.State(ctx, tx, q)
}

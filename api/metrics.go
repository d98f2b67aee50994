package api

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
)

// resultAccepted is the result of a handshake, or of a request for a stream, that was accepted.
const resultAccepted = "accepted"

// Metrics are the metrics of a node, for Prometheus. No label contains a topic, a user or an
// address: each label has a fixed set of values, so that no client can create metrics without end.
type Metrics struct {
	registry        *prometheus.Registry
	handshakes      *prometheus.CounterVec
	closes          *prometheus.CounterVec
	requests        *prometheus.CounterVec
	requestSeconds  *prometheus.HistogramVec
	accessQuestions prometheus.Counter
	accessFailures  prometheus.Counter
	accessSeconds   prometheus.Histogram
}

// NewMetrics returns metrics with a registry of their own, which also has those of the process.
// They are for one Server.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		handshakes: newCounterVec("handshakes_total", "Handshakes of sockets and requests for streams, by result.", "kind", "result"),
		closes:     newCounterVec("closes_total", "Sockets that ended, by the close code that was sent; none if the client had disconnected.", "kind", "code"),
		requests:   newCounterVec("requests_total", "Requests over HTTP, including handshakes, by the pattern of their address.", "route", "status"),
		requestSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: metricName("request_seconds"), Help: "Duration of requests that do not wait for events.", Buckets: durationBuckets(),
		}, []string{"route"}),
		accessQuestions: newCounter("access_questions_total", "Questions whether a user may follow a topic."),
		accessFailures:  newCounter("access_failures_total", "Times that questions of access could not be answered."),
		accessSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: metricName("access_seconds"), Help: "Time to answer the questions of access that were asked together.", Buckets: durationBuckets(),
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.handshakes, m.closes, m.requests, m.requestSeconds, m.accessQuestions, m.accessFailures, m.accessSeconds,
	)
	return m
}

func metricName(of string) string { return "rowcall_" + of }

func newCounter(of, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: metricName(of), Help: help})
}

func newCounterVec(of, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricName(of), Help: help}, labels)
}

// durationBuckets are bounds in seconds, from half a millisecond to ten seconds.
func durationBuckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// ObservePool adds the metrics of the pool that access, snapshots, replays and resources share.
func (m *Metrics) ObservePool(pool *dbconn.Pool) { m.registry.MustRegister(newPoolCollector(pool)) }

// ObserveSettings adds the number of settings that do not fit the database any more.
func (m *Metrics) ObserveSettings(k *upkeep.Keeper) { m.registry.MustRegister(newSettingsCollector(k)) }

// handler serves the metrics in the format of Prometheus.
func (m *Metrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	})
}

// countHandshake counts a handshake by its result: the code of err, or resultAccepted for nil.
func (m *Metrics) countHandshake(kind sessionKind, err error) {
	result := resultAccepted
	if err != nil {
		result = problem.FaultOf(err).Code
	}
	m.handshakes.WithLabelValues(string(kind), result).Inc()
}

// countClose counts the end of a session by its close code; 0 stands for an end without a close
// frame. A client may send any code, so only codes that the server sends become labels.
func (m *Metrics) countClose(kind sessionKind, code int) {
	label := "other"
	switch {
	case code == 0:
		label = "none"
	case isKnownCloseCode(code):
		label = strconv.Itoa(code)
	}
	m.closes.WithLabelValues(string(kind), label).Inc()
}

func isKnownCloseCode(code int) bool {
	if 1000 <= code && code <= 1015 {
		return true
	}
	return problem.ClosesWith(code)
}

// Timed returns rules whose answers are counted and timed.
func (m *Metrics) Timed(rules *access.Rules) notifier.Rules { return timedRules{rules, m} }

type timedRules struct {
	rules   *access.Rules
	metrics *Metrics
}

// Ask is Rules.Ask.
func (t timedRules) Ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	began := time.Now()
	grants, err := t.rules.Ask(ctx, questions)
	t.metrics.accessSeconds.Observe(time.Since(began).Seconds())
	t.metrics.accessQuestions.Add(float64(len(questions)))
	if err != nil {
		t.metrics.accessFailures.Inc()
	}
	return grants, err
}

// State is Rules.State.
func (t timedRules) State(ctx context.Context, tx pgx.Tx, q notifier.Question) (state json.RawMessage, truncated bool, err error) {
	return t.rules.State(ctx, tx, q)
}

// countRequests counts answers by the pattern of their address. Requests that the door refuses have
// no pattern.
func (m *Metrics) countRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := &statusRecorder{ResponseWriter: w}
		defer func() {
			route := r.Pattern
			if route == "" {
				route = "none"
			}
			m.requests.WithLabelValues(route, strconv.Itoa(answer.statusCode())).Inc()
			if answer.status != http.StatusSwitchingProtocols && !waitsForEvents(route) {
				m.requestSeconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// waitsForEvents reports whether requests of a route wait for events, so that their duration means
// nothing.
func waitsForEvents(route string) bool {
	switch route {
	case "GET " + streamPath, "GET " + eventsPath, "GET " + tailPath:
		return true
	}
	return false
}

// statusRecorder records the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader records the final status. A status below 200 is followed by another.
func (a *statusRecorder) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Hijack records that the connection of a socket switches protocols.
func (a *statusRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}

// Unwrap returns the ResponseWriter below, for http.ResponseController.
func (a *statusRecorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *statusRecorder) statusCode() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

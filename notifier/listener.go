package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// ringChannel is the channel that triggers NOTIFY and nodes LISTEN on.
const ringChannel = "rowcall"

// listenPing is how often a silent LISTEN connection is checked.
const listenPing = 5 * time.Second

// ring is the payload of a NOTIFY. Any session may send one, so a ring decides when a node polls,
// and never what it finds. A ring without a topic, and a ring that cannot be read, mean: poll.
type ring struct {
	Topic string `json:"topic"`
	Gate  int64  `json:"gate"`  // the gate was flipped to this generation
	Probe string `json:"probe"` // a node checks whether rings reach it
}

func parseRing(payload string) ring {
	var r ring
	if json.Unmarshal([]byte(payload), &r) != nil {
		return ring{}
	}
	return r
}

// listener holds the one LISTEN connection. It decides nothing but when the poller polls. It counts
// its confirmed LISTENs: rings that came before the latest of them prove nothing about it.
type listener struct {
	connector *connector
	log       *slog.Logger
	wake      func()                 // asks for a poll now
	followed  func(topic.Topic) bool // whether this node has a subscription for the topic

	mu              sync.Mutex // guards all below
	connected       bool
	lostConnections uint64 // lost or not made
	generation      uint64 // of the confirmed LISTEN; 0 while there is none
	generations     uint64 // confirmed so far
	rings           uint64 // for events, whether this node follows their topics or not
	probe           string // the probe that is expected
	probeReturned   bool   // on the present LISTEN
	stop            context.CancelFunc
	err             error // why the last connection ended; nil since a LISTEN was confirmed
}

func newListener(c *connector, log *slog.Logger, wake func(), followed func(topic.Topic) bool) *listener {
	return &listener{connector: c, log: log, wake: wake, followed: followed}
}

// keepListening listens until ctx ends, through lost connections.
func (l *listener) keepListening(ctx context.Context) {
	var retry backoff
	for ctx.Err() == nil {
		err := l.listenOnce(ctx, &retry)
		l.noteLost(err)
		if ctx.Err() == nil {
			l.connector.noticePooler(err)
			l.log.Warn("listening again: the LISTEN connection was lost", "err", err)
			retry.pauseAfterFailure(ctx)
		}
	}
}

// listenOnce serves one connection until it breaks or reconnect is called.
func (l *listener) listenOnce(ctx context.Context, retry *backoff) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	conn, err := l.connector.connect(ctx, "listener")
	if err != nil {
		return err
	}
	defer closeConn(conn)
	l.noteConnected()
	if err := exchange(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN "+ringChannel)
		return err
	}); err != nil {
		return fmt.Errorf("LISTEN: %w", err)
	}
	retry.succeed()
	l.noteConfirmed(stop)
	return l.receiveRings(ctx, conn)
}

// receiveRings handles rings. While none come, it checks that the connection still works.
func (l *listener) receiveRings(ctx context.Context, conn *pgx.Conn) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, listenPing)
		n, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			l.handleRing(parseRing(n.Payload))
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, context.DeadlineExceeded):
			return err
		default:
			if err := exchange(ctx, conn.Ping); err != nil {
				return fmt.Errorf("pinging: %w", err)
			}
		}
	}
}

// handleRing wakes the poller if the ring may be about a topic that this node follows.
func (l *listener) handleRing(r ring) {
	if r.Probe != "" {
		l.noteProbe(r.Probe)
		return
	}
	if r.Gate != 0 {
		l.wake()
		return
	}
	l.mu.Lock()
	l.rings++
	l.mu.Unlock()
	if r.Topic == "" || strings.HasPrefix(r.Topic, resetRoot) || len(r.Topic) > topic.MaxBytes || l.followed(topic.Topic(r.Topic)) {
		l.wake()
	}
}

// expectProbe names the probe that is about to be sent.
func (l *listener) expectProbe(probe string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probe, l.probeReturned = probe, false
}

// noteProbe notes a probe that came back. Probes of other nodes do not count.
func (l *listener) noteProbe(probe string) {
	l.mu.Lock()
	own := probe == l.probe
	l.probeReturned = l.probeReturned || own
	l.mu.Unlock()
	if own {
		l.wake()
	}
}

func (l *listener) noteConnected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected = true
}

func (l *listener) noteConfirmed(stop context.CancelFunc) {
	l.mu.Lock()
	l.generations++
	l.generation, l.stop, l.err = l.generations, stop, nil
	l.probe, l.probeReturned = "", false
	l.mu.Unlock()
	l.wake()
}

func (l *listener) noteLost(err error) {
	l.mu.Lock()
	l.connected, l.generation, l.err = false, 0, err
	l.lostConnections++
	l.mu.Unlock()
	l.wake()
}

// reconnect drops a connection that seems to bring no rings.
func (l *listener) reconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.generation != 0 {
		l.stop()
	}
}

// hears returns the generation of the confirmed LISTEN, 0 if there is none, and the number of rings
// so far.
func (l *listener) hears() (generation, rings uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.generation, l.rings
}

// hasProbeReturned reports whether the probe that was expected last came back on the present
// LISTEN.
func (l *listener) hasProbeReturned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.probeReturned
}

// ListenerState is how far the LISTEN connection has come.
type ListenerState struct {
	Connected     bool  // there is a connection
	Confirmed     bool  // the server has confirmed LISTEN on it
	ProbeReturned bool  // a ring that the node sent to itself came back
	Armed         bool  // the node sleeps until a ring
	Err           error // why the last connection was lost; nil once LISTEN is confirmed again
}

// listenerStats are the listener's counts and its state.
type listenerStats struct {
	rings, lostConnections uint64
	state                  ListenerState
}

func (l *listener) stats() listenerStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	confirmed := l.generation != 0
	state := ListenerState{Connected: l.connected, Confirmed: confirmed, ProbeReturned: confirmed && l.probeReturned, Err: l.err}
	return listenerStats{l.rings, l.lostConnections, state}
}

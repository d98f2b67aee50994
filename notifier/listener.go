package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// channel is what triggers NOTIFY and nodes LISTEN on.
const channel = "rowcall"

// ring is the payload of a NOTIFY. Anybody may send one: it decides when a node looks, never what it
// finds. A ring that says nothing, or nothing that can be read, means: look.
type ring struct {
	Topic string `json:"topic"`
	Gate  int64  `json:"gate"`  // the gate was flipped to this generation
	Probe string `json:"probe"` // a node asks whether rings reach it
}

func parseRing(payload string) ring {
	var r ring
	if json.Unmarshal([]byte(payload), &r) != nil {
		return ring{}
	}
	return r
}

// earPing is how often a silent LISTEN connection is asked whether it lives.
const earPing = 5 * time.Second

// listener holds the one LISTEN connection. It decides nothing but when the poller looks.
type listener struct {
	feed *Feed

	mu      sync.Mutex // guards all below
	linked  bool       // there is a connection
	lost    uint64     // connections that were lost or not made
	hearing uint64     // generation of the confirmed LISTEN; 0 while there is none
	next    uint64     // generation of the next one
	heard   uint64     // rings for events so far, followed here or not
	probe   string     // the probe that is expected
	probed  bool       // it came back on the present LISTEN
	stop    context.CancelFunc
	err     error
}

func newListener(f *Feed) *listener { return &listener{feed: f} }

// run listens until ctx ends, through lost connections.
func (l *listener) run(ctx context.Context) {
	var wait backoff
	for ctx.Err() == nil {
		err := l.listen(ctx, &wait)
		l.deaf(err)
		if ctx.Err() == nil {
			l.feed.noticePooler(err)
			l.feed.log.Warn("listening again: the LISTEN connection was lost", "err", err)
			wait.wait(ctx)
		}
	}
}

// listen serves one connection until it breaks or is told to reconnect.
func (l *listener) listen(ctx context.Context, wait *backoff) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	conn, err := l.feed.connect(ctx, "listener")
	if err != nil {
		return err
	}
	defer closeConn(conn)
	l.connected()
	if err := timed(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN "+channel)
		return err
	}); err != nil {
		return fmt.Errorf("LISTEN: %w", err)
	}
	wait.reset()
	l.confirm(stop)
	return l.hear(ctx, conn)
}

// hear decodes rings. Between them it makes sure that the connection still lives.
func (l *listener) hear(ctx context.Context, conn *pgx.Conn) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, earPing)
		n, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			l.ring(parseRing(n.Payload))
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, context.DeadlineExceeded):
			return err
		default:
			if err := timed(ctx, conn.Ping); err != nil {
				return fmt.Errorf("pinging: %w", err)
			}
		}
	}
}

// ring wakes the poller if somebody here may be meant.
func (l *listener) ring(r ring) {
	if r.Probe != "" {
		l.answered(r.Probe)
		return
	}
	if r.Gate != 0 {
		l.feed.poller.poke()
		return
	}
	l.mu.Lock()
	l.heard++
	l.mu.Unlock()
	if r.Topic == "" || len(r.Topic) > topic.MaxBytes || l.feed.hub.followed(topic.Topic(r.Topic)) {
		l.feed.poller.poke()
	}
}

// expect names the probe that is about to be sent.
func (l *listener) expect(probe string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probe, l.probed = probe, false
}

// answered notes a probe that came back. Other nodes' are none of ours.
func (l *listener) answered(probe string) {
	l.mu.Lock()
	mine := probe == l.probe
	l.probed = l.probed || mine
	l.mu.Unlock()
	if mine {
		l.feed.poller.poke()
	}
}

func (l *listener) connected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.linked = true
}

func (l *listener) confirm(stop context.CancelFunc) {
	l.mu.Lock()
	l.next++
	l.hearing, l.stop, l.err, l.probe, l.probed = l.next, stop, nil, "", false
	l.mu.Unlock()
	l.feed.poller.poke()
}

func (l *listener) deaf(err error) {
	l.mu.Lock()
	l.linked, l.hearing, l.err = false, 0, err
	l.lost++
	l.mu.Unlock()
	l.feed.poller.poke()
}

// reconnect drops a connection that seems not to bring rings.
func (l *listener) reconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hearing != 0 {
		l.stop()
	}
}

// hears is what the poller needs to know: which LISTEN is confirmed, how many rings came, and whether
// the probe came back.
func (l *listener) hears() (hearing, heard uint64, probed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hearing, l.heard, l.probed
}

func (l *listener) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hearing != 0 {
		return nil
	}
	return l.err
}

// rang is what the listener has counted, and how far it has come.
type rang struct {
	heard, lost uint64
	state       ListenerState
}

func (l *listener) counted() rang {
	l.mu.Lock()
	defer l.mu.Unlock()
	state := ListenerState{Connected: l.linked, Confirmed: l.hearing != 0, ProbeReturned: l.hearing != 0 && l.probed, Err: l.err}
	return rang{l.heard, l.lost, state}
}

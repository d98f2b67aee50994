package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// latencyGoal is how soon after its commit a message should be there.
const latencyGoal = 10 * time.Millisecond

// filed is how many events are in the log already, as after a busy day.
const filed = 300_000

// fillLog files events that nobody follows, and has the server notice how many there are.
func (b *bench) fillLog(ctx context.Context) error {
	err := execute(ctx, b.url, `INSERT INTO rowcall.log_0 (slot, topic, type, data)
		SELECT 0, 'elsewhere/' || n % 1000, 'nothing', '{"n":' || n || '}' FROM generate_series(1, $1::int) n`, filed)
	if err != nil {
		return err
	}
	return execute(ctx, b.url, "ANALYZE rowcall.log_0")
}

// latency measures how long one message takes from a plain SQL connection to a chat socket of a
// node that has nothing else to do: writers ring, and the node sleeps until they do. A connection
// that does nothing but LISTEN hears the same rings, and says how fast the machine is at present.
func latency(ctx context.Context, b *bench) (err error) {
	if err := b.fillLog(ctx); err != nil {
		return err
	}
	n, err := startNode(ctx, b.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	p, err := n.openPath(ctx, b.url, b.room())
	if err != nil {
		return err
	}
	defer p.close()
	var whole, after, heard []time.Duration
	for range b.samples {
		t, err := p.sample(ctx)
		if err != nil {
			return err
		}
		whole = append(whole, t.arrived.Sub(t.sent))
		after = append(after, max(0, t.arrived.Sub(t.committed)))
		heard = append(heard, max(0, t.heard.Sub(t.committed)))
	}
	b.say("\nlatency: %d messages one by one through an idle node, to a chat socket; %d events are in the log", b.samples, filed)
	b.say("  from sending the statement to the frame: %s", percentiles(whole))
	b.say("  from the commit's answer to the frame:   %s", percentiles(after))
	b.say("  from there to the ring on a bare LISTEN: %s", percentiles(heard))
	got := percentile(after, 0.5)
	b.verdict("median from the commit's answer to the frame", got.String(), latencyGoal.String(), got < latencyGoal)
	return nil
}

// path is the way of one message.
type path struct {
	node    *runningNode
	room    int
	writer  *pgx.Conn
	socket  net.Conn
	listens *pgx.Conn
}

func (n *runningNode) openPath(ctx context.Context, url string, room int) (p *path, err error) {
	p = &path{node: n, room: room}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.socket, err = n.openOne(ctx, room); err != nil {
		return p, err
	}
	if p.writer, err = pgx.Connect(ctx, url); err != nil {
		return p, fmt.Errorf("connecting: %w", err)
	}
	if p.listens, err = pgx.Connect(ctx, url); err != nil {
		return p, fmt.Errorf("connecting: %w", err)
	}
	_, err = p.listens.Exec(ctx, "LISTEN rowcall")
	return p, err
}

func (p *path) close() {
	for _, conn := range []*pgx.Conn{p.writer, p.listens} {
		if conn != nil {
			_ = conn.Close(context.Background()) // the server may be gone
		}
	}
	if p.socket != nil {
		_ = p.socket.Close()
	}
}

// openOne opens one chat socket.
func (n *runningNode) openOne(ctx context.Context, room int) (net.Conn, error) {
	cookie, err := login(ctx, n.addr, "alice")
	if err != nil {
		return nil, err
	}
	return dialPlain(ctx, n.addr, cookie, room)
}

// times are those of one message.
type times struct{ sent, committed, arrived, heard time.Time }

// sample inserts one message when the node has gone to sleep, and waits for its frame and its ring.
func (p *path) sample(ctx context.Context) (t times, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pause(ctx, 5*time.Millisecond+rand.N(20*time.Millisecond))
	for !p.node.Health().Armed {
		if pause(ctx, time.Millisecond); ctx.Err() != nil {
			return t, fmt.Errorf("waiting for the node to go to sleep: %w", ctx.Err())
		}
	}
	var hearing errgroup.Group
	hearing.Go(func() error {
		err := p.hearRing(ctx)
		t.heard = time.Now()
		return err
	})
	hearing.Go(func() error {
		err := readWhole(p.socket)
		t.arrived = time.Now()
		return err
	})
	t.sent = time.Now()
	_, err = p.writer.Exec(ctx, insert, p.room, "Are you there?")
	t.committed = time.Now()
	if err != nil {
		cancel()
		_ = p.socket.SetReadDeadline(time.Now()) // nothing will come
	}
	return t, errors.Join(err, hearing.Wait())
}

// hearRing waits for the ring of the room. The gate may have been turned and probes sent before.
func (p *path) hearRing(ctx context.Context) error {
	for {
		ring, err := p.listens.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("waiting for a ring: %w", err)
		}
		if strings.Contains(ring.Payload, "topic") {
			return nil
		}
	}
}

// readWhole reads one frame. There is no other on its way.
func readWhole(from net.Conn) error {
	var c counter
	_ = from.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return fmt.Errorf("waiting for a frame: %w", err)
		}
		if c.take(buffer[:n]) > 0 {
			return nil
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
)

// latencyGoal is how soon after its commit a message should be there.
const latencyGoal = 10 * time.Millisecond

// latency measures how long one message takes from a plain SQL connection to a chat socket of a
// node that has nothing else to do: writers ring, and the node sleeps until they do.
func latency(ctx context.Context, b *bench) (err error) {
	n, err := startNode(ctx, b.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	socket, err := n.openOne(ctx, b.room())
	if err != nil {
		return err
	}
	defer socket.Close()
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var whole, after []time.Duration
	for range b.samples {
		sample, err := n.sample(ctx, conn, socket, b.room())
		if err != nil {
			return err
		}
		whole = append(whole, sample.arrived.Sub(sample.sent))
		after = append(after, max(0, sample.arrived.Sub(sample.committed)))
	}
	b.say("\nlatency: %d messages one by one through an idle node, to a chat socket", b.samples)
	b.say("  from sending the statement to the frame: %s", percentiles(whole))
	b.say("  from the commit's answer to the frame:   %s", percentiles(after))
	b.verdict("median from the commit's answer", percentile(after, 0.5).String(), latencyGoal.String(), percentile(after, 0.5) < latencyGoal)
	return nil
}

// openOne opens one chat socket.
func (n *node) openOne(ctx context.Context, room int) (net.Conn, error) {
	cookie, err := login(ctx, n.addr, "alice")
	if err != nil {
		return nil, err
	}
	return dialPlain(ctx, n.addr, cookie, room)
}

// times are those of one message.
type times struct{ sent, committed, arrived time.Time }

// sample inserts one message when the node has gone to sleep, and waits for its frame.
func (n *node) sample(ctx context.Context, from *pgx.Conn, to net.Conn, room int) (t times, err error) {
	pause(ctx, 5*time.Millisecond+rand.N(20*time.Millisecond))
	for !n.feed.Health().Armed {
		if pause(ctx, time.Millisecond); ctx.Err() != nil {
			return t, fmt.Errorf("waiting for the node to go to sleep: %w", ctx.Err())
		}
	}
	_ = to.SetReadDeadline(time.Now().Add(patience))
	arrived := make(chan error, 1)
	go func() {
		err := readWhole(to)
		t.arrived = time.Now()
		arrived <- err
	}()
	t.sent = time.Now()
	_, err = from.Exec(ctx, insert, room, "Are you there?")
	t.committed = time.Now()
	if err != nil {
		_ = to.SetReadDeadline(time.Now()) // nothing will come
	}
	return t, errors.Join(err, <-arrived)
}

// readWhole reads one frame. There is no other on its way.
func readWhole(from net.Conn) error {
	var c counter
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

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// fewestSamples is how many messages a round has at least.
const fewestSamples = 2

// rates measures how long messages take from sending the statement to chat sockets while one writer
// commits so many a second, and beside it, in turns, a bare NOTIFY from a trigger to a connection
// that does nothing but LISTEN.
func rates(ctx context.Context, b *bench) (err error) {
	if err := execute(ctx, b.url, bareNotify); err != nil {
		return err
	}
	n, err := startNode(ctx, b.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	cookie, err := login(ctx, n.addr, "alice")
	if err != nil {
		return err
	}
	b.say("\nrates: one writer, from sending the statement to the frame at chat sockets; p50 and p99")
	t := b.table("messages/s", "sockets", "bare NOTIFY", "p99", "Rowcall", "p99", "ratio")
	for _, sockets := range []int{1, max(2, b.sockets/10)} {
		for _, rate := range []float64{1, 20, 100, 200, 500, 1000, 2000} {
			bare, err := b.bareRound(ctx, rate)
			if err != nil {
				return fmt.Errorf("bare NOTIFY: %w", err)
			}
			ours, err := b.rateRound(ctx, n, cookie, rate, sockets)
			if err != nil {
				return err
			}
			p50, p50Bare := percentile(ours, 0.5), max(percentile(bare, 0.5), 10*time.Microsecond)
			t.row(whole(rate), fmt.Sprint(sockets), p50Bare.String(), percentile(bare, 0.99).String(),
				p50.String(), percentile(ours, 0.99).String(), ratio(float64(p50)/float64(p50Bare)))
		}
	}
	t.end()
	return nil
}

// bareNotify is a table whose trigger sends the row itself.
const bareNotify = `CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message text NOT NULL);
CREATE FUNCTION bare_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bare', json_build_object('id', NEW.id, 'message', NEW.message)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER bare_notify AFTER INSERT ON bare FOR EACH ROW EXECUTE FUNCTION bare_notify()`

// samplesAt is how many messages a round at this rate has.
func (b *bench) samplesAt(rate float64) int { return max(fewestSamples, int(rate*b.round.Seconds())) }

func (b *bench) bareRound(ctx context.Context, rate float64) ([]time.Duration, error) {
	listens, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer listens.Close(context.WithoutCancel(ctx))
	if _, err := listens.Exec(ctx, "LISTEN bare"); err != nil {
		return nil, err
	}
	n := b.samplesAt(rate)
	arrived := make([]time.Time, n)
	var hearing errgroup.Group
	hearing.Go(func() error {
		for i := range arrived {
			if _, err := listens.WaitForNotification(ctx); err != nil {
				return err
			}
			arrived[i] = time.Now()
		}
		return nil
	})
	sent, err := b.writeAt(ctx, rate, n, "INSERT INTO bare (message) VALUES ($1)", "Are you there?")
	if err != nil {
		return nil, errors.Join(err, listens.Close(ctx), hearing.Wait())
	}
	if err := hearing.Wait(); err != nil {
		return nil, err
	}
	return delaysOf(sent, arrived), nil
}

func (b *bench) rateRound(ctx context.Context, n *runningNode, cookie string, rate float64, sockets int) (all []time.Duration, err error) {
	samples := b.samplesAt(rate)
	arrived := make([][]time.Time, sockets)
	var conns []net.Conn
	defer func() { closeAll(conns) }()
	var hearing errgroup.Group
	for i := range sockets {
		conn, err := dialPlain(ctx, n.addr, cookie, b.room())
		if err != nil {
			closeAll(conns)
			return nil, errors.Join(err, hearing.Wait())
		}
		conns = append(conns, conn)
		hearing.Go(func() (err error) {
			arrived[i], err = arrivals(conn, samples)
			return err
		})
	}
	sent, err := b.writeAt(ctx, rate, samples, insert, b.room(), "Are you there?")
	if err != nil {
		closeAll(conns)
		return nil, errors.Join(err, hearing.Wait())
	}
	if err := hearing.Wait(); err != nil {
		return nil, err
	}
	for _, times := range arrived {
		all = append(all, delaysOf(sent, times)...)
	}
	return all, nil
}

// writeAt runs a statement n times, so many times a second, and returns when each was sent.
func (b *bench) writeAt(ctx context.Context, rate float64, n int, statement string, args ...any) ([]time.Time, error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	sent := make([]time.Time, n)
	start := time.Now()
	for i := range sent {
		pause(ctx, time.Until(start.Add(time.Duration(float64(i)/rate*float64(time.Second)))))
		sent[i] = time.Now()
		if _, err := conn.Exec(ctx, statement, args...); err != nil {
			return nil, fmt.Errorf("inserting: %w", err)
		}
	}
	return sent, nil
}

// arrivals are the times of the next n frames.
func arrivals(from net.Conn, n int) ([]time.Time, error) {
	var c counter
	var times []time.Time
	buffer := make([]byte, 64<<10)
	for len(times) < n {
		_ = from.SetReadDeadline(time.Now().Add(patience))
		read, err := from.Read(buffer)
		if err != nil {
			return nil, fmt.Errorf("waiting for frame %d of %d: %w", len(times)+1, n, err)
		}
		now := time.Now()
		for range c.take(buffer[:read]) {
			times = append(times, now)
		}
	}
	return times, nil
}

// delaysOf are the times from sending to arrivals, in the same order.
func delaysOf(sent, arrived []time.Time) []time.Duration {
	var all []time.Duration
	for i := range min(len(sent), len(arrived)) {
		all = append(all, max(0, arrived[i].Sub(sent[i])))
	}
	return all
}

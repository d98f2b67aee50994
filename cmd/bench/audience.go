package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// audience are sockets that note how old the rows are that they get: each row holds the time at which
// its INSERT was sent.
type audience struct {
	conns  []net.Conn
	group  errgroup.Group
	closed atomic.Bool
	came   chan struct{} // raised when more rows have come

	mu     sync.Mutex // guards delays
	delays []time.Duration
}

// gatherAudience opens the sockets of a case, as many as it has topics, or followers of its only one.
func gatherAudience(ctx context.Context, c rateCase, w way) (*audience, error) {
	a := &audience{conns: make([]net.Conn, max(c.topics, c.each)), came: make(chan struct{}, 1)}
	opening, dialing := errgroup.WithContext(ctx)
	opening.SetLimit(dialAtOnce)
	for i := range a.conns {
		opening.Go(func() (err error) {
			a.conns[i], err = w.open(dialing, i)
			return err
		})
	}
	if err := opening.Wait(); err != nil {
		closeAll(a.conns)
		return nil, fmt.Errorf("opening sockets: %w", err)
	}
	for _, conn := range a.conns {
		_ = conn.SetDeadline(time.Time{})
		a.group.Go(func() error { return a.listen(conn) })
	}
	return a, nil
}

// listen notes what one socket gets.
func (a *audience) listen(conn net.Conn) error {
	from := bufio.NewReader(conn)
	for {
		frame, err := readFrame(from)
		now := time.Now()
		if a.closed.Load() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("waiting for a frame: %w", err)
		}
		sent, stamped := stampOf(frame)
		if !stamped {
			continue
		}
		a.mu.Lock()
		a.delays = append(a.delays, max(0, now.Sub(sent)))
		a.mu.Unlock()
		select {
		case a.came <- struct{}{}:
		default:
		}
	}
}

// take waits for so many rows, and returns their delays.
func (a *audience) take(ctx context.Context, rows int) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		a.mu.Lock()
		delays := a.delays
		if len(delays) >= rows {
			a.delays = nil
			a.mu.Unlock()
			if len(delays) > rows {
				return nil, fmt.Errorf("%d rows have arrived, %d were due", len(delays), rows)
			}
			return delays, nil
		}
		a.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d rows have arrived: %w", len(delays), rows, ctx.Err())
		case <-a.came:
		}
	}
}

func (a *audience) close() error {
	a.closed.Store(true)
	closeAll(a.conns)
	return a.group.Wait()
}

// A stamp is the time at which a row was sent, in nanoseconds, as its message.
const stampField = `"message"`

// stampOf finds the stamp in a frame. Frames that say something else have none.
func stampOf(frame []byte) (time.Time, bool) {
	_, rest, found := bytes.Cut(frame, []byte(stampField))
	_, rest, opened := bytes.Cut(rest, []byte(`"`))
	digits, _, ended := bytes.Cut(rest, []byte(`"`))
	nanoseconds, err := strconv.ParseInt(string(digits), 10, 64)
	if !found || !opened || !ended || err != nil {
		return time.Time{}, false
	}
	return time.Unix(0, nanoseconds), true
}

// rowsPerWriter is how many rows a second one connection can commit.
const rowsPerWriter = 1000

// stampRows inserts rows at the rate of the case, as far as the machine commits that many.
func stampRows(ctx context.Context, w way, c rateCase, rows int) error {
	writers := max(1, int(math.Ceil(c.rate/rowsPerWriter)))
	var group errgroup.Group
	conns := make([]*pgx.Conn, writers)
	defer func() {
		for _, conn := range conns {
			if conn != nil {
				_ = conn.Close(context.WithoutCancel(ctx)) // what counts was committed
			}
		}
	}()
	for i := range conns {
		var err error
		if conns[i], err = pgx.Connect(ctx, w.url); err != nil {
			return fmt.Errorf("connecting: %w", err)
		}
	}
	start := time.Now()
	for first, conn := range conns {
		group.Go(func() error {
			for i := first; i < rows; i += writers {
				pause(ctx, time.Until(start.Add(time.Duration(float64(i)/c.rate*float64(time.Second)))))
				stamp := strconv.FormatInt(time.Now().UnixNano(), 10)
				if _, err := conn.Exec(ctx, w.insert, i%c.topics, stamp); err != nil {
					return errors.Join(fmt.Errorf("inserting: %w", err), ctx.Err())
				}
			}
			return nil
		})
	}
	return group.Wait()
}

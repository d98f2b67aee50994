package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// press makes events by SQL as fast as its readers take them, and no faster.
type press struct {
	room    int
	load    load
	readers *readers
	permits chan struct{} // for a transaction each
	written atomic.Int64  // rows
	over    chan struct{}
	group   *errgroup.Group
}

func newPress(room int, from load, to *readers) *press {
	return &press{
		room:    room,
		load:    from,
		readers: to,
		permits: make(chan struct{}, from.window/from.rows),
		over:    make(chan struct{}),
	}
}

// insertMany is one transaction of several messages.
const insertMany = `INSERT INTO chat_messages (room_id, sender_id, message)
SELECT $1, $1, 'Shall we meet at ten by the old bridge, or is that too early? ' || n FROM generate_series(1, $2::int) n`

// start connects the writers and sets them to work.
func (p *press) start(ctx context.Context, url string) error {
	crew, err := hire(ctx, url, p.load.writers)
	if err != nil {
		return err
	}
	p.group, ctx = errgroup.WithContext(ctx)
	for _, conn := range crew.conns {
		p.group.Go(func() error { return p.write(ctx, conn) })
	}
	p.group.Go(func() error { return p.pace(ctx) })
	return nil
}

func (p *press) write(ctx context.Context, conn *pgx.Conn) error {
	defer conn.Close(context.WithoutCancel(ctx))
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.over:
			return nil
		case <-p.permits:
		}
		if _, err := conn.Exec(ctx, insertMany, p.room, p.load.rows); err != nil {
			return fmt.Errorf("inserting: %w", err)
		}
		p.written.Add(int64(p.load.rows))
	}
}

// pace gives out permits as events arrive at all readers, on average.
func (p *press) pace(ctx context.Context) error {
	given, started := int64(0), time.Now()
	for {
		arrived := p.readers.total.Load() / int64(len(p.readers.each))
		due := arrived + int64(p.load.window)
		if p.load.rate > 0 {
			due = min(due, int64(p.load.rate*time.Since(started).Seconds()))
		}
		for given+int64(p.load.rows) <= due {
			select {
			case p.permits <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			case <-p.over:
				return nil
			}
			given += int64(p.load.rows)
		}
		select {
		case <-p.over:
			return nil
		default:
			pause(ctx, 500*time.Microsecond)
		}
	}
}

// settle stops writing and waits until every socket has every event.
func (p *press) settle(ctx context.Context) error {
	close(p.over)
	if err := p.group.Wait(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for p.readers.least() < p.written.Load() && ctx.Err() == nil {
		pause(ctx, time.Millisecond)
	}
	for i := range p.readers.each {
		if got := p.readers.each[i].Load(); got != p.written.Load() {
			return fmt.Errorf("socket %d got %d frames of %d events", i, got, p.written.Load())
		}
	}
	return nil
}

// end stops a press that was not settled.
func (p *press) end(err *error) {
	select {
	case <-p.over:
	default:
		close(p.over)
		*err = errors.Join(*err, p.group.Wait())
	}
}

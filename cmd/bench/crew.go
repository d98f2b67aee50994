package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// crew is a number of connections that insert chat messages, each in transactions of its own.
type crew struct {
	conns []*pgx.Conn
	count []atomic.Int64 // messages committed so far, by writer
}

func hire(ctx context.Context, url string, n int) (*crew, error) {
	c := &crew{count: make([]atomic.Int64, n)}
	for range n {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			c.dismiss()
			return nil, fmt.Errorf("connecting a writer: %w", err)
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

func (c *crew) dismiss() {
	for _, conn := range c.conns {
		_ = conn.Close(context.Background()) // the server may be gone
	}
}

// insert is one transaction of one message. Its text says which of the writer's it is.
const insert = `INSERT INTO chat_messages (room_id, sender_id, message) VALUES ($1, $1, $2)`

// shift is a crew at work.
type shift struct {
	stop func()
	wait func() error
}

// work has every writer insert into its own room until the shift is stopped.
func (c *crew) work(ctx context.Context) *shift {
	var over atomic.Bool
	group, ctx := errgroup.WithContext(ctx)
	for w, conn := range c.conns {
		group.Go(func() error {
			for !over.Load() {
				if _, err := conn.Exec(ctx, insert, base+w, line(w, c.count[w].Load()+1)); err != nil {
					return fmt.Errorf("inserting: %w", err)
				}
				c.count[w].Add(1)
			}
			return nil
		})
	}
	return &shift{stop: func() { over.Store(true) }, wait: sync.OnceValue(group.Wait)}
}

// end stops the shift and waits for the last transactions.
func (s *shift) end(err *error) {
	s.stop()
	*err = errors.Join(*err, s.wait())
}

// line is the text of a writer's nth message.
func line(writer int, n int64) string {
	return fmt.Sprintf("%d %d Shall we meet at ten by the old bridge, or is that too early?", writer, n)
}

func (c *crew) total() int64 {
	var sum int64
	for i := range c.count {
		sum += c.count[i].Load()
	}
	return sum
}

package notifier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	chunkEvents = 1000
	chunkBytes  = 1 << 20
)

// chunker cuts a poll's rows into chunks by number and bytes.
type chunker struct {
	batch   *batch
	to      sink
	aside   querier
	begun   bool // the sink knows the batch
	checked bool // the floor has been read since this statement's first row
	events  []*Event
	bytes   int
	xids    map[uint64]struct{}
}

// run executes one statement and hands its rows on.
func (c *chunker) run(ctx context.Context, conn *pgx.Conn, patience time.Duration, sql string, args ...any) error {
	ctx, progress, cancel := watchdog(ctx, patience)
	defer cancel()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("polling the log: %w", err)
	}
	defer rows.Close()
	if err := c.read(ctx, rows, progress); err != nil {
		return err
	}
	return c.hand(ctx, conn, true)
}

func (c *chunker) read(ctx context.Context, rows pgx.Rows, progress func()) error {
	for rows.Next() {
		progress()
		if err := c.row(ctx, rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the log: %w", errors.Join(err, context.Cause(ctx)))
	}
	if c.batch.seen.zero() {
		return errors.New("reading the log: the poll's header is missing")
	}
	return nil
}

func (c *chunker) row(ctx context.Context, rows pgx.Rows) error {
	if len(c.events) >= chunkEvents || c.bytes >= chunkBytes {
		if err := c.hand(ctx, c.aside, false); err != nil {
			return err
		}
	}
	var part int
	r, err := scanRow(rows, &part)
	if err != nil {
		return err
	}
	switch part {
	case 0:
		return c.header(r)
	case 1:
		c.count(r.xid)
		c.batch.access = append(c.batch.access, r.access())
	default:
		c.count(r.xid)
		e := r.event()
		c.events = append(c.events, e)
		c.bytes += e.size()
	}
	return nil
}

func (c *chunker) count(xid uint64) {
	if c.xids == nil {
		c.xids = make(map[uint64]struct{})
	}
	c.xids[xid] = struct{}{}
	c.batch.writers = len(c.xids)
}

func (c *chunker) header(r logRow) error {
	seen, err := parseSnapshot(r.topic)
	if err != nil {
		return fmt.Errorf("reading the poll's header: %w", err)
	}
	c.batch.seen = seen
	if r.typ != nil {
		c.batch.boot = *r.typ
	}
	c.batch.gate, err = strconv.ParseInt(string(r.data), 10, 64)
	return err
}

// hand hands a chunk on, after it has checked the floor and, once a batch, announced it.
func (c *chunker) hand(ctx context.Context, q querier, last bool) error {
	if err := c.open(ctx, q); err != nil {
		return err
	}
	if err := c.to.events(c.batch, c.events, last); err != nil {
		return err
	}
	if n := len(c.events); n > 0 {
		c.batch.lastID = c.events[n-1].ID
	}
	c.events, c.bytes = nil, 0
	return nil
}

func (c *chunker) open(ctx context.Context, q querier) error {
	if !c.checked {
		if err := checkFloor(ctx, q, c.batch.prev); err != nil {
			return err
		}
		c.checked = true
	}
	if c.begun {
		return nil
	}
	err := c.to.begin(c.batch)
	c.begun = err == nil
	return err
}

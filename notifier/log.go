package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	chunkEvents = 1000
	chunkBytes  = 1 << 20

	// stall is how long a statement may bring nothing before its connection counts as dead.
	stall = 10 * time.Second
)

// batch is what one poll found: what seen sees and prev did not.
type batch struct {
	prev, seen snapshot
	gate       int64  // the gate's generation as the poll read it
	boot       string // the boot row's id; empty when there is none
	access     []accessEvent
	writers    int   // distinct transactions that wrote
	lastID     int64 // of the last event handed on
}

// at is the place inside the batch behind the event with this id.
func (b *batch) at(id int64) position {
	return position{prev: b.prev, cur: b.seen, id: id, inside: true}
}

// accessEvent says who must be asked again. An empty topic stands for all of a user's topics, an
// empty user for all followers of a topic.
type accessEvent struct {
	topic Topic
	user  string
}

// errHistory says that the database's log is not the one the node was reading.
var errHistory = errors.New("the log's epoch has changed")

// pollSQL reads, in one READ COMMITTED snapshot, the snapshot itself, the gate, the boot row and
// every event the snapshot sees and the node's last one did not. The first row is the header; access
// events come before all others, so that nobody is handed an event of the batch before they are known.
const pollSQL = `
SELECT 0 AS part, NULL::bigint AS id, NULL::xid8 AS xid, NULL::timestamptz AS at,
       pg_current_snapshot()::text AS topic, (SELECT id::text FROM rowcall.boot) AS type,
       NULL::text AS role, (SELECT last_value FROM rowcall.gate)::text AS data
UNION ALL
SELECT CASE type WHEN 'rowcall.access' THEN 1 ELSE 2 END, id, xid, at, topic, type, role, data
  FROM rowcall.log
 WHERE xid >= $1 AND pg_visible_in_snapshot(xid, (SELECT pg_current_snapshot()))
UNION ALL
SELECT CASE type WHEN 'rowcall.access' THEN 1 ELSE 2 END, id, xid, at, topic, type, role, data
  FROM rowcall.log
 WHERE xid = ANY ($2) AND pg_visible_in_snapshot(xid, (SELECT pg_current_snapshot()))
 ORDER BY 1, 2`

// floorSQL must be a statement of its own, after the rows: asked earlier, a rotation in between
// would be silent loss.
const floorSQL = `SELECT xid, snap::text FROM rowcall.floor`

// floor is what retention has dropped: everything up to xid that snap sees.
type floor struct {
	xid  uint64
	snap snapshot
}

// spares reports whether retention has dropped nothing that comes after s.
func (f floor) spares(s snapshot) bool {
	if s.xmax <= f.xid {
		return false
	}
	for _, x := range s.xip {
		if x <= f.xid && f.snap.sees(x) {
			return false
		}
	}
	return true
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readFloor(ctx context.Context, q querier) (floor, error) {
	var f floor
	var text string
	if err := q.QueryRow(ctx, floorSQL).Scan(&f.xid, &text); err != nil {
		return floor{}, fmt.Errorf("reading the floor: %w", err)
	}
	snap, err := parseSnapshot(text)
	f.snap = snap
	return f, err
}

// sink receives what a poll found, in this order: begin once, chunks of events in order of ids,
// nothing more when one of them returns an error.
type sink interface {
	begin(b *batch) error
	events(b *batch, events []*Event, last bool) error
}

// poll reads what came after prev and hands it on in chunks. aside serves the floor while the poll's
// own connection is in the middle of a large batch; the poll holds its lock on every slot
// until its last row is read, so that one look at the floor is good for the whole batch.
//
// A batch that was begun is returned with the error that cut it short, for resume to finish.
func poll(ctx context.Context, conn *pgx.Conn, aside querier, patience time.Duration, prev snapshot, to sink) (*batch, error) {
	xmax := prev.xmax
	if prev.zero() {
		xmax = math.MaxInt64 // nothing: the first poll only finds out where the log stands
	}
	c := chunker{batch: &batch{prev: prev}, to: to, aside: aside}
	err := c.run(ctx, conn, patience, pollSQL, xmax, prev.running())
	if err != nil && !c.begun {
		return nil, err
	}
	return c.batch, err
}

// resumeSQL reads what is left of a batch whose connection was lost in the middle: the same
// snapshot, past the last event handed on. Its access events came before all others.
const resumeSQL = `
SELECT 2, id, xid, at, topic, type, role, data
  FROM rowcall.log
 WHERE ` + spanWhere + `
 ORDER BY id`

// resume hands on the rest of a batch that poll has begun.
func resume(ctx context.Context, conn *pgx.Conn, aside querier, patience time.Duration, b *batch, to sink) error {
	rest := span{from: position{prev: b.prev, cur: b.seen, id: b.lastID, inside: true}, to: b.seen}
	c := chunker{batch: b, to: to, aside: aside, begun: true}
	return c.run(ctx, conn, patience, resumeSQL, spanArgs(rest)...)
}

func checkFloor(ctx context.Context, q querier, prev snapshot) error {
	if prev.zero() {
		return nil
	}
	f, err := readFloor(ctx, q)
	if err == nil && !f.spares(prev) {
		return errExpired
	}
	return err
}

var errExpired = errors.New("retention has dropped what comes next")

var errStalled = errors.New("the server has been silent for too long")

// watchdog cancels the context when progress is not called for the length of patience: a proxy that
// stops forwarding keeps a TCP connection alive for ever.
func watchdog(ctx context.Context, patience time.Duration) (_ context.Context, progress func(), cancel func()) {
	ctx, stop := context.WithCancelCause(ctx)
	timer := time.AfterFunc(patience, func() { stop(errStalled) })
	return ctx, func() { timer.Reset(patience) }, func() { timer.Stop(); stop(nil) }
}

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

// logRow is one row of the log as it comes from the database.
type logRow struct {
	id    int64
	xid   uint64
	at    time.Time
	topic string
	typ   *string
	role  *string
	data  []byte
}

func scanRow(rows pgx.Rows, part *int) (logRow, error) {
	var r logRow
	var id *int64
	var xid *uint64
	var at *time.Time
	if err := rows.Scan(part, &id, &xid, &at, &r.topic, &r.typ, &r.role, &r.data); err != nil {
		return logRow{}, fmt.Errorf("reading a row of the log: %w", err)
	}
	if id != nil {
		r.id, r.xid, r.at = *id, *xid, *at
	}
	return r, nil
}

func (r logRow) event() *Event {
	e := &Event{ID: r.id, Topic: Topic(r.topic), Data: r.data, Time: r.at.UTC(), xid: r.xid}
	if r.typ != nil {
		e.Type = *r.typ
	}
	if r.role != nil {
		e.Role = *r.role
	}
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("null")
	}
	return e
}

// access reads an access event. Data that cannot be read stands for everybody: asking too many
// is slow, asking too few is a leak.
func (r logRow) access() accessEvent {
	var data struct {
		User string `json:"user_id"`
	}
	if json.Unmarshal(r.data, &data) != nil {
		data.User = ""
	}
	return accessEvent{topic: Topic(r.topic), user: data.User}
}

package notifier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// poll is one poll of the log: what it has found, and how far its events were handed on.
type poll struct {
	logInterval
	gate    int64  // the gate's generation, as the poll read it
	boot    string // the boot row's id; empty if there is none
	access  []accessEvent
	writers int   // distinct transactions among the rows
	lastID  int64 // of the last event handed on
}

// isFirst reports whether the poll only finds out where the log stands, because the node begins
// anew: it brings no events.
func (p *poll) isFirst() bool { return p.prev.zero() }

// errOtherHistory says that the database's log is not the log that the node was reading.
var errOtherHistory = errors.New("the log's epoch has changed")

// pollSQL reads, in one READ COMMITTED snapshot, the snapshot itself, the gate, the boot row, and
// every event that the snapshot sees and the node's last one did not. $1 is the last snapshot's
// xmax, and $2 its xip: the transactions that have ended since are among these two. (A condition on
// xmin reads the same rows, but takes a hundred times as long while a long transaction is open.)
//
// The first row is the header. Access events come before all others, so that they are known before
// the first event is handed on.
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

// The first column of pollSQL and resumeSQL.
const (
	headerPart = 0
	accessPart = 1
	eventPart  = 2
)

// pollSink receives what a poll finds: beginPoll once, then chunks of events in the order of ids.
// After an error it is not called again for this poll.
type pollSink interface {
	beginPoll(p *poll) error
	deliverChunk(p *poll, events []*Event, last bool) error
}

// readPoll reads what came after prev and hands it on in chunks. aside serves the floor while conn
// is in the middle of a large poll. The statement holds its lock on every slot of the log until its
// last row is read, so reading the floor once is enough for the whole poll.
//
// A poll that was begun is returned together with the error that cut it short; resumePoll finishes
// it.
func readPoll(ctx context.Context, conn *pgx.Conn, aside querier, patience time.Duration, prev snapshot, to pollSink) (*poll, error) {
	xmax := prev.xmax
	if prev.zero() {
		xmax = math.MaxInt64 // no event: see poll.isFirst
	}
	c := chunker{poll: &poll{logInterval: logInterval{prev: prev}}, to: to, aside: aside}
	err := c.readStatement(ctx, conn, patience, pollSQL, xmax, prev.running())
	if err != nil && !c.begun {
		return nil, err
	}
	return c.poll, err
}

// resumeSQL reads the rest of a poll whose connection was lost in the middle: the events that the
// same snapshot sees, behind the last one handed on. The access events came before all others.
const resumeSQL = `
SELECT 2, id, xid, at, topic, type, role, data
  FROM rowcall.log
 WHERE ` + spanWhere + `
 ORDER BY id`

// resumePoll hands on the rest of a poll that readPoll has begun.
func resumePoll(ctx context.Context, conn *pgx.Conn, aside querier, patience time.Duration, p *poll, to pollSink) error {
	rest := logSpan{from: p.at(p.lastID), to: p.seen}
	c := chunker{poll: p, to: to, aside: aside, begun: true}
	return c.readStatement(ctx, conn, patience, resumeSQL, rest.args()...)
}

// A chunk is handed on as soon as it has so many events, or so many bytes of them.
const (
	chunkEvents = 1000
	chunkBytes  = 1 << 20
)

// chunker cuts the rows of one poll into chunks.
type chunker struct {
	poll         *poll
	to           pollSink
	aside        querier
	begun        bool // the sink knows the poll
	floorChecked bool // the floor was read after this statement's first row
	events       []*Event
	bytes        int
	xids         map[uint64]struct{}
}

// readStatement executes one statement and hands its rows on.
func (c *chunker) readStatement(ctx context.Context, conn *pgx.Conn, patience time.Duration, sql string, args ...any) error {
	ctx, progress, cancel := watchdog(ctx, patience)
	defer cancel()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("polling the log: %w", err)
	}
	defer rows.Close()
	if err := c.readRows(ctx, rows, progress); err != nil {
		return err
	}
	return c.handOn(ctx, conn, true)
}

func (c *chunker) readRows(ctx context.Context, rows pgx.Rows, progress func()) error {
	for rows.Next() {
		progress()
		if err := c.readRow(ctx, rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the log: %w", errors.Join(err, context.Cause(ctx)))
	}
	if c.poll.seen.zero() {
		return errors.New("reading the log: the poll's header is missing")
	}
	return nil
}

// readRow takes the current row. Before that it hands on the chunk, if that is full.
func (c *chunker) readRow(ctx context.Context, rows pgx.Rows) error {
	if len(c.events) >= chunkEvents || c.bytes >= chunkBytes {
		if err := c.handOn(ctx, c.aside, false); err != nil {
			return err
		}
	}
	var part int
	r, err := scanRow(rows, &part)
	if err != nil {
		return err
	}
	if part == headerPart {
		return c.readHeader(r)
	}
	c.countWriter(r.xid)
	if part == accessPart {
		c.poll.access = append(c.poll.access, r.access())
		return nil
	}
	e := r.event()
	c.events = append(c.events, e)
	c.bytes += e.size()
	return nil
}

func (c *chunker) countWriter(xid uint64) {
	if c.xids == nil {
		c.xids = make(map[uint64]struct{})
	}
	c.xids[xid] = struct{}{}
	c.poll.writers = len(c.xids)
}

func (c *chunker) readHeader(r logRow) error {
	seen, err := parseSnapshot(r.topic)
	if err != nil {
		return fmt.Errorf("reading the poll's header: %w", err)
	}
	c.poll.seen = seen
	if r.typ != nil {
		c.poll.boot = *r.typ
	}
	c.poll.gate, err = strconv.ParseInt(string(r.data), 10, 64)
	return err
}

// handOn hands the chunk on. q serves the floor, which is read before the first chunk.
func (c *chunker) handOn(ctx context.Context, q querier, last bool) error {
	if err := c.prepareSink(ctx, q); err != nil {
		return err
	}
	if err := c.to.deliverChunk(c.poll, c.events, last); err != nil {
		return err
	}
	if n := len(c.events); n > 0 {
		c.poll.lastID = c.events[n-1].ID
	}
	c.events, c.bytes = nil, 0
	return nil
}

// prepareSink checks the floor once per statement, and after that announces the poll once.
func (c *chunker) prepareSink(ctx context.Context, q querier) error {
	if !c.floorChecked {
		if err := checkFloor(ctx, q, c.poll.prev); err != nil {
			return err
		}
		c.floorChecked = true
	}
	if c.begun {
		return nil
	}
	err := c.to.beginPoll(c.poll)
	c.begun = err == nil
	return err
}

package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
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
	topic topic.Topic
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
	e := &Event{ID: r.id, Topic: topic.Topic(r.topic), Data: r.data, Time: r.at.UTC(), xid: r.xid}
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
	return accessEvent{topic: topic.Topic(r.topic), user: data.User}
}

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
	boot    string // as bootSQL names history and server; empty if it finds nothing
	access  []accessEvent
	writers int   // distinct transactions among the rows; see mostWriters
	lastID  int64 // of the last event handed on
	atOnce  int   // events, if the poll was read at once
	lossy   bool  // some text could not be converted; see lossyText
}

// isFirst reports whether the poll only finds out where the log stands, because the node begins
// anew: it brings no events.
func (p *poll) isFirst() bool { return p.prev.zero() }

// errOtherHistory says that the database's log is not the log that the node was reading.
var errOtherHistory = errors.New("the log's epoch has changed")

// A chunk of events that is handed on has at most so many events, and about so many bytes of them.
const (
	chunkEvents = 1000
	chunkBytes  = 1 << 20
)

// pollSQL reads, in one READ COMMITTED snapshot, the snapshot itself, the gate, the boot row, and
// every event that the snapshot sees and the node's last one did not. $1 is the last snapshot's
// xmax, and $2 its xip: the transactions that have ended since are among these two. (A condition on
// xmin reads the same rows, but takes a hundred times as long while a long transaction is open.)
// Transactions that still run are left out before the index is asked, because their rows would be
// read at every poll.
//
// The first row is the header: its id is the number of rows that follow. If these would be more than
// $3, or have more than $4 bytes, none follow and the id is -1, so that the server never sorts more
// than that. Access events come before all others.
const pollSQL = `
WITH found AS MATERIALIZED (
(SELECT CASE type WHEN 'rowcall.access' THEN 1 ELSE 2 END AS part, id, xid, at, topic, type, role, data
   FROM rowcall.log
  WHERE xid >= $1 AND xid < (SELECT pg_snapshot_xmax(pg_current_snapshot()))
    AND pg_visible_in_snapshot(xid, (SELECT pg_current_snapshot()))
  LIMIT $3::bigint + 1)
UNION ALL
(SELECT CASE type WHEN 'rowcall.access' THEN 1 ELSE 2 END, id, xid, at, topic, type, role, data
   FROM rowcall.log
  WHERE xid = ANY (ARRAY(SELECT x FROM unnest($2::xid8[]) AS x WHERE pg_visible_in_snapshot(x, pg_current_snapshot())))
  LIMIT $3::bigint + 1)
), size AS (
SELECT CASE WHEN count(*) <= $3 AND coalesce(sum(octet_length(data)), 0) <= $4::bigint THEN count(*) ELSE -1 END AS events
  FROM found
)
SELECT 0 AS part, (SELECT events FROM size) AS id, NULL::xid8 AS xid, NULL::timestamptz AS at,
       pg_current_snapshot()::text AS topic, (` + bootSQL + `) AS type,
       NULL::text AS role, rowcall.gate_generation()::text AS data
UNION ALL
SELECT part, id, xid, at, topic, type, role, data FROM found WHERE (SELECT events FROM size) >= 0
 ORDER BY 1, 2`

// The first column of pollSQL.
const (
	headerPart = 0
	accessPart = 1
	eventPart  = 2
)

// pollSink receives what a poll finds: beginPoll once, then chunks of events in the order of ids.
// After an error it is not called again for this poll. announceLargePoll comes before that if the poll
// is large and so is read in pages, and again if it is resumed.
type pollSink interface {
	announceLargePoll(p *poll)
	beginPoll(p *poll) error
	deliverChunk(p *poll, events []*Event, last bool) error
}

// readPoll reads what came after prev and hands it on in chunks. patience is how long the server
// may bring nothing. With cautious, which is for a poll after one that was cut short, a connection that
// breaks soon brings some events of a large poll all the same.
//
// A poll that was begun is returned together with the error that cut it short; resumePoll finishes
// it.
func readPoll(ctx context.Context, conn *pgx.Conn, patience time.Duration, cautious bool, prev snapshot, to pollSink) (*poll, error) {
	r := pollReader{
		conn: conn, patience: patience, cautious: cautious, mostAddresses: mostAddresses,
		poll: &poll{logInterval: logInterval{prev: prev}}, to: to,
	}
	events, complete, err := r.readAtOnce(ctx)
	switch {
	case isUnreadable(err) && !r.poll.seen.zero():
		r.lossy, r.poll.lossy = true, true
		err = r.readInPages(ctx)
	case err == nil && complete:
		err = r.deliverAll(events)
	case err == nil:
		err = r.readInPages(ctx)
	}
	if err != nil && !r.begun {
		return nil, err
	}
	return r.poll, err
}

// resumePoll hands on the rest of a poll that readPoll has begun.
func resumePoll(ctx context.Context, conn *pgx.Conn, patience time.Duration, p *poll, to pollSink) error {
	r := pollReader{conn: conn, patience: patience, cautious: true, mostAddresses: mostAddresses, poll: p, to: to, begun: true}
	return r.readInPages(ctx)
}

// pollReader reads one poll.
type pollReader struct {
	conn          *pgx.Conn
	patience      time.Duration
	cautious      bool // small windows come first
	mostAddresses int
	poll          *poll
	to            pollSink
	begun         bool // the sink knows the poll
	lossy         bool // some text cannot be converted to UTF-8: see lossyText
	writers       writerCount
	floor         floor // as it was after the poll was read at once
}

// readAtOnce reads the poll's header and, if they are few, its events. It returns false if they are
// not. The floor is read by a statement of its own behind the poll's, in the same exchange with the
// server: for a single event, the time of an exchange is most of its delay.
func (r *pollReader) readAtOnce(ctx context.Context) (events []*Event, complete bool, err error) {
	xmax := r.poll.prev.xmax
	if r.poll.isFirst() {
		xmax = math.MaxInt64 // no event
	}
	ctx, progress, cancel := watchdog(ctx, r.patience)
	defer cancel()
	statements := new(pgx.Batch)
	statements.Queue(pollSQL, xmax, r.poll.prev.running(), chunkEvents, chunkBytes)
	statements.Queue(floorSQL)
	answers := r.conn.SendBatch(ctx, statements)
	defer answers.Close()
	rows, err := answers.Query()
	if err != nil {
		return nil, false, fmt.Errorf("polling the log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		progress()
		var part int
		row, err := scanRow(rows, &part)
		if err != nil {
			return nil, false, err
		}
		if part == headerPart {
			complete = row.id >= 0
			if err := r.poll.readHeader(row); err != nil {
				return nil, false, err
			}
			continue
		}
		r.writers.add(row.xid)
		if part == accessPart {
			r.poll.access = append(r.poll.access, row.access())
			continue
		}
		events = append(events, row.event())
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("reading the log: %w", errors.Join(err, context.Cause(ctx)))
	}
	if r.poll.seen.zero() {
		return nil, false, errors.New("reading the log: the poll's header is missing")
	}
	r.poll.writers, r.poll.atOnce = r.writers.count(), len(events)
	rows.Close()
	if r.floor, err = scanFloor(answers.QueryRow()); err != nil {
		return nil, false, errors.Join(err, context.Cause(ctx))
	}
	return events, complete, answers.Close()
}

func (p *poll) readHeader(r logRow) error {
	seen, err := parseSnapshot(r.topic)
	if err != nil {
		return fmt.Errorf("reading the poll's header: %w", err)
	}
	p.seen = seen
	if r.typ != nil {
		p.boot = *r.typ
	}
	p.gate, err = strconv.ParseInt(string(r.data), 10, 64)
	return err
}

// deliverAll hands on a poll that was read at once.
func (r *pollReader) deliverAll(events []*Event) error {
	if err := r.floor.check(r.poll.prev); err != nil {
		return err
	}
	if err := r.announce(); err != nil {
		return err
	}
	return r.deliver(events, true)
}

// begin checks the floor, and after that announces the poll, once. All rows that are handed on next
// were read before, or are locked against retention.
func (r *pollReader) begin(ctx context.Context) error {
	if err := checkFloor(ctx, r.conn, r.poll.prev); err != nil {
		return err
	}
	return r.announce()
}

// announce tells the sink of the poll, once.
func (r *pollReader) announce() error {
	if r.begun {
		return nil
	}
	err := r.to.beginPoll(r.poll)
	r.begun = err == nil
	return err
}

func (r *pollReader) deliver(events []*Event, last bool) error {
	if err := r.to.deliverChunk(r.poll, events, last); err != nil {
		return err
	}
	if n := len(events); n > 0 {
		r.poll.lastID = events[n-1].ID
	}
	return nil
}

// mostWriters is where the count of a poll's transactions ends: beyond, nothing depends on it.
const mostWriters = 100_000

// writerCount counts distinct transactions.
type writerCount map[uint64]struct{}

func (c *writerCount) add(xid uint64) {
	if *c == nil {
		*c = make(writerCount)
	}
	if len(*c) < mostWriters {
		(*c)[xid] = struct{}{}
	}
}

func (c writerCount) count() int { return len(c) }

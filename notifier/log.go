package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
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

// scanRow reads the current row. The first column goes to part, whose meaning differs between the
// statements.
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

// collectEvents reads all rows as events. The first column of every row goes to part.
func collectEvents(rows pgx.Rows, part *int) ([]*Event, error) {
	return pgx.CollectRows(rows, func(pgx.CollectableRow) (*Event, error) {
		r, err := scanRow(rows, part)
		return r.event(), err
	})
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

// floorSQL must be a statement of its own, sent after the rows were read: if the floor is read
// earlier, a rotation in between loses events silently.
const floorSQL = `SELECT xid, snap::text FROM rowcall.floor`

// floor is the lower end of the log. Retention has dropped events of transactions up to xid, and
// only of transactions that snap sees.
type floor struct {
	xid  uint64
	snap snapshot
}

// errExpired says that retention has dropped events that come next.
var errExpired = errors.New("retention has dropped what comes next")

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

// checkFloor returns errExpired if retention has dropped anything that comes after prev.
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

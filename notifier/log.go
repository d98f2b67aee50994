package notifier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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

// exactText are the text columns of an event. The server converts them to UTF-8.
const exactText = `topic, type, role, data`

// lossyText are the same columns, for rows in which some text cannot be converted: the encoding of
// the database has characters without an equivalent, or the database is SQL_ASCII and holds bytes
// that are no UTF-8. U+FFFD takes the place of such characters.
const lossyText = `rowcall.utf8(topic), rowcall.utf8(type), rowcall.utf8(role), rowcall.utf8(data)`

// withText is a statement that reads exactText, as it is or with lossyText.
func withText(sql string, lossy bool) string {
	if !lossy {
		return sql
	}
	return strings.Replace(sql, exactText, lossyText, 1)
}

// isUnreadable reports whether the server could not convert some text to UTF-8.
func isUnreadable(err error) bool {
	const characterNotInRepertoire, untranslatableCharacter = "22021", "22P05"
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == characterNotInRepertoire || pgErr.Code == untranslatableCharacter)
}

// scanRow reads the current row. The first column goes to part, whose meaning differs between the
// statements.
func scanRow(rows pgx.Rows, part *int) (logRow, error) {
	var r logRow
	var id *int64
	var xid *uint64
	var at *time.Time
	var topic, typ, role []byte
	if err := rows.Scan(part, &id, &xid, &at, &topic, &typ, &role, &r.data); err != nil {
		return logRow{}, fmt.Errorf("reading a row of the log: %w", err)
	}
	if id != nil {
		r.id = *id
	}
	if xid != nil && at != nil {
		r.xid, r.at = *xid, *at
	}
	r.topic, r.typ, r.role, r.data = string(validText(topic)), textOf(typ), textOf(role), validText(r.data)
	return r, nil
}

// textOf is a text column; nil for NULL.
func textOf(column []byte) *string {
	if column == nil {
		return nil
	}
	text := string(validText(column))
	return &text
}

// validText is a text column as UTF-8. Only lossyText of an SQL_ASCII database yields other bytes.
func validText(column []byte) []byte {
	if utf8.Valid(column) {
		return column
	}
	return bytes.ToValidUTF8(column, []byte("\uFFFD"))
}

// queryEvents reads the events of a statement with exactText. If some text cannot be converted, it
// reads them again with lossyText.
func queryEvents(ctx context.Context, q querier, sql string, part *int, args ...any) ([]*Event, error) {
	read := func(sql string) ([]*Event, error) {
		rows, err := q.Query(ctx, sql, args...)
		if err != nil {
			return nil, err
		}
		return collectEvents(rows, part)
	}
	events, err := read(sql)
	if isUnreadable(err) {
		return read(withText(sql, true))
	}
	return events, err
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
	if e.Type == resetType {
		e.reset = readReset(r.topic, r.data)
	}
	return e
}

// floorSQL must be a statement of its own, which the server executes after the rows were read: if the
// floor is read earlier, a rotation in between loses events silently.
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
	return scanFloor(q.QueryRow(ctx, floorSQL))
}

func scanFloor(row pgx.Row) (floor, error) {
	var f floor
	var text string
	if err := row.Scan(&f.xid, &text); err != nil {
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
	if err != nil {
		return err
	}
	return f.check(prev)
}

// check returns errExpired if retention has dropped anything that comes after prev.
func (f floor) check(prev snapshot) error {
	if prev.zero() || f.spares(prev) {
		return nil
	}
	return errExpired
}

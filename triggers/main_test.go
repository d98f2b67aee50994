package triggers_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }

// row is what a test expects of a row of the log.
type row struct {
	Topic, Type, Role, Data string // Data compact
}

// desk is a test's connection, which remembers how far it has read the log.
type desk struct {
	*pgx.Conn
	t    testing.TB
	read int64
}

// at opens a desk on a database. What is in the log by then is taken as read.
func at(t testing.TB, db *schematest.Database) *desk {
	t.Helper()
	d := &desk{Conn: db.Conn(t), t: t}
	d.events()
	return d
}

// run executes statements, several at once where there are no args.
func (d *desk) run(sql string, args ...any) {
	d.t.Helper()
	if len(args) == 0 {
		args = []any{pgx.QueryExecModeSimpleProtocol}
	}
	if _, err := d.Exec(d.t.Context(), sql, args...); err != nil {
		d.t.Fatalf("run %q: %v", sql, err)
	}
}

// events returns what has been filed since the last call.
func (d *desk) events() []row {
	d.t.Helper()
	const query = `SELECT id, topic, type, coalesce(role, '') AS role, data FROM rowcall.log WHERE id > $1 ORDER BY id`
	rows, _ := d.Query(d.t.Context(), query, d.read)
	var all []row
	var r row
	var id int64
	_, err := pgx.ForEachRow(rows, []any{&id, &r.Topic, &r.Type, &r.Role, &r.Data}, func() error {
		d.read = id
		r.Data = compact(d.t, r.Data)
		all = append(all, r)
		return nil
	})
	if err != nil {
		d.t.Fatalf("read the log: %v", err)
	}
	return all
}

// expect compares what has been filed since the last call.
func (d *desk) expect(want ...row) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.events()); diff != "" {
		d.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// one reads a single value.
func one[T any](d *desk, sql string, args ...any) T {
	d.t.Helper()
	var value T
	if err := d.QueryRow(d.t.Context(), sql, args...).Scan(&value); err != nil {
		d.t.Fatalf("ask %q: %v", sql, err)
	}
	return value
}

// compact also checks that the text is JSON.
func compact(t testing.TB, data string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(data)); err != nil {
		t.Fatalf("the log holds %.100q: %v", data, err)
	}
	return b.String()
}

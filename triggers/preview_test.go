package triggers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

// preview returns what rowcall.preview lists.
func (d *desk) preview() []row {
	d.t.Helper()
	rows, _ := d.Query(d.t.Context(), `SELECT topic, type, coalesce(role, '') AS role, coalesce(data::text, 'null') AS data FROM rowcall.preview()`)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		d.t.Fatalf("preview: %v", err)
	}
	return all
}

func (d *desk) expectPreview(want ...row) {
	d.t.Helper()
	got := d.preview()
	if len(want) == 0 && len(got) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("preview (-want +got):\n%s", diff)
	}
}

// A transaction sees what it has filed: all of it in order, with released savepoints, and nothing that was rolled back or is
// of others, whether these have committed or not.
func TestPreview(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d, other := at(t, db), at(t, db)
	d.expectPreview()
	other.run(`BEGIN; SELECT rowcall.publish('b', 'open', '{}')`)
	d.run(`SELECT rowcall.publish('a', 'before', '{}')`)
	d.run(`BEGIN`)
	d.expectPreview()
	if one[bool](d, `SELECT pg_current_xact_id_if_assigned() IS NOT NULL`) {
		t.Error("looking has given the transaction an xid")
	}
	d.run(`SELECT rowcall.publish('a', 'first', '{"n": 1}'); SAVEPOINT s; SELECT rowcall.publish('a', 'gone', '{}')`)
	d.expectPreview(row{"a", "first", "", `{"n": 1}`}, row{"a", "gone", "", `{}`})
	d.run(`ROLLBACK TO s; SAVEPOINT u; SELECT rowcall.publish('a', 'inner', '{}', 'owner'); RELEASE u; SAVEPOINT w; UPDATE dams SET name = 'x' WHERE id = 1`)
	other.run(`SELECT rowcall.publish('b', 'more', '{}'); COMMIT`)
	got := d.preview()
	if len(got) != 3 || got[1] != (row{"a", "inner", "owner", "{}"}) || got[2].Type != "dam.update" || got[2].Topic != "dams/1" {
		t.Errorf("previewed %+v", got)
	}
	d.run(`SELECT rowcall.revalidate('room', '5'); SELECT rowcall.reset('{a}', 'schema')`)
	if got := d.preview(); len(got) != 5 || got[3] != (row{"room", "rowcall.access", "", `{"user_id":"5"}`}) || got[4].Type != "rowcall.reset" {
		t.Errorf("previewed %+v", got)
	}
	d.run(`COMMIT`)
	d.expectPreview()
	if got := d.events(); len(got) != 8 {
		t.Errorf("looking has changed what is filed: %+v", got)
	}
}

// Rows that a dump brought may have the xid of this transaction. They are not shown.
func TestPreviewOfAForeignLog(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `INSERT INTO rowcall.log (slot, topic, type, data, xid) SELECT 0, 'a', 'foreign', '{}', (pg_current_xact_id()::text::bigint + n)::text::xid8 FROM generate_series(1, 20000) n`)
	d := at(t, db)
	d.run(`BEGIN; SAVEPOINT s; SELECT rowcall.publish('a', 'mine', '{}')`)
	if one[int](d, `SELECT count(*) FROM rowcall.log WHERE xid = pg_current_xact_id()`) != 2 {
		t.Skip("the server has done too many transactions meanwhile")
	}
	d.expectPreview(row{"a", "mine", "", `{}`})
}

// A large log is not read, and a session's own settings and functions do not matter.
func TestPreviewReadsByIndex(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `INSERT INTO rowcall.log (slot, topic, type, data) SELECT 0, 'a', 'many', '{}' FROM generate_series(1, 50000)`)
	d := &desk{Conn: db.Conn(t), t: t} // a session that has read nothing of the log
	d.run(`CREATE FUNCTION pg_temp.pg_xact_status(xid8) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'; SET search_path = pg_temp, pg_catalog; SET enable_indexscan = off;
		BEGIN; SELECT rowcall.publish('a', 'mine', '{}')`)
	d.expectPreview(row{"a", "mine", "", `{}`})
	if n := one[int](d, `SELECT sum(seq_tup_read)::int FROM pg_stat_xact_all_tables WHERE schemaname = 'rowcall' AND relname LIKE 'log%'`); n > 0 {
		t.Errorf("%d rows of the log were read one after another", n)
	}
}

// While nobody would read events, none are filed, and the preview says so.
func TestPreviewWhereNothingIsFiled(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `SELECT rowcall.set_state(0, 1, 0)`)
	said := db.Psql(t, `BEGIN; SELECT rowcall.publish('a', 'x', '{}'); SELECT count(*) FROM rowcall.preview()`)
	if !strings.Contains(said, "nothing is filed at present") || !strings.Contains(said, "0") {
		t.Errorf("psql says %q", said)
	}
}

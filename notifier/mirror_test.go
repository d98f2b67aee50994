package notifier_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// mirrorSchema has a table in most of the forms that tables come in. Its trigger says what has become of a row.
const mirrorSchema = `
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE things (
	id int PRIMARY KEY,
	parent int REFERENCES parents ON UPDATE CASCADE ON DELETE CASCADE,
	version int NOT NULL DEFAULT 0,
	twice int GENERATED ALWAYS AS (version * 2) STORED
);
CREATE TABLE parts (id int, shelf int, version int NOT NULL DEFAULT 0, PRIMARY KEY (id, shelf)) PARTITION BY LIST (shelf);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE FUNCTION mirrored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		PERFORM rowcall.publish(TG_ARGV[0], 'truncate', '{}');
	ELSE
		PERFORM rowcall.publish(TG_ARGV[0] || '/' || coalesce(NEW.id, OLD.id), lower(TG_OP), row_to_json(coalesce(NEW, OLD)));
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER "0_row" AFTER INSERT OR UPDATE OR DELETE ON things FOR EACH ROW EXECUTE FUNCTION mirrored('things');
CREATE TRIGGER "0_truncate" AFTER TRUNCATE ON things EXECUTE FUNCTION mirrored('things');
CREATE TRIGGER "0_row" AFTER INSERT OR UPDATE OR DELETE ON parts FOR EACH ROW EXECUTE FUNCTION mirrored('parts');
ALTER TABLE things ENABLE ALWAYS TRIGGER "0_row", ENABLE ALWAYS TRIGGER "0_truncate";`

// mirror is a table as its events tell it. Each event must fit what the events before it have told.
type mirror struct {
	t    testing.TB
	conn *pgx.Conn
	rows map[int]string
	r    *reader
}

func newMirror(t testing.TB, db *schematest.Database, n *node, table topic.Topic) *mirror {
	t.Helper()
	return &mirror{t: t, conn: db.Conn(t), rows: make(map[int]string), r: follow(t, n, notifier.Request{}, table)}
}

// apply takes so many events, and then compares with the table.
func (m *mirror) apply(table string, events int) {
	m.t.Helper()
	for range events {
		m.take(m.r.event())
	}
	rows, err := m.conn.Query(m.t.Context(), `SELECT id, row_to_json(x)::text FROM `+table+` AS x`)
	if err != nil {
		m.t.Fatal(err)
	}
	want := make(map[int]string)
	var id int
	var row string
	if _, err := pgx.ForEachRow(rows, []any{&id, &row}, func() error { want[id] = row; return nil }); err != nil {
		m.t.Fatal(err)
	}
	if !maps.Equal(m.rows, want) {
		m.t.Fatalf("the events tell of %d rows of %s, and it has %d; or they differ", len(m.rows), table, len(want))
	}
}

func (m *mirror) take(e *notifier.Event) {
	m.t.Helper()
	if e.Type == "truncate" {
		clear(m.rows)
		return
	}
	var row struct{ ID int }
	if err := json.Unmarshal(e.Data, &row); err != nil {
		m.t.Fatal(err)
	}
	before, there := m.rows[row.ID]
	switch {
	case e.Type == "insert" == there:
		m.t.Fatalf("%s of row %d, which was %q", e.Type, row.ID, before)
	case e.Type == "delete":
		delete(m.rows, row.ID)
	case before == string(e.Data):
		m.t.Fatalf("%s of row %d changes nothing", e.Type, row.ID)
	default:
		m.rows[row.ID] = string(e.Data)
	}
}

package notifier_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// TestEveryKindOfWriteIsTold changes tables in all the ways that PostgreSQL has, and compares what the events tell
// with what the tables hold.
func TestEveryKindOfWriteIsTold(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, mirrorSchema)
	n := startNode(t, db.URL, openRules{}, roomy())
	things, parts := newMirror(t, db, n, "things"), newMirror(t, db, n, "parts")
	for _, step := range []struct {
		name, sql     string
		things, parts int // events
	}{
		{"insert", `INSERT INTO parents VALUES (1), (2); INSERT INTO things (id, parent) SELECT i, 1 + i % 2 FROM generate_series(1, 100) AS i`, 100, 0},
		{"generated column", `UPDATE things SET version = version + 1`, 100, 0},
		{"upsert", `INSERT INTO things (id, parent) SELECT i, 1 FROM generate_series(91, 110) AS i ON CONFLICT (id) DO UPDATE SET version = things.version + 1`, 20, 0},
		{"upsert that does nothing", `INSERT INTO things (id) SELECT i FROM generate_series(101, 111) AS i ON CONFLICT DO NOTHING`, 1, 0},
		{"cascading update", `UPDATE parents SET id = 3 WHERE id = 2`, 50, 0},
		{"cascading delete", `DELETE FROM parents WHERE id = 3`, 50, 0},
		{"replica", `SET session_replication_role = replica; UPDATE things SET version = version + 1; DELETE FROM things WHERE id < 10`, -1, 0},
		{"partitions", `INSERT INTO parts SELECT i, 1 + i % 2 FROM generate_series(1, 20) AS i`, 0, 20},
		{"a move between partitions", `UPDATE parts SET shelf = 3 - shelf, version = version + 1`, 0, 40},
		{"a partition of its own", `UPDATE parts_1 SET version = version + 1`, 0, 10},
		{"truncate", `TRUNCATE things`, 1, 0},
		{"one row, many times, in one transaction", `INSERT INTO things (id) VALUES (1); DO $$ BEGIN
			FOR i IN 1..50 LOOP UPDATE things SET version = version + 1; END LOOP; DELETE FROM things; INSERT INTO things (id) VALUES (1); END $$`, 53, 0},
	} {
		t.Log(step.name)
		if step.things < 0 {
			step.things = countOf(t, db, `SELECT count(*) + count(*) FILTER (WHERE id < 10) FROM things`)
		}
		db.Exec(t, step.sql)
		things.apply("things", step.things)
		parts.apply("parts", step.parts)
	}
	things.r.silent(db, "things")
	parts.r.silent(db, "parts")
}

func countOf(t testing.TB, db *schematest.Database, sql string) (n int) {
	t.Helper()
	if err := db.Conn(t).QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLargeLoadsAreTold loads a hundred thousand rows in one statement, by COPY, and then as many from a query. The
// short form loads a fifth and a tenth of that.
func TestLargeLoadsAreTold(t *testing.T) {
	t.Parallel()
	copied, selected := bulkRows, bulkRows
	if !long() {
		copied, selected = bulkRows/5, bulkRows/10
	}
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, mirrorSchema)
	n := startNode(t, db.URL, openRules{}, roomy())
	m := newMirror(t, db, n, "things")
	bystander := follow(t, n, notifier.Request{}, "room")
	rows := pgx.CopyFromSlice(copied, func(i int) ([]any, error) { return []any{-i}, nil })
	if _, err := db.Conn(t).CopyFrom(t.Context(), pgx.Identifier{"things"}, []string{"id"}, rows); err != nil {
		t.Fatal(err)
	}
	publish(t, db, "room/1", `1`)
	bystander.event()
	m.apply("things", copied)
	db.Exec(t, `INSERT INTO things (id) SELECT i FROM generate_series(1, $1::int) AS i`, selected)
	m.apply("things", selected)
	m.r.silent(db, "things")
}

// TestAWriterWithoutRightsIsToldOf writes as a role that may nothing but insert into one table, whose rows it may
// not even see.
func TestAWriterWithoutRightsIsToldOf(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, mirrorSchema)
	role := "writer_" + db.Name
	db.Exec(t, `CREATE ROLE `+role+`; GRANT INSERT ON things TO `+role+`;
		ALTER TABLE things ENABLE ROW LEVEL SECURITY; ALTER TABLE things FORCE ROW LEVEL SECURITY;
		CREATE POLICY all_may_insert ON things FOR INSERT WITH CHECK (true)`)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	n := startNode(t, db.URL, openRules{}, notifier.Options{})
	m := newMirror(t, db, n, "things")
	db.Exec(t, `SET ROLE `+role+`; INSERT INTO things (id) SELECT i FROM generate_series(1, 10) AS i`)
	m.apply("things", 10)
	m.r.silent(db, "things")
}

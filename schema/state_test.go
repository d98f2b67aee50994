package schema_test

import (
	"slices"
	"strings"
	"testing"

	"rowcall/schema"
	"rowcall/schema/schematest"
)

// Compare tells a database without Rowcall, one that waits for migrations, one of a newer version, and one from which
// something is gone.
func TestCompare(t *testing.T) {
	t.Parallel()
	if s, err := schema.Compare(t.Context(), schematest.New(t, schematest.Empty).DB(t), false); err != nil || !s.Missing {
		t.Errorf("an empty database: got %+v, %v; want that the schema is missing", s, err)
	}
	db := schematest.New(t)
	root := db.DB(t)
	compare := func() schema.State {
		t.Helper()
		s, err := schema.Compare(t.Context(), root, true)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := compare(); s.Missing || len(s.Pending)+len(s.Unknown)+len(s.Gone) > 0 {
		t.Errorf("a database that is up to date: got %+v", s)
	}
	run(t, root, `INSERT INTO rowcall.core_migrations (version_id, is_applied) VALUES (9999, true);
		DELETE FROM rowcall.apps_migrations WHERE version_id = 1; DROP INDEX rowcall.log_xid; DROP TABLE dams CASCADE`)
	s := compare()
	if !slices.Equal(s.Unknown, []string{"core/9999"}) || !slices.Equal(s.Pending, []string{"apps/1"}) || !slices.Contains(s.Gone, "rowcall.log_xid") {
		t.Errorf("got %+v, want a newer migration, one that waits, and an index that is gone", s)
	}
}

// MayMigrate says what a role lacks, with the statement that helps, and changes nothing.
func TestMayMigrate(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	role := "few_" + db.Name
	root := db.DB(t)
	run(t, root, `CREATE ROLE `+role+` LOGIN PASSWORD '`+role+`'`)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	few := as(t, db, db.Name, role)
	err := schema.MayMigrate(t.Context(), few, false)
	if err == nil || !strings.Contains(err.Error(), "GRANT CREATE ON DATABASE") {
		t.Errorf("a role without rights: got %v, want the GRANT", err)
	}
	run(t, root, `GRANT CREATE ON DATABASE `+db.Name+` TO `+role)
	if err := schema.MayMigrate(t.Context(), few, false); err != nil {
		t.Errorf("after the GRANT: %v", err)
	}
}

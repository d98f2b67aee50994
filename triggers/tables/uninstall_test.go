package tables_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rowcall/config/rules"
	"rowcall/schema"
	"rowcall/schema/schematest"
	"rowcall/triggers"
	"rowcall/triggers/tables"
)

// install brings a database up to date, as rowcall migrate does.
func install(t *testing.T, db *sql.DB, apps bool) {
	t.Helper()
	silent := slog.New(slog.DiscardHandler)
	err := schema.WithLock(t.Context(), db, func(ctx context.Context) error {
		if err := schema.Migrate(ctx, db, schema.Options{Apps: apps, Samples: apps, Logger: silent}); err != nil {
			return err
		}
		return triggers.Install(ctx, db, triggers.Options{Apps: apps, Logger: silent})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dump is what pg_dump writes of a database's schema, without the lines that differ each time.
func dump(t *testing.T, db *schematest.Database) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^\\(un)?restrict .*$`).ReplaceAllString(db.Program(t, "pg_dump", "--schema-only"), "")
}

// remove removes Rowcall, and returns the statements that were run and the roles that stay.
func remove(t *testing.T, db *sql.DB) (ran, kept []string) {
	t.Helper()
	r, err := tables.PlanRemoval(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	kept = r.Kept
	err = r.Run(t.Context(), db, false, func(statement string, stays error) {
		if stays != nil {
			kept = append(kept, stays.Error())
			return
		}
		ran = append(ran, statement)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ran, kept
}

// A database is as it was after Rowcall was installed and removed.
func TestUninstall(t *testing.T) {
	t.Parallel()
	for name, apps := range map[string]bool{"core": false, "apps": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.Private(t, schematest.Empty)
			db.Exec(t, shop)
			before := dump(t, db)
			at := db.DB(t)
			install(t, at, apps)
			db.Exec(t, `GRANT SELECT ON public.orders TO rowcall_server; GRANT UPDATE (note) ON public.orders TO rowcall_app; GRANT USAGE ON SCHEMA sales TO rowcall_server;
				ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO rowcall_server; ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO rowcall_app;
				CREATE ROLE node LOGIN IN ROLE rowcall_server;
				CREATE TRIGGER "0_rowcall_truncate" AFTER TRUNCATE ON sales.parted_eu EXECUTE FUNCTION rowcall.on_truncate('a')`)
			if dump(t, db) == before {
				t.Fatal("the installation changed nothing")
			}
			_, kept := remove(t, at)
			if diff := cmp.Diff(before, dump(t, db)); diff != "" {
				t.Errorf("pg_dump before and after (-before +after):\n%s", diff)
			}
			if roles := db.Text(t, `SELECT count(*) FROM pg_roles WHERE rolname LIKE 'rowcall%'`); roles != "0" || len(kept) > 0 {
				t.Errorf("%s roles stay: %v", roles, kept)
			}
			if ran, kept := remove(t, at); len(ran)+len(kept) > 0 {
				t.Errorf("a second removal runs %v, keeps %v", ran, kept)
			}
		})
	}
}

// A role that owns its tables, and no more, removes what it has installed.
func TestUninstallAsOwner(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Exec(t, `CREATE ROLE shopkeeper LOGIN PASSWORD 'secret'; GRANT CREATE ON DATABASE `+db.Name+` TO shopkeeper; CREATE ROLE rowcall_server NOLOGIN`)
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("shopkeeper", "secret")
	at, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	before := dump(t, db)
	install(t, at, false)
	ran, kept := remove(t, at)
	if diff := cmp.Diff(before, dump(t, db)); diff != "" {
		t.Errorf("pg_dump before and after (-before +after):\n%s", diff)
	}
	want := []string{"role rowcall_server stays: role shopkeeper may not drop roles; as a superuser: DROP ROLE rowcall_server"}
	if diff := cmp.Diff(want, kept); diff != "" || len(ran) != 1 {
		t.Errorf("ran %v; roles that stay (-want +got):\n%s", ran, diff)
	}
}

// What somebody else has built on Rowcall is named, and nothing is removed.
func TestUninstallObstacles(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE tasks (id int); CREATE VIEW place AS SELECT rowcall.cursor() AS cursor;
		CREATE FUNCTION on_tasks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM rowcall.publish('a', 'b', '{}'); RETURN NULL; END $$;
		CREATE TRIGGER "0_rowcall" AFTER INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION on_tasks()`)
	at := db.DB(t)
	r, err := tables.PlanRemoval(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"function public.on_tasks() calls functions of schema rowcall, and would fail: DROP FUNCTION public.on_tasks() CASCADE drops it with its triggers",
	}
	if diff := cmp.Diff(want, r.Obstacles); diff != "" {
		t.Errorf("obstacles (-want +got):\n%s", diff)
	}
	err = r.Run(t.Context(), at, true, func(statement string, _ error) { t.Errorf("it runs %s", statement) })
	if !errors.Is(err, tables.ErrObstacles) || !strings.Contains(err.Error(), "on_tasks") {
		t.Errorf("got %v", err)
	}
}

// A table of somebody else's that has the name of a table of the example applications is not dropped.
func TestUninstallKeepsTablesOfOthers(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	at := db.DB(t)
	install(t, at, true)
	db.Exec(t, `DROP TABLE public.patients; CREATE TABLE public.patients (name text)`)
	r, err := tables.PlanRemoval(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"table public.patients has the name of a table of the example applications, but nothing of Rowcall is on it, and it would be dropped: rename it, or move it to another schema"}
	if diff := cmp.Diff(want, r.Obstacles); diff != "" {
		t.Errorf("obstacles (-want +got):\n%s", diff)
	}
	db.Exec(t, `ALTER TABLE public.patients RENAME TO people`)
	remove(t, at)
	if got := db.Text(t, `to_regclass('public.people') IS NOT NULL`); got != "true" {
		t.Error("the table was dropped")
	}
}

// Uninstall lists objects of others that would be dropped with the schema. It removes nothing unless --cascade is given.
func TestUninstallTakesNothingUnasked(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE tasks (id int PRIMARY KEY, note text DEFAULT rowcall.segment('a/b'), filed rowcall.log, CHECK (rowcall.segment(note) <> ''));
		CREATE VIEW place AS SELECT rowcall.cursor() AS cursor; CREATE VIEW above AS SELECT * FROM place; CREATE VIEW notes AS SELECT filed FROM tasks;
		CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER audit AFTER INSERT ON tasks FOR EACH ROW WHEN (rowcall.segment(NEW.note) <> 'x') EXECUTE FUNCTION own();
		CREATE TYPE pair AS (e rowcall.log, n int); CREATE DOMAIN entry AS rowcall.log;
		CREATE TABLE copies (LIKE rowcall.boot) INHERITS (rowcall.floor)`)
	apply(t, db, rules.Table{Table: "public.tasks", Topics: topics("tasks"), Columns: []string{"id"}})
	at := db.DB(t)
	r, err := tables.PlanRemoval(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"column e of composite type public.pair", "column filed of table public.tasks", "constraint tasks_note_check on table public.tasks",
		"default value for column note of table public.tasks", "table public.copies", "trigger audit on table public.tasks", "type public.entry", "view public.above", "view public.notes", "view public.place"}
	if diff := cmp.Diff(want, r.Dependents); diff != "" || len(r.Obstacles) > 0 {
		t.Errorf("obstacles %q; taken (-want +got):\n%s", r.Obstacles, diff)
	}
	err = r.Run(t.Context(), at, false, func(statement string, _ error) { t.Errorf("it runs %s", statement) })
	if !errors.Is(err, tables.ErrObstacles) || !strings.Contains(err.Error(), "column filed of table public.tasks depends on schema rowcall") {
		t.Errorf("got %v", err)
	}
	if err := r.Run(t.Context(), at, true, func(string, error) {}); err != nil {
		t.Error(err)
	}
	if got := db.Text(t, `(SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'tasks'::regclass AND attnum > 0 AND NOT attisdropped)`); got != "id note" {
		t.Errorf("the columns that are left: %s", got)
	}
}

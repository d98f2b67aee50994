package schema_test

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/schema"
	"rowcall/schema/schematest"
	"rowcall/triggers"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := schema.Check(t.Context(), schematest.New(t, schematest.Empty).DB(t)); err != nil {
		t.Error(err)
	}
}

// migrateAll does what rowcall migrate does.
func migrateAll(t testing.TB, db *sql.DB, apps bool, log *slog.Logger) error {
	t.Helper()
	return schema.WithLock(t.Context(), db, func(ctx context.Context) error {
		if err := schema.Migrate(ctx, db, schema.Options{Apps: apps, Samples: apps, Logger: log}); err != nil {
			return err
		}
		return triggers.Install(ctx, db, triggers.Options{Apps: apps, Logger: log})
	})
}

// owners are the roles that own something of schema rowcall.
const owners = `SELECT string_agg(DISTINCT o, ',') FROM (
	SELECT relowner::regrole::text FROM pg_class WHERE relnamespace = 'rowcall'::regnamespace
	UNION ALL SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'rowcall'::regnamespace
	UNION ALL SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'rowcall') s (o)`

// A trigger as applications write them: it files an event with the rights of the tables' owner.
const tasks = `
	CREATE TABLE tasks (id int);
	CREATE FUNCTION on_tasks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	BEGIN PERFORM rowcall.publish('tasks', 'task', '{}'); RETURN NULL; END $$;
	CREATE TRIGGER "0_rowcall" AFTER INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION on_tasks()`

// Roles migrate one database in every order. The first decides who owns schema rowcall. Each of the others acts for
// that role, or is told which GRANT is missing. Whoever comes, the triggers of the tables' owner go on.
func TestMigratorsInEveryOrder(t *testing.T) {
	t.Parallel()
	server := schematest.Private(t, schematest.Empty)
	root := server.DB(t)
	run(t, root, `CREATE ROLE plain LOGIN PASSWORD 'plain'; CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'maker'`)
	for _, order := range []string{"plain maker super", "plain super maker", "maker plain super", "maker super plain", "super plain maker", "super maker plain"} {
		t.Run(order, func(t *testing.T) {
			run(t, root, `CREATE DATABASE shop OWNER plain`)
			t.Cleanup(func() {
				server.Exec(t, `DROP DATABASE shop WITH (FORCE)`)
				server.Exec(t, `DROP ROLE IF EXISTS rowcall_owner, rowcall_publisher, rowcall_reader, rowcall_server, rowcall_app`)
			})
			run(t, root, `GRANT CREATE ON DATABASE shop TO maker`)
			migrateInTurn(t, server, strings.Fields(order))
		})
	}
}

// migrateInTurn has roles migrate database shop, whose tables belong to plain.
func migrateInTurn(t *testing.T, server *schematest.Database, order []string) {
	super, plain := as(t, server, "shop", ""), as(t, server, "shop", "plain")
	owner := map[string]string{"plain": "plain", "maker": "rowcall_owner", "super": "rowcall_owner"}[order[0]]
	for i, role := range order {
		err := migrateAs(t, server, role)
		if i == 0 && err != nil {
			t.Fatalf("%s migrates an empty database: %v", role, err)
		}
		if err != nil {
			_, remedy, _ := strings.Cut(err.Error(), "or run: ")
			if !strings.HasPrefix(remedy, `GRANT "`+owner+`" TO "`+role+`"`) {
				t.Fatalf("%s is refused without the GRANT that helps: %v", role, err)
			}
			run(t, super, remedy)
			if err := migrateAs(t, server, role); err != nil {
				t.Errorf("%s migrates after %s: %v", role, remedy, err)
			}
		}
		if got := one[string](t, super, owners); got != owner {
			t.Errorf("after %s has migrated, schema rowcall belongs to %s, want %s", role, got, owner)
		}
		if i == 0 {
			run(t, plain, tasks)
			if owner != "plain" {
				run(t, super, `GRANT rowcall_publisher TO plain`)
			}
		}
		run(t, plain, `INSERT INTO tasks VALUES (1)`)
		if n := one[int](t, super, `SELECT count(*) FROM rowcall.log`); n != i+1 {
			t.Errorf("after %s has migrated, %d events are filed, want %d", role, n, i+1)
		}
	}
}

// migrateAs migrates database shop as a role, whose connections are gone afterwards.
func migrateAs(t *testing.T, server *schematest.Database, role string) error {
	t.Helper()
	db := as(t, server, "shop", strings.TrimPrefix(role, "super"))
	defer db.Close()
	return migrateAll(t, db, false, slog.New(slog.DiscardHandler))
}

// A superuser's schema goes to rowcall_owner, and nobody is told to grant a superuser's rights to a migrating role.
func TestSchemaOfASuperuser(t *testing.T) {
	t.Parallel()
	server := schematest.Private(t, schematest.CoreOnly)
	super := server.DB(t)
	run(t, super, `CREATE ROLE plain LOGIN PASSWORD 'plain'; REASSIGN OWNED BY rowcall_owner TO postgres`)
	if got := one[string](t, super, owners); got != "postgres" {
		t.Fatalf("the test's schema belongs to %s", got)
	}
	err := migrateAll(t, as(t, server, server.Name, "plain"), false, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), `GRANT "rowcall_owner" TO "plain"`) || strings.Contains(err.Error(), `GRANT "postgres"`) {
		t.Errorf("an ordinary role is told %v", err)
	}
	if err := migrateAll(t, super, false, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if got := one[string](t, super, owners); got != "rowcall_owner" {
		t.Errorf("schema rowcall belongs to %s, want rowcall_owner", got)
	}
}

// A role that may not create roles migrates all the same. The log says which are missing, what that costs and what to
// run, until somebody has run it.
func TestRolesLeftOut(t *testing.T) {
	t.Parallel()
	server := schematest.Private(t, schematest.Empty)
	root := server.DB(t)
	for _, statement := range []string{`CREATE ROLE plain LOGIN PASSWORD 'plain'`, `CREATE DATABASE shop OWNER plain`, `CREATE ROLE writer LOGIN PASSWORD 'writer'`} {
		run(t, root, statement)
	}
	db := as(t, server, "shop", "plain")
	said := func() string {
		t.Helper()
		var b book
		if err := migrateAll(t, db, true, b.logger()); err != nil {
			t.Fatal(err)
		}
		run(t, db, `GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO writer`)
		before := one[int](t, db, `SELECT count(*) FROM rowcall.log`)
		run(t, as(t, server, "shop", "writer"), `UPDATE chat_join_requests SET status = 'pending'; UPDATE chat_join_requests SET status = 'admitted'`)
		if after := one[int](t, db, `SELECT count(*) FROM rowcall.log`); after <= before {
			t.Errorf("a writer's change files %d events", after-before)
		}
		var warnings []string
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, "level=WARN") {
				warnings = append(warnings, line)
			}
		}
		return strings.Join(warnings, "")
	}
	first := said()
	for _, want := range []string{"roles left out", "role=plain", `missing="rowcall_publisher, rowcall_reader, rowcall_server, rowcall_app"`, "resources and functions cannot be served"} {
		if !strings.Contains(first, want) || strings.Count(first, "\n") != 1 {
			t.Errorf("the log says %q, want one line with %q", first, want)
		}
	}
	_, remedy, _ := strings.Cut(first, `remedy="`)
	remedy, _, _ = strings.Cut(remedy, " as a superuser")
	run(t, root, remedy)
	if again := said(); again != "" {
		t.Errorf("after %s the log still says %q", remedy, again)
	}
	if got := one[string](t, db, owners); got != "plain" {
		t.Errorf("schema rowcall belongs to %s, want plain", got)
	}
	run(t, root, `REVOKE rowcall_app FROM rowcall_server`)
	if again := said(); !strings.Contains(again, "GRANT rowcall_app TO rowcall_server") {
		t.Errorf("where rowcall_server may not become rowcall_app the log says %q", again)
	}
}

// Names of roles and databases are whatever the server takes.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	server := schematest.Private(t, schematest.Empty)
	root := server.DB(t)
	for _, name := range []string{"svc@project.iam", "MyApp", `a"b`, `"; drop`, "Public", "user", "current_user", "a.b", `back\slash`, "it's", "1st", " ", "$$", strings.Repeat("x", 63)} {
		quoted := pgx.Identifier{name}.Sanitize()
		run(t, root, `CREATE ROLE `+quoted+` LOGIN`)
		run(t, root, `CREATE DATABASE `+quoted+` OWNER `+quoted)
		run(t, root, `ALTER ROLE `+quoted+` PASSWORD '`+strings.ReplaceAll(name, "'", "''")+`'`)
		db := as(t, server, name, name)
		if err := migrateAll(t, db, true, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatalf("role %q: %v", name, err)
		}
		if got := one[string](t, db, `SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'rowcall'`); strings.Trim(got, `"`) == "rowcall_owner" {
			t.Errorf("role %q is not the owner of schema rowcall", name)
		}
		if err := migrateAll(t, as(t, server, name, ""), true, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("a superuser after role %q: %v", name, err)
		}
		db.Close()
	}
}

package schema_test

import (
	"database/sql"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"rowcall/schema"
	"rowcall/schema/schematest"
)

// everything is what a migration could write, in its database and on its server. Other tests have roles of their own on
// that server.
const everything = `
	SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
		SELECT concat_ws(' ', oid, xmin) FROM pg_class
		UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_namespace
		UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_proc
		UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_authid WHERE starts_with(rolname, 'rowcall_')
		UNION ALL SELECT concat_ws(' ', m.roleid, m.member, m.xmin) FROM pg_auth_members m JOIN pg_authid r ON r.oid = m.roleid JOIN pg_authid a ON a.oid = m.member
			WHERE starts_with(r.rolname, 'rowcall_') AND starts_with(a.rolname, 'rowcall_')) s (x)`

// refuses checks that a migration is refused for a reason, and that it has written nothing by then.
func refuses(t *testing.T, super, db *sql.DB, apps bool, reasons ...string) {
	t.Helper()
	before := one[string](t, super, everything)
	err := schema.Migrate(t.Context(), db, quietly(apps, false))
	for _, reason := range reasons {
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("the migration returns %v, want an error with %q", err, reason)
		}
	}
	if after := one[string](t, super, everything); after != before {
		t.Errorf("a migration that is refused with %v has written something", err)
	}
}

// The apps' tables are made where their names are free, or not at all.
func TestAppsBesideForeignTables(t *testing.T) {
	t.Parallel()
	schematest.New(t) // Rowcall's roles are there from here on
	for _, c := range []struct{ there, reason string }{
		{`CREATE TABLE users (id int)`, "is there already: users."},
		{`CREATE TABLE dams (id int); CREATE TABLE job_runs (id int); CREATE TABLE mine (id int)`, "is there already: dams, job_runs."},
		{`CREATE VIEW patients AS SELECT 1 AS id`, "patients"},
		{`CREATE TYPE chat_rooms AS ENUM ('a')`, "chat_rooms"},
		{`CREATE DOMAIN hydrographs AS int`, "hydrographs"},
		{`CREATE TABLE mine (id int); CREATE INDEX chat_messages_room_id ON mine (id)`, "chat_messages_room_id"},
		{`CREATE SEQUENCE users`, "users"},
		{`CREATE SCHEMA rowcall; CREATE TABLE rowcall.log (line text)`, "schema rowcall is there, and Rowcall did not make what is in it: log"},
		{`DROP SCHEMA public`, "CREATE SCHEMA public"},
	} {
		db := schematest.New(t, schematest.Empty).DB(t)
		run(t, db, c.there)
		refuses(t, db, db, true, c.reason)
	}
}

// Tables of the apps' names in other schemas, and a schema rowcall that is empty, are in nobody's way.
func TestForeignNamesInNobodysWay(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty).DB(t)
	run(t, db, `CREATE SCHEMA shop; CREATE TABLE shop.users (id int); CREATE TYPE shop.dams AS ENUM ('a'); CREATE SCHEMA rowcall; CREATE TABLE users_old (id int)`)
	mustMigrate(t, db, quietly(true, true))
	mustMigrate(t, db, quietly(true, true))
}

// A refusal says what to set, and that works, also where an earlier start has left half of the work behind.
func TestAppsRefusedAfterHalfAStart(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly).DB(t)
	run(t, db, `CREATE TABLE users (id int);
		CREATE TABLE rowcall.apps_migrations (LIKE rowcall.core_migrations INCLUDING ALL);
		INSERT INTO rowcall.apps_migrations SELECT * FROM rowcall.core_migrations WHERE version_id = 0`)
	refuses(t, db, db, true, "users", "apps: false", "auth.users.table", `"-"`)
	mustMigrate(t, db, quietly(false, false))
}

// A table that the history of the apps lists, and that is gone, is reported.
func TestAppsGone(t *testing.T) {
	t.Parallel()
	db := schematest.New(t).DB(t)
	run(t, db, `DROP TABLE dams CASCADE`)
	refuses(t, db, db, true, "tables of the example applications are gone from schema public: dams.", "apps: false")
	mustMigrate(t, db, quietly(false, false))
}

// The names that a migration is refused for are those that migrations give.
func TestMigrationsAreKnownByWhatTheyCreate(t *testing.T) {
	t.Parallel()
	base := schematest.New(t).DB(t)
	const made = `
		SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c
		WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition AND c.relname !~ '_migrations'
		  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')`
	for name, sentence := range map[string]string{"rowcall": "did not make what is in it: ", "public": "is there already: "} {
		names := strings.Fields(one[string](t, base, made, name))
		slices.Sort(names)
		db := schematest.New(t, schematest.Empty).DB(t)
		run(t, db, `CREATE SCHEMA IF NOT EXISTS `+name)
		for _, relation := range names {
			run(t, db, `CREATE TABLE `+name+`.`+relation+` ()`)
		}
		refuses(t, db, db, true, sentence+strings.Join(names, ", ")+".")
	}
}

// Where a right is missing, the migration says which, before it writes anything, and goes through once it is granted.
func TestMissingRights(t *testing.T) {
	t.Parallel()
	server := schematest.Private(t, schematest.Empty)
	root := server.DB(t)
	run(t, root, `CREATE ROLE plain LOGIN PASSWORD 'plain'`)
	for _, c := range []struct{ name, prepare, remedy string }{
		{"database", `REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO plain`, `GRANT CREATE ON DATABASE "shop" TO "plain"`},
		{"public", `REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CREATE ON DATABASE shop TO plain`, `GRANT CREATE ON SCHEMA public TO "plain"`},
		{"usage", `REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO plain; CREATE SCHEMA rowcall AUTHORIZATION plain`, `GRANT USAGE ON SCHEMA public TO "plain"`},
	} {
		run(t, root, `CREATE DATABASE shop`)
		super, db := as(t, server, "shop", ""), as(t, server, "shop", "plain")
		run(t, super, c.prepare)
		refuses(t, super, db, true, c.remedy)
		run(t, super, c.remedy)
		if err := migrateAll(t, db, true, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%s: after %s: %v", c.name, c.remedy, err)
		}
		super.Close()
		db.Close()
		run(t, root, `DROP DATABASE shop WITH (FORCE)`)
	}
}

package schema_test

import (
	"database/sql"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rowcall/schema/schematest"
)

// manual returns the indented blocks below a heading of docs/operations.md.
func manual(t *testing.T, heading string) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(page), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/operations.md has no heading %q", heading)
	}
	chapter, _, _ = strings.Cut(chapter, "\n#")
	var blocks []string
	var block strings.Builder
	for line := range strings.Lines(chapter) {
		if code, indented := strings.CutPrefix(line, "    "); indented {
			block.WriteString(code)
		} else if strings.TrimSpace(line) != "" && block.Len() > 0 {
			blocks = append(blocks, block.String())
			block.Reset()
		}
	}
	if block.Len() > 0 {
		blocks = append(blocks, block.String())
	}
	return blocks
}

// shell runs a line of the manual against a server, in a folder, as the superuser.
func shell(t *testing.T, server *schematest.Database, folder, line string) {
	t.Helper()
	shellAs(t, server, "", folder, line)
}

// shellAs is shell as a role whose password is its name.
func shellAs(t *testing.T, server *schematest.Database, role, folder, line string) {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if role != "" {
		u.User = url.UserPassword(role, role)
	}
	password, _ := u.User.Password()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// A database is dumped and restored on another server as the manual says: the roles first. What the application has
// granted to Rowcall's roles is there afterwards, and so are its policies and its triggers, which go on filing events.
func TestRestoreAsTheManualSays(t *testing.T) {
	t.Parallel()
	blocks := manual(t, "### Roles")
	if len(blocks) != 3 {
		t.Fatalf("the chapter on roles has %d blocks, want those of the old server, of the new one, and what verifies", len(blocks))
	}
	folder := t.TempDir()
	old, new := schematest.Private(t, schematest.Empty), schematest.Private(t, schematest.Empty)
	old.NeedsDump(t)
	run(t, old.DB(t), `CREATE ROLE app LOGIN CREATEROLE PASSWORD 'app'; CREATE ROLE node LOGIN PASSWORD 'node'`)
	run(t, old.DB(t), `CREATE DATABASE shop OWNER app`)
	app := as(t, old, "shop", "app")
	if err := migrateAll(t, app, true, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	run(t, app, tasks+`; GRANT rowcall_server TO node; GRANT SELECT ON tasks TO rowcall_server; GRANT SELECT, UPDATE (id) ON tasks TO rowcall_app;
		ALTER TABLE tasks ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON tasks TO rowcall_app USING (true); INSERT INTO tasks VALUES (1)`)

	for line := range strings.Lines(blocks[0]) {
		shell(t, old, folder, line)
	}
	for line := range strings.Lines(blocks[1]) {
		if strings.TrimSpace(line) == "rowcall migrate" {
			if err := migrateAll(t, as(t, new, "shop", ""), true, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		shell(t, new, folder, line)
	}
	if before, after := verify(t, old, blocks[2]), verify(t, new, blocks[2]); before != after || !strings.Contains(after, "tasks|rowcall_server|SELECT") {
		t.Errorf("restored are\n%s\nwant\n%s", after, before)
	}
	db := as(t, new, "shop", "")
	before := one[int](t, db, `SELECT count(*) FROM rowcall.log`)
	run(t, db, `SET ROLE app; INSERT INTO tasks VALUES (2)`)
	if after := one[int](t, db, `SELECT count(*) FROM rowcall.log`); after != before+1 {
		t.Errorf("the application's trigger filed %d events, want 1", after-before)
	}
}

// verify runs the manual's statements that show grants, policies and triggers in the database shop.
func verify(t *testing.T, server *schematest.Database, statements string) string {
	t.Helper()
	shop := *server
	shop.URL = strings.Replace(server.URL, "/"+server.Name, "/shop", 1)
	return shop.Psql(t, statements)
}

// The manual's statements for a server without CREATEROLE are all that is needed: nothing is missing afterwards.
func TestManagedServerAsTheManualSays(t *testing.T) {
	t.Parallel()
	blocks := manual(t, "### Managed PostgreSQL, without CREATEROLE")
	if len(blocks) != 4 {
		t.Fatalf("the chapter on managed servers has %d blocks, want 4", len(blocks))
	}
	blocks = blocks[1:] // the first is a command of a shell, which has a test of its own
	server := schematest.Private(t, schematest.Empty)
	server.NeedsDump(t)
	admin := manage(t, server)
	run(t, admin, blocks[0])
	app := as(t, server, "shop", "app")
	var b book
	if err := migrateAll(t, app, true, b.logger()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "level=WARN") {
		t.Errorf("something is missing: %s", b.String())
	}
	run(t, app, orders)
	run(t, app, blocks[1])
	run(t, admin, blocks[2])
	canWork := func(server *schematest.Database) {
		run(t, as(t, server, "shop", ""), `SET ROLE node; SELECT FROM orders, rowcall.log; SET ROLE rowcall_app; SELECT place_order(), rowcall.me(); UPDATE orders SET id = id`)
		run(t, as(t, server, "shop", ""), `SET ROLE another_owner; SELECT rowcall.publish('a', 'b', '{}')`)
	}
	canWork(server)

	// A dump without owners and grants is restored on another such server.
	dumped := manual(t, "### Dumps without roles, as on managed PostgreSQL")
	if len(dumped) != 2 {
		t.Fatalf("the chapter on dumps without roles has %d blocks, want 2", len(dumped))
	}
	other, folder := schematest.Private(t, schematest.Empty), t.TempDir()
	shell(t, server, folder, dumped[0])
	admin = manage(t, other)
	run(t, admin, blocks[0]+`; DROP SCHEMA sales`) // which the dump brings
	restore, _ := strings.CutSuffix(strings.TrimSpace(dumped[1]), "rowcall migrate")
	shellAs(t, other, "app", folder, restore)
	app = as(t, other, "shop", "app")
	if err := migrateAll(t, app, true, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	run(t, app, blocks[1])
	run(t, as(t, other, "shop", "admin"), blocks[2])
	canWork(other)
	statements := manual(t, "### Roles")[2]
	if before, after := verify(t, server, statements), verify(t, other, statements); before != after {
		t.Errorf("restored are\n%s\nwant\n%s", after, before)
	}
	open := `SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE pronamespace = 'rowcall'::regnamespace AND has_function_privilege('reports', oid, 'EXECUTE') AND NOT has_function_privilege('rowcall_reader', oid, 'EXECUTE')`
	if names := verify(t, other, open); names != "" {
		t.Errorf("everybody may call %s", names)
	}
}

// orders are the table and the function that the manual grants rights to.
const orders = `CREATE TABLE orders (id int PRIMARY KEY); CREATE FUNCTION place_order() RETURNS void LANGUAGE sql AS ''`

// manage makes a server with a database shop, whose administrator is no superuser. It returns the administrator's
// connection.
func manage(t *testing.T, server *schematest.Database) *sql.DB {
	t.Helper()
	root := server.DB(t)
	for _, statement := range []string{`CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'admin'`, `CREATE ROLE app LOGIN PASSWORD 'app'; CREATE ROLE another_owner; CREATE ROLE reports`, `CREATE DATABASE shop`} {
		run(t, root, statement)
	}
	run(t, as(t, server, "shop", ""), `CREATE SCHEMA sales AUTHORIZATION admin; CREATE ROLE clerk; GRANT clerk TO admin WITH ADMIN OPTION;
		REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT ALL ON DATABASE shop TO admin WITH GRANT OPTION; GRANT ALL ON SCHEMA public TO admin WITH GRANT OPTION`)
	return as(t, server, "shop", "admin")
}

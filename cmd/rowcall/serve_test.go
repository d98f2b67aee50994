package main

import (
	"net/http"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

func (c *command) serves(t *testing.T) {
	t.Helper()
	pages := c.stdout.After(t, "Rowcall serves", c.ended)
	if got := rowcalltest.Status(t, pages+"readyz"); got != http.StatusOK {
		t.Errorf("it says that it serves, but readiness is %d", got)
	}
}

// TestServeMigrates starts two nodes at once on an empty database.
func TestServeMigrates(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": rowcalltest.ExampleFile(t)}
	var nodes []*command
	for range 2 {
		nodes = append(nodes, start(t, env, "serve", "--addr", "127.0.0.1:0"))
	}
	for _, node := range nodes {
		node.serves(t)
	}
	for _, node := range nodes {
		node.end(t)
	}
	if got := db.Psql(t, "SELECT count(*) FROM users"); got != "0" {
		t.Errorf("serve loaded %s sample accounts", got)
	}
}

func TestServeAsARoleThatMayNotMigrate(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	url := rowcalltest.ServingURL(t, db)
	env := map[string]string{"ROWCALL_DATABASE_URL": url, "ROWCALL_CONFIG": rowcalltest.ExampleFile(t)}
	node := start(t, env, "serve", "--addr", "127.0.0.1:0", "--migrate=false")
	node.serves(t)
	node.end(t)

	env["ROWCALL_DATABASE_MIGRATE_URL"] = db.URL
	both := start(t, env, "serve", "--addr", "127.0.0.1:0")
	both.serves(t)
	both.end(t)

	empty := schematest.New(t, schematest.Empty)
	refusal{
		env:  map[string]string{"ROWCALL_DATABASE_URL": strings.Replace(url, "/"+db.Name, "/"+empty.Name, 1)},
		args: []string{"serve", "--addr", "127.0.0.1:0"},
		want: []string{"ROWCALL_DATABASE_MIGRATE_URL"},
	}.check(t)
}

// TestServeAsARoleThatLacksRights serves as roles whose rights somebody has chosen. What is missing is told
// with the statement that grants it, and the node goes on once that is done.
func TestServeAsARoleThatLacksRights(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	url := rowcalltest.ServingURL(t, db)
	role := "node_" + db.Name
	db.Exec(t, `REVOKE USAGE ON SCHEMA rowcall FROM rowcall_server`)
	env := map[string]string{"ROWCALL_DATABASE_URL": url, "ROWCALL_AUTH_USERS_TABLE": "-"}
	for _, command := range [][]string{{"serve", "--addr", "127.0.0.1:0", "--migrate=false"}, {"new-history"}} {
		refusal{env: env, args: command, want: []string{"lacks rights that a node needs: GRANT USAGE ON SCHEMA rowcall TO " + role}}.check(t)
	}
	db.Exec(t, `GRANT USAGE ON SCHEMA rowcall TO rowcall_server; REVOKE EXECUTE ON FUNCTION rowcall.note_run FROM rowcall_server;
		ALTER ROLE `+role+` SET session_replication_role = replica`)
	log := rowcalltest.NewOutput()
	node := startLogging(t, log, env, "serve", "--addr", "127.0.0.1:0", "--migrate=false")
	rowcalltest.Eventually(t, func() bool {
		return strings.Contains(log.String(), "session_replication_role is replica") && strings.Contains(log.String(), "GRANT EXECUTE ON FUNCTION rowcall.note_run TO "+role)
	}, "the log tells neither of the missing right nor of the silent triggers")
	db.Exec(t, `GRANT EXECUTE ON FUNCTION rowcall.note_run TO rowcall_server`)
	node.serves(t)
	node.end(t)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL}
	for range 2 {
		if err := <-start(t, env, "migrate").ended; err != nil {
			t.Fatal(err)
		}
	}
	if got := db.Psql(t, "SELECT to_regclass('rowcall.log') IS NOT NULL, to_regclass('users') IS NULL"); got != "t|t" {
		t.Errorf("a database of its own has core and no apps: %s", got)
	}
	env["ROWCALL_APPS"] = "true"
	if err := <-start(t, env, "migrate", "--samples").ended; err != nil {
		t.Fatal(err)
	}
	if got := db.Psql(t, "SELECT count(*) > 0 FROM users"); got != "t" {
		t.Error("there are no sample accounts")
	}
}

// TestNewHistory begins a new history as the role that serves: each time it is another one.
func TestNewHistory(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	env := map[string]string{"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db)}
	seen := map[string]bool{}
	for range 2 {
		c := start(t, env, "new-history")
		if err := <-c.ended; err != nil {
			t.Fatal(err)
		}
		epoch := db.Psql(t, "SELECT rowcall.epoch()")
		if said := c.stdout.After(t, "A new history has begun: epoch", nil); said != epoch || seen[epoch] {
			t.Errorf("the command says epoch %q, the database %q; seen before: %v", said, epoch, seen)
		}
		seen[epoch] = true
	}
}

// TestServeOutlivesItsDatabase stops and starts the database: the node goes on by itself.
func TestServeOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": rowcalltest.ExampleFile(t)}
	node := start(t, env, "serve", "--addr", "127.0.0.1:0")
	pages := node.stdout.After(t, "Rowcall serves", node.ended)
	db.Stop(t)
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Status(t, pages+"readyz") == http.StatusServiceUnavailable }, "it still says that it is ready")
	db.Start(t)
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Status(t, pages+"readyz") == http.StatusOK }, "it does not recover")
	node.end(t)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, asked := range []string{"version", "--version"} {
		c := start(t, nil, asked)
		if got := c.stdout.After(t, "rowcall", nil); !strings.Contains(got, "built with go") {
			t.Errorf("rowcall %s says %q", asked, got)
		}
	}
}

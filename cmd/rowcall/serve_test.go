package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rowcall/config"
	"rowcall/schema/schematest"
)

// exampleFile is the example configuration as a file of a user's own.
func exampleFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(path, config.Example, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// limited is the URL of a role that may do what a node needs, and nothing else.
func limited(t *testing.T, db *schematest.Database) string {
	t.Helper()
	role := "node_" + db.Name
	db.Exec(t, "CREATE ROLE "+role+" LOGIN PASSWORD '"+secret+"' IN ROLE rowcall_server")
	t.Cleanup(func() { db.Exec(t, "DROP ROLE "+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, secret)
	return u.String()
}

func (c *command) serves(t *testing.T) {
	t.Helper()
	pages := c.stdout.after(t, "Rowcall serves", c.ended)
	if got := status(t, pages+"readyz"); got != http.StatusOK {
		t.Errorf("it says that it serves, but readiness is %d", got)
	}
}

// Several nodes may start at once on a database that knows nothing of Rowcall yet.
func TestServeMigrates(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": exampleFile(t)}
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
	url := limited(t, db)
	env := map[string]string{"ROWCALL_DATABASE_URL": url, "ROWCALL_CONFIG": exampleFile(t)}
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

// A node without a database for a moment goes on by itself.
func TestServeOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": exampleFile(t)}
	node := start(t, env, "serve", "--addr", "127.0.0.1:0")
	pages := node.stdout.after(t, "Rowcall serves", node.ended)
	db.Stop(t)
	eventually(t, func() bool { return status(t, pages+"readyz") == http.StatusServiceUnavailable }, "it still says that it is ready")
	db.Start(t)
	eventually(t, func() bool { return status(t, pages+"readyz") == http.StatusOK }, "it does not recover")
	node.end(t)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	c := start(t, nil, "version")
	if got := c.stdout.after(t, "rowcall", nil); !strings.Contains(got, "built with go") {
		t.Errorf("it says %q", got)
	}
}

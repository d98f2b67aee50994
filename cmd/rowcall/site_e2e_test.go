package main

import (
	"maps"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// patience is how long a test waits for what must happen. It is no measure of speed.
var patience = testdeadline.Hang()

// site is a node on a database with the demo's samples, as people meet it: over HTTP, WebSocket and psql.
type site struct {
	*schematest.Database
	env   map[string]string
	node  *command
	pages string // the node's address, with a slash at its end
}

// openSite starts a node on a database of the test's own. settings are environment variables of the node's.
func openSite(t *testing.T, settings map[string]string) *site {
	t.Helper()
	return openSiteOn(t, schematest.New(t, schematest.Samples), settings)
}

// openSiteOn starts a node that serves the example configuration as a role that may do no more than
// serve. Passwords are made weaker: what a strong one costs is another test's concern.
func openSiteOn(t *testing.T, db *schematest.Database, settings map[string]string) *site {
	t.Helper()
	for _, name := range []string{"alice", "bob", "carol", "dave", "admin"} {
		hash, err := bcrypt.GenerateFromPassword([]byte(name), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		db.Exec(t, `UPDATE users SET password = $1 WHERE username = $2`, string(hash), name)
	}
	env := map[string]string{
		"ROWCALL_DATABASE_URL":  limited(t, db),
		"ROWCALL_CONFIG":        exampleFile(t),
		"ROWCALL_HTTP_ADDR":     "127.0.0.1:0",
		"ROWCALL_LIMITS_EXEMPT": "127.0.0.1/32",
	}
	maps.Copy(env, settings)
	return (&site{Database: db, env: env}).another(t)
}

// another starts one more node on the same database.
func (s *site) another(t *testing.T) *site {
	t.Helper()
	node := start(t, s.env, "serve", "--migrate=false")
	return &site{Database: s.Database, env: s.env, node: node, pages: node.stdout.after(t, "Rowcall serves", node.ended)}
}

// psqlAs feeds a script to psql as another role, whose password is secret.
func (s *site) psqlAs(t *testing.T, role, script string) string {
	t.Helper()
	url := regexp.MustCompile(`//[^@]*@`).ReplaceAllString(s.URL, "//"+role+":"+secret+"@")
	cmd := exec.CommandContext(t.Context(), s.Cluster.PsqlProgram(), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql as %s: %v\n%s", role, err, out)
	}
	return strings.TrimSpace(string(out))
}

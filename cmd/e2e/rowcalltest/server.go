package rowcalltest

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rowcall/config"
	"rowcall/schema/schematest"
)

// Password is the password of the roles that tests make. No message may contain it.
const Password = "hunter2"

// Server is a node together with its database.
type Server struct {
	*schematest.Database
	Env     map[string]string // the environment of this node, and of those that StartAnother starts
	Program *Program
	Pages   string // the URL of the node; it ends in a slash
}

// StartServer starts a node on a new database with the sample rows. settings are more environment
// variables of the node.
func StartServer(t *testing.T, settings map[string]string) *Server {
	t.Helper()
	return StartServerOn(t, schematest.New(t, schematest.Samples), settings)
}

// StartServerOn starts a node that serves the example configuration as a role that may do no more
// than serve, unless settings name the database. It gives the sample accounts weak hashes of their passwords, which are quick to check.
func StartServerOn(t *testing.T, db *schematest.Database, settings map[string]string) *Server {
	t.Helper()
	db.Exec(t, `UPDATE users SET password = quick.password FROM (VALUES
		('alice', '$2a$04$QHLgbaqDE/DTdq4e5mMbe.9Za5zsMBQmrlzVxVG/fnFlkNumbAr82'),
		('bob', '$2a$04$XPtF4DJUrsdAfMlsWNaMYugVkwbNTkwhoK3Nmy15TaCbKJHKn6iXu'),
		('carol', '$2a$04$fgestnMNHrMQcSuiHxz/beeE0r2Iyoiz2KqhFwaOyf5L90mRAWHRi'),
		('dave', '$2a$04$iyILGcAWuR6HZR7tN/AGnuHQYKtUwr2/ZRmb3HghE1M5NKKwWnBeu'),
		('admin', '$2a$04$XJdQtoY4/ggVNjflqave3uAPQFlK01KjKiz/QLLLzvsKhVlcG9ejG')) AS quick (username, password) WHERE users.username = quick.username`)
	env := map[string]string{
		"ROWCALL_CONFIG":        ExampleFile(t),
		"ROWCALL_HTTP_ADDR":     "127.0.0.1:0",
		"ROWCALL_LIMITS_EXEMPT": "127.0.0.1/32",
	}
	maps.Copy(env, settings)
	if env["ROWCALL_DATABASE_URL"] == "" {
		env["ROWCALL_DATABASE_URL"] = ServingURL(t, db)
	}
	return (&Server{Database: db, Env: env}).StartAnother(t)
}

// StartAnother starts one more node on the same database.
func (s *Server) StartAnother(t *testing.T) *Server {
	t.Helper()
	node := Start(t, s.Env, "serve", "--migrate=false")
	return &Server{Database: s.Database, Env: s.Env, Program: node, Pages: node.After(t, "Rowcall serves")}
}

// PsqlAs feeds a script to psql as another role, whose password is Password.
func (s *Server) PsqlAs(t *testing.T, role, script string) string {
	t.Helper()
	url := regexp.MustCompile(`//[^@]*@`).ReplaceAllString(s.URL, "//"+role+":"+Password+"@")
	cmd := exec.CommandContext(t.Context(), s.Cluster.PsqlProgram(), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql as %s: %v\n%s", role, err, out)
	}
	return strings.TrimSpace(string(out))
}

// ExampleFile writes the example configuration to a new file and returns its path.
func ExampleFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(path, config.Example, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ServingURL makes a role that may do what a node needs, and nothing else, and returns the URL of
// the database for that role.
func ServingURL(t *testing.T, db *schematest.Database) string {
	t.Helper()
	role := "node_" + db.Name
	db.Exec(t, "CREATE ROLE "+role+" LOGIN PASSWORD '"+Password+"' IN ROLE rowcall_server")
	t.Cleanup(func() { db.Exec(t, "DROP ROLE "+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, Password)
	return u.String()
}

// RepositoryPath returns the path of a file of this repository, named by its elements from the root.
func RepositoryPath(t testing.TB, elements ...string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return filepath.Join(append([]string{root}, elements...)...)
		}
		if root == filepath.Dir(root) {
			t.Fatal("the test does not run inside the repository")
		}
		root = filepath.Dir(root)
	}
}

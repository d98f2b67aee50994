package schematest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Pool returns a pool of superuser connections, closed when the test ends.
func (d *Database) Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), d.URL)
	if err != nil {
		t.Fatalf("connect to the test's database: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// ServerPool returns a pool whose connections act as the role that serves, which has no other rights than
// those it needs.
func (d *Database) ServerPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET ROLE rowcall_server`)
		return err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// NodePool returns a pool that connects as a role of its own, node_ and the name of the database. The
// role is granted rowcall_server and nothing else, as a node's role should be.
func (d *Database) NodePool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	role := "node_" + d.Name
	d.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret' IN ROLE rowcall_server`)
	t.Cleanup(func() { d.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	at, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword(role, "secret")
	pool, err := pgxpool.New(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Text returns the value of an SQL expression as text. The test fails if the value is NULL.
func (d *Database) Text(t testing.TB, expression string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), "SELECT ("+expression+")::text").Scan(&text); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return text
}

// Statements counts the statements that a connection or a pool sends: it is a pgx.QueryTracer.
type Statements struct{ Count atomic.Int64 }

// TraceQueryStart counts a statement.
func (s *Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.Count.Add(1)
	return ctx
}

// TraceQueryEnd does nothing.
func (s *Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Conn returns one superuser connection, closed when the test ends.
func (d *Database) Conn(t testing.TB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL)
	if err != nil {
		t.Fatalf("connect to the test's database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := cleanupContext()
		defer cancel()
		_ = conn.Close(ctx) // the test may have broken it
	})
	return conn
}

// DB returns the database for what speaks database/sql, closed when the test ends.
func (d *Database) DB(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", d.URL)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Exec runs SQL as the superuser on a connection of its own. Without args it may be several statements.
func (d *Database) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it is of use in cleanups, too
	conn, err := pgx.Connect(ctx, d.URL)
	if err != nil {
		t.Fatalf("connect to the test's database: %v", err)
	}
	defer conn.Close(ctx)
	if len(args) == 0 {
		args = []any{pgx.QueryExecModeSimpleProtocol}
	}
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		t.Fatalf("run %q: %v", sql, err)
	}
}

// NeedsDump skips a test where the machine's pg_dump is older than the server, which it then refuses to dump. That is so
// where the tests run on a PostgreSQL that came without client programs.
func (d *Database) NeedsDump(t testing.TB) {
	t.Helper()
	path := filepath.Join(filepath.Dir(d.Cluster.PsqlProgram()), "pg_dump")
	said, _ := exec.CommandContext(t.Context(), path, "--version").Output() // pg_dump (PostgreSQL) 15.18 (Debian ...)
	var major int
	_, _ = fmt.Sscanf(string(said), "pg_dump (PostgreSQL) %d", &major)
	if server := d.Cluster.Major(); major < server {
		t.Skipf("pg_dump is of version %d here, and refuses to dump a server of version %d", major, server)
	}
}

// Program runs one of PostgreSQL's client programs, such as pg_dump, on the database as the superuser, and returns
// what it prints. See NeedsDump about pg_dump.
func (d *Database) Program(t testing.TB, name string, args ...string) string {
	t.Helper()
	if name == "pg_dump" {
		d.NeedsDump(t)
	}
	path := filepath.Join(filepath.Dir(d.Cluster.PsqlProgram()), name)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, append([]string{"-d", d.URL}, args...)...) // as in Exec
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said.String())
	}
	return string(out)
}

// Psql feeds a script to the psql program as the superuser and returns what it prints: rows
// without headers, columns separated by |. The first error in the script ends the test.
func (d *Database) Psql(t testing.TB, script string) string {
	t.Helper()
	psql := d.Cluster.PsqlProgram()
	if psql == "" {
		t.Fatal("this test needs psql, which comes with PostgreSQL's client programs")
	}
	ctx := context.WithoutCancel(t.Context()) // as in Exec
	cmd := exec.CommandContext(ctx, psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", d.URL)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}

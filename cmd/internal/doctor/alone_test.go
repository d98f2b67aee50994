package doctor_test

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"rowcall/cmd/internal/doctor"
	"rowcall/schema/schematest"
)

// expect fails the test unless a finding has the code.
func expect(t *testing.T, code string, found []doctor.Finding) {
	t.Helper()
	if !slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Code == code }) {
		t.Errorf("no finding %s among %+v", code, found)
	}
}

// TestUnreachable examines a database that is down, with a password that must not be told.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Stop(t)
	at, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("me", "secret")
	found, err := doctor.Examine(t.Context(), settings(t, at.String()), doctor.Options{})
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %+v, %v; want a sentence", found, err)
	}
}

// TestRoles takes roles from a server, which are those of all its databases.
func TestRoles(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t)
	for _, f := range []struct{ sql, code, of, remedy string }{
		{`REVOKE rowcall_app FROM rowcall_server`, doctor.RoleServer, "rowcall_server", "GRANT rowcall_app TO rowcall_server"},
		{`ALTER ROLE rowcall_reader RENAME TO gone`, doctor.RoleMissing, "rowcall_reader", "as a superuser: CREATE ROLE rowcall_reader NOLOGIN; then rowcall migrate"},
		{`ALTER ROLE rowcall_publisher RENAME TO gone_too`, doctor.RoleMissing, "rowcall_publisher, rowcall_reader",
			"CREATE ROLE rowcall_publisher NOLOGIN; CREATE ROLE rowcall_reader NOLOGIN; then rowcall migrate"},
	} {
		db.Exec(t, f.sql)
		found := examine(t, settings(t, db.URL), doctor.Options{})
		if !slices.ContainsFunc(found, func(g doctor.Finding) bool {
			return g.Code == f.code && g.Object == f.of && strings.Contains(g.Remedy, f.remedy)
		}) {
			t.Errorf("after %s: got %+v", f.sql, found)
		}
	}
}

func TestStandby(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t)
	db.Stop(t)
	if err := os.WriteFile(filepath.Join(db.Cluster.Data(), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	db.Start(t)
	expect(t, doctor.ServerStandby, examine(t, settings(t, db.URL), doctor.Options{}))
}

// TestOldServer examines a server that does not know a setting of PostgreSQL 14.
func TestOldServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			backend := pgproto3.NewBackend(conn, conn)
			if _, err := backend.ReceiveStartupMessage(); err == nil {
				backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "42704", Message: `unrecognized configuration parameter "idle_session_timeout"`})
				_ = backend.Flush() // the doctor may have hung up
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	expect(t, doctor.ServerTooOld, examine(t, settings(t, "postgres://me@"+listener.Addr().String()+"/db?sslmode=disable"), doctor.Options{}))
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	server := schematest.Private(t, schematest.Empty)
	for encoding, code := range map[string]string{"SQL_ASCII": doctor.EncodingSQLASCII, "LATIN1": doctor.EncodingOther} {
		name := "of_" + strings.ToLower(encoding)
		server.Exec(t, `CREATE DATABASE `+name+` TEMPLATE template0 ENCODING '`+encoding+`' LC_COLLATE 'C' LC_CTYPE 'C'`)
		expect(t, code, examine(t, settings(t, strings.Replace(server.URL, "/"+server.Name, "/"+name, 1)), doctor.Options{}))
	}
}

// TestFullQueue fills a little of the queue of notifications, which a session that listens does not read.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	listener := db.Conn(t)
	for _, statement := range []string{`LISTEN somewhere`, `BEGIN`} {
		if _, err := listener.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	db.Exec(t, `SELECT pg_notify('somewhere', repeat('x', 7000) || n) FROM generate_series(1, 100) n`)
	found := examine(t, settings(t, db.URL), doctor.Options{Queue: 1e-6})
	expect(t, doctor.NotifyQueue, found)
}

// TestPoolers leads each way through a pooler that gives each transaction another connection.
func TestPoolers(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	pooled := schematest.StartPooler(t, db.URL, schematest.Pooler{Mode: "transaction"})
	expect(t, doctor.PoolerTransaction, examine(t, settings(t, pooled), doctor.Options{}))
	c := settings(t, pooled)
	c.Database.DirectURL = settings(t, db.URL).Database.URL
	if found := examine(t, c, doctor.Options{}); slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Severity != doctor.Information }) {
		t.Errorf("a pooler with a way past it: got %+v", found)
	}
	c.Database.Pooler = "none"
	expect(t, doctor.PoolerUndeclared, examine(t, c, doctor.Options{}))
}

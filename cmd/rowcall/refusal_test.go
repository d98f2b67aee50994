package main

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// refusal is a command line that cannot work, and what its error message must contain.
type refusal struct {
	name string
	env  map[string]string
	args []string
	want []string
}

func (r refusal) check(t *testing.T) {
	t.Helper()
	said := fails(t, r.env, r.args...)
	for _, want := range r.want {
		if !strings.Contains(said, want) {
			t.Errorf("it says %q, which lacks %q", said, want)
		}
	}
	for _, heading := range []string{"the configuration is not valid:\n", "the declared tables do not fit the database:\n"} {
		said = strings.ReplaceAll(said, heading, "") // of a list, here of one
	}
	if strings.Contains(said, "\n") || strings.Contains(said, "goroutine ") {
		t.Errorf("it says more than a sentence: %q", said)
	}
	if strings.Contains(said, rowcalltest.Password) {
		t.Errorf("it tells the password: %q", said)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	busy := listening(t)
	free := schematest.UnusedAddress(t)
	for _, r := range []refusal{
		{
			name: "the port is taken",
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL},
			args: []string{"serve", "--addr", busy},
			want: []string{busy, "in use by another program", "--addr"},
		},
		{
			name: "the operators' port is taken",
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_OPS_ADDR": busy},
			args: []string{"serve", "--addr", "127.0.0.1:0"},
			want: []string{busy, "in use by another program", "ops.addr"},
		},
		{
			name: "the demo's port is taken",
			args: []string{"demo", "--addr", busy, "--data-dir", t.TempDir()},
			want: []string{busy, "in use by another program", "--addr"},
		},
		{
			name: "plain http for the world",
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL},
			args: []string{"serve", "--addr", "0.0.0.0:0"},
			want: []string{"http.plain", "http.tls_cert"},
		},
		{
			name: "no database is named",
			args: []string{"serve", "--addr", "127.0.0.1:0"},
			want: []string{"ROWCALL_DATABASE_URL", "rowcall demo"},
		},
		{
			name: "a connection string that is none",
			env:  map[string]string{"ROWCALL_DATABASE_URL": "postgres://me:" + rowcalltest.Password + "%zz@localhost/db"},
			args: []string{"migrate"},
			want: []string{"database.url", "connection string"},
		},
		{
			name: "a connection string with a wrong part",
			env:  map[string]string{"ROWCALL_DATABASE_URL": "postgres://me:" + rowcalltest.Password + "@localhost/db?sslmode=perhaps"},
			args: []string{"migrate"},
			want: []string{"connection string"},
		},
		{
			name: "nobody there",
			env:  map[string]string{"ROWCALL_DATABASE_URL": "postgres://me:" + rowcalltest.Password + "@" + free + "/db"},
			args: []string{"migrate", "--wait", "0s"},
			want: []string{free, "cannot be reached", "connection refused", "start it"},
		},
		{
			name: "a wrong password",
			env:  map[string]string{"ROWCALL_DATABASE_URL": withPassword(t, db.URL, rowcalltest.Password)},
			args: []string{"serve", "--addr", "127.0.0.1:0"},
			want: []string{"refuses user \"postgres\"", "password"},
		},
		{
			name: "a database that does not exist",
			env:  map[string]string{"ROWCALL_DATABASE_URL": strings.Replace(db.URL, db.Name, "nowhere", 1)},
			args: []string{"migrate"},
			want: []string{"no database \"nowhere\"", "create it"},
		},
		{
			name: "a database that is not migrated",
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL},
			args: []string{"serve", "--addr", "127.0.0.1:0", "--migrate=false"},
			want: []string{"run rowcall migrate"},
		},
		{
			name: "a server that is too old",
			env:  map[string]string{"ROWCALL_DATABASE_URL": oldServer(t)},
			args: []string{"migrate"},
			want: []string{"PostgreSQL 13.9", "14 or newer"},
		},
		{
			name: "fresh data on a server that is there",
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL},
			args: []string{"demo", "--addr", "127.0.0.1:0", "--fresh"},
			want: []string{"--fresh"},
		},
		{
			name: "a declared table that is not there",
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": writeConfig(t, "auth: {users: {table: '-'}}\ntables: [{table: public.a, topics: [{topic: a}]}]")},
			args: []string{"plan"},
			want: []string{"tables[0].table", "there is no table public.a"},
		},
		{
			name: "an unknown command",
			args: []string{"dance"},
			want: []string{"no command \"dance\"", "rowcall --help"},
		},
		{
			name: "a command that is misspelled",
			args: []string{"serv"},
			want: []string{"no command \"serv\"", "did you mean serve?", "rowcall --help"},
		},
		{
			name: "an unknown flag",
			args: []string{"serve", "--adr", "x"},
			want: []string{"--adr", "rowcall serve --help"},
		},
		{
			name: "a flag of another type",
			args: []string{"migrate", "--wait", "long"},
			want: []string{"--wait", "rowcall migrate --help"},
		},
		{
			name: "an argument",
			args: []string{"serve", "now"},
			want: []string{"rowcall serve takes flags only, not \"now\"", "rowcall serve --help"},
		},
		{
			name: "a misspelled variable",
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_HTTP_ADR": "127.0.0.1:0"},
			args: []string{"serve"},
			want: []string{"ROWCALL_HTTP_ADR", "did you mean ROWCALL_HTTP_ADDR?"},
		},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.check(t)
		})
	}
}

// TestDemoWithoutPostgreSQL is not parallel: it changes the environment of the process.
func TestDemoWithoutPostgreSQL(t *testing.T) {
	t.Setenv("ROWCALL_PG_BIN", t.TempDir())
	refusal{
		args: []string{"demo", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir()},
		want: []string{"ROWCALL_PG_BIN", "--database-url"},
	}.check(t)
}

func TestStandby(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Stop(t)
	if err := os.WriteFile(filepath.Join(db.Cluster.Data(), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	db.Start(t)
	refusal{
		env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL},
		args: []string{"serve", "--addr", "127.0.0.1:0"},
		want: []string{"standby", "primary"},
	}.check(t)
}

// TestServeWaitsForTheDatabase checks that a command waits for a database that comes up later.
func TestServeWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Stop(t)
	c := start(t, map[string]string{"ROWCALL_DATABASE_URL": db.URL}, "migrate")
	db.Start(t)
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

func listening(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

func withPassword(t *testing.T, dsn, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}

// oldServer starts a server that accepts every login and answers every query with PostgreSQL 13.
func oldServer(t *testing.T) string {
	t.Helper()
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
			beOld(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return "postgres://me:" + rowcalltest.Password + "@" + listener.Addr().String() + "/db?sslmode=disable&default_query_exec_mode=simple_protocol"
}

func beOld(conn net.Conn) {
	defer conn.Close()
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationOk{})
	backend.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	backend.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for backend.Flush() == nil {
		message, err := backend.Receive()
		if err != nil {
			return
		}
		if _, asked := message.(*pgproto3.Query); !asked {
			return
		}
		backend.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{
			{Name: []byte("number"), DataTypeOID: 23}, {Name: []byte("version"), DataTypeOID: 25}, {Name: []byte("standby"), DataTypeOID: 16},
		}})
		backend.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("130009"), []byte("13.9"), []byte("f")}})
		backend.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
}

// writeConfig writes a configuration file and returns its name.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

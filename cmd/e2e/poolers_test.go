package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestTransactionPooler serves through a pgbouncer in transaction mode, with direct_url past it as the manual says. The
// role of the node has settings that no statement may meet.
func TestTransactionPooler(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]schematest.Pooler{
		"statements are not kept": {Settings: []string{"default_pool_size = 3"}},
		"statements are kept":     {Prepares: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Mode = "transaction"
			db := schematest.New(t, schematest.Samples)
			direct := rowcalltest.ServingURL(t, db)
			alterRole(t, db, direct, "statement_timeout = '2s'", "default_transaction_read_only = on", "client_encoding = 'LATIN1'", "TimeZone = 'Asia/Tokyo'")
			s := rowcalltest.StartServerOn(t, db, map[string]string{
				"ROWCALL_DATABASE_URL":        schematest.StartPooler(t, direct, o),
				"ROWCALL_DATABASE_DIRECT_URL": direct,
			})
			useEverything(t, s)
		})
	}
}

// TestSessionPooler serves through a pgbouncer that keeps a server connection for each client, without any other URL.
func TestSessionPooler(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	url := schematest.StartPooler(t, rowcalltest.ServingURL(t, db), schematest.Pooler{Mode: "session", Settings: []string{"default_pool_size = 40"}})
	useEverything(t, rowcalltest.StartServerOn(t, db, map[string]string{"ROWCALL_DATABASE_URL": url}))
}

// TestTransactionPoolerAlone checks that a node and a migration say what to do where no way past the pooler is named.
func TestTransactionPoolerAlone(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	pooler := schematest.StartPooler(t, db.URL, schematest.Pooler{Mode: "transaction"})
	for _, c := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{map[string]string{"ROWCALL_DATABASE_URL": pooler}, []string{"serve"}, "database.url leads through a pooler"},
		{map[string]string{"ROWCALL_DATABASE_URL": pooler}, []string{"serve", "--migrate=false"}, "database.url leads through a pooler"},
		{map[string]string{"ROWCALL_DATABASE_URL": pooler}, []string{"migrate"}, "database.url leads through a pooler"},
		{map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_DATABASE_DIRECT_URL": pooler}, []string{"serve"}, "database.direct_url leads through a pooler"},
		{map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_DATABASE_MIGRATE_URL": pooler}, []string{"migrate"}, "database.migrate_url leads through a pooler"},
	} {
		c.env["ROWCALL_HTTP_ADDR"] = "127.0.0.1:0"
		if said := rowcalltest.Fails(t, c.env, c.args...); !strings.Contains(said, c.want) || !strings.Contains(said, "ROWCALL_DATABASE_DIRECT_URL") {
			t.Errorf("%v %v says %q, want %q", c.env, c.args, said, c.want)
		}
	}
}

// alterRole gives the role of a URL settings of its own.
func alterRole(t *testing.T, db *schematest.Database, dsn string, settings ...string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range settings {
		db.Exec(t, "ALTER ROLE "+u.User.Username()+" SET "+setting)
	}
}

// as is the URL of a database for another role, whose password is rowcalltest.Password.
func as(t *testing.T, dsn, role string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, rowcalltest.Password)
	return u.String()
}

// useEverything logs in, follows, reads states, resumes and writes, all several times and at once: each part of the
// node uses its connections.
func useEverything(t *testing.T, s *rowcalltest.Server) {
	t.Helper()
	alice, bob := s.Login(t, "alice"), s.Login(t, "bob")
	room, live := alice.OpenSocket(t, "/ws/room/1"), bob.OpenNative(t)
	cursor := live.Follow("room/1")
	for i := range 5 {
		alice.Fetch(t, http.StatusCreated, "POST", "/api/messages", fmt.Sprintf(`{"room_id":1,"sender_id":1,"message":"posté 日 %d"}`, i))
		if f := live.ReceiveFrame(); f.Data["message"] != fmt.Sprintf("posté 日 %d", i) {
			t.Fatalf("got %+v, want message %d", f, i)
		}
		if got := room.Receive(); !strings.Contains(got, fmt.Sprintf("posté 日 %d", i)) {
			t.Fatalf("got %s, want message %d", got, i)
		}
		if got := alice.Fetch(t, http.StatusOK, "GET", "/api/messages", ""); !strings.Contains(got, fmt.Sprintf("posté 日 %d", i)) {
			t.Errorf("the list is %s, want message %d", got, i)
		}
		if f := bob.OpenNative(t).Subscribe("room/1", `"snapshot":true`); len(f.Snapshot) < i+1 {
			t.Errorf("the snapshot is %+v, want message %d", f.Snapshot, i)
		}
		again := bob.OpenNative(t)
		again.Resume("room/1", cursor)
		for j := range i + 1 {
			if f := again.ReceiveFrame(); f.Data["message"] != fmt.Sprintf("posté 日 %d", j) {
				t.Fatalf("resumed and got %+v, want message %d", f, j)
			}
		}
	}
	s.Psql(t, `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`)
	live.SkipUntil(`"code":"forbidden"`)
	if got := alice.Status(t, "readyz"); got != http.StatusOK {
		t.Errorf("readiness is %d", got)
	}
}

// Package versions starts the program for the first time on another PostgreSQL than the machine's: on the newest that
// scripts/postgres can get, or on the one that ROWCALL_PG_BIN names.
package versions

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

const newest = "18"

// TestMain has all servers of this package run on the version under test.
func TestMain(m *testing.M) {
	if os.Getenv("ROWCALL_PG_BIN") == "" {
		script := filepath.Join("..", "..", "..", "scripts", "postgres")
		if found, err := exec.Command(script, "find", newest).Output(); err == nil {
			os.Setenv("ROWCALL_PG_BIN", string(bytes.TrimSpace(found)))
		}
	}
	rowcalltest.Main(m)
}

// TestFirstStart installs everything on an empty database with the program itself, and changes a row of each of the four
// applications: a follower of all topics is told of each change. A resource shows the row.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	if os.Getenv("ROWCALL_PG_BIN") == "" {
		t.Skipf("PostgreSQL %s is not here: scripts/postgres get %[1]s gets it from npm, where npm can be reached", newest)
	}
	db := schematest.New(t, schematest.Empty)
	settings := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": rowcalltest.ExampleFile(t)}
	rowcalltest.Succeeds(t, settings, "migrate", "--samples")
	rowcalltest.Succeeds(t, settings, "migrate") // again: nothing is left to do
	s := rowcalltest.StartServerOn(t, db, nil)
	t.Logf("PostgreSQL %s", db.Text(t, `current_setting('server_version')`))

	alice := s.Login(t, "alice")
	socket := alice.OpenNative(t)
	socket.Follow("room/1", "user/1", "patients", "dams", "jobs/1")
	for _, change := range []struct{ made, topic, kind string }{
		{`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'hello')`, "room/1", "chat_message_created"},
		{`INSERT INTO chat_rooms (owner_id, title, join_code) VALUES (1, 'new', 'code')`, "user/1", "room_created"},
		{`INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (900, 'Ana', 'Ek', '2021-06-01Z')`, "patients/900", "patient.change"},
		{`INSERT INTO dams (id, name) VALUES (900, 'Aldea')`, "dams/900", "dam.create"},
		{`INSERT INTO job_postings (user_id, state) VALUES (1, 'queued')`, "jobs/1", "job_posting.saved"},
	} {
		db.Psql(t, change.made)
		if f := socket.ReceiveFrame(); f.Topic != change.topic || f.Type != change.kind {
			t.Errorf("%s: heard %+v, want %s on %s", change.made, f, change.kind, change.topic)
		}
	}
	if row := alice.Fetch(t, 200, "GET", "/api/patients/900", ""); !strings.Contains(row, `"admission_date":"2021-06-01T00:00:00Z"`) {
		t.Errorf("the row of a patient: %s", row)
	}
}

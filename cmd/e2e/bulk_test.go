package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// pgbench returns the path of PostgreSQL's load generator, which is beside psql or beside the
// server.
func pgbench(t *testing.T, s *rowcalltest.Server) string {
	t.Helper()
	places := []string{filepath.Dir(s.Cluster.PsqlProgram())}
	more, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(places, more...) {
		if program := filepath.Join(dir, "pgbench"); exec.CommandContext(t.Context(), program, "--version").Run() == nil {
			return program
		}
	}
	program, err := exec.LookPath("pgbench")
	if err != nil {
		t.Skip("there is no pgbench here; Debian: it comes with apt-get install postgresql")
	}
	return program
}

// TestPgbench writes on several connections at once: each version of each row must arrive once and
// in order.
func TestPgbench(t *testing.T) {
	t.Parallel()
	const clients, each = 6, 60
	s := rowcalltest.StartServer(t, nil)
	program := pgbench(t, s)
	s.Exec(t, `INSERT INTO job_postings (id, user_id, state) SELECT n, 2, 'pgbench' FROM generate_series(1001, 1005) n`)
	script := filepath.Join(t.TempDir(), "write.sql")
	const writes = `\set job random(1001, 1005)
BEGIN;
INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'client :client_id');
UPDATE job_postings SET progress = progress + 1 WHERE id = :job;
COMMIT;
`
	if err := os.WriteFile(script, []byte(writes), 0o600); err != nil {
		t.Fatal(err)
	}
	native := s.Login(t, "bob").OpenNative(t)
	native.Follow("room/1", "jobs/2")
	out, err := exec.CommandContext(t.Context(), program, "-n", "-c", fmt.Sprint(clients), "-j", "2", "-t", fmt.Sprint(each), "-f", script, s.URL).CombinedOutput()
	if err != nil {
		t.Fatalf("pgbench: %v\n%s", err, out)
	}
	messages, progress, updates := map[any]bool{}, map[any]float64{}, 0
	for range 2 * clients * each {
		switch f := native.ReceiveFrame(); f.Type {
		case "chat_message_created":
			if messages[f.Data["id"]] {
				t.Fatalf("message %v is heard twice", f.Data["id"])
			}
			messages[f.Data["id"]] = true
		case "job_posting.saved":
			id := f.Data["id"]
			if got := f.Data["progress"].(float64); got != progress[id]+1 {
				t.Fatalf("job %v is heard at %v after %v", id, got, progress[id])
			}
			progress[id]++
			updates++
		default:
			t.Fatalf("heard %+v", f)
		}
	}
	if len(messages) != clients*each || updates != clients*each {
		t.Errorf("heard %d messages and %d updates, want %d of each", len(messages), updates, clients*each)
	}
	native.ExpectNoMore()
}

// TestCopyByOwner copies rows into a table with row-level security as the owner of the table: each
// row must arrive once. PostgreSQL refuses COPY FROM to roles that neither own such a table nor
// bypass its policies.
func TestCopyByOwner(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	owner, writer := "owner_"+s.Name, "writer_"+s.Name
	s.Exec(t, `CREATE ROLE `+owner+` LOGIN PASSWORD '`+rowcalltest.Password+`'; CREATE ROLE `+writer+` LOGIN PASSWORD '`+rowcalltest.Password+`';
		GRANT ALL ON ALL TABLES IN SCHEMA public TO `+owner+`, `+writer+`; GRANT CREATE ON SCHEMA public TO `+owner+`;
		ALTER TABLE chat_messages OWNER TO `+owner)
	t.Cleanup(func() {
		s.Exec(t, `REASSIGN OWNED BY `+owner+` TO CURRENT_USER; DROP OWNED BY `+owner+`, `+writer+`; DROP ROLE `+owner+`, `+writer)
	})
	room := s.Login(t, "alice").OpenSocket(t, "/ws/room/1")
	var rows strings.Builder
	for n := range 500 {
		fmt.Fprintf(&rows, "%d\t1\t2\trow %d\n", 5000+n, n)
	}
	copied := "COPY chat_messages (id, room_id, sender_id, message) FROM STDIN;\n" + rows.String() + "\\.\n"
	if got := s.PsqlAs(t, writer, "\\set ON_ERROR_STOP 0\n"+copied); !strings.Contains(got, "COPY FROM not supported with row-level security") {
		t.Errorf("a role that does not own the table: %.300s", got)
	}
	s.PsqlAs(t, owner, copied)
	for n := range 500 {
		room.Expect(rowcalltest.ChatMessageFrame(5000+n, fmt.Sprintf("row %d", n)))
	}
	room.ExpectNoMore()
}

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestLargeRow checks that a row of a megabyte, and a row larger than a queue, arrives whole and
// aborts no write.
func TestLargeRow(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	page, native, dams := alice.OpenSocket(t, "/ws/job-status/"), alice.OpenNative(t), s.Anonymous().OpenSocket(t, "/dam-inventory/dams/notifications/ws/")
	native.Follow("dams")
	for _, size := range []int{1 << 20, 5 << 20} {
		s.Psql(t, fmt.Sprintf(`
			INSERT INTO job_postings (id, user_id, state) VALUES (%d, 1, repeat('ü', %d));
			INSERT INTO dams (name) VALUES (repeat('ü', %d))`, size, size/2, size/2))
		large := strings.Repeat("ü", size/2)
		page.Expect(fmt.Sprintf(`{"id":%d,"state":"%s"}`, size, large))
		if got := native.ReceiveFrame(); got.Data["name"] != large {
			t.Errorf("the large dam's name is %.100v", got.Data["name"])
		}
		dams.Expect(rowcalltest.GoldenFrame(t, "dams-new-dam"))
	}
}

// TestTransactionOverSeveralTables checks that a transaction over several tables arrives on all its
// topics, and on none before it commits.
func TestTransactionOverSeveralTables(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	room, jobs := alice.OpenSocket(t, "/ws/room/1"), alice.OpenSocket(t, "/ws/job-status/")
	dams, user := s.Anonymous().OpenSocket(t, "/dam-inventory/dams/notifications/ws/"), alice.OpenSocket(t, "/ws/user/1")
	changes := `
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES ({n}, 1, 1, '{n}');
		INSERT INTO job_postings (id, user_id, state) VALUES ({n}, 1, '{n}');
		INSERT INTO dams (name) VALUES ('{n}');
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES ({n}, 1, 2);
		UPDATE job_postings SET state = 'at the end' WHERE id = {n};`
	long := s.Conn(t)
	if _, err := long.Exec(t.Context(), "BEGIN;"+strings.ReplaceAll(changes, "{n}", "50")); err != nil {
		t.Fatal(err)
	}
	s.Psql(t, "BEGIN;"+strings.ReplaceAll(changes, "{n}", "51")+"COMMIT")
	heard := func(n int) {
		room.Expect(rowcalltest.ChatMessageFrame(n, fmt.Sprint(n)))
		jobs.Expect(fmt.Sprintf(`{"id":%d,"state":"%d"}`, n, n), fmt.Sprintf(`{"id":%d,"state":"at the end"}`, n))
		dams.Expect(rowcalltest.GoldenFrame(t, "dams-new-dam"))
		user.Expect(fmt.Sprintf(`{"type":"did_alter_join_request","kwargs":{"id":"%d","action":"create","requesting_user":{"id":1,"first_name":"Alice","last_name":"Lindgren"}}}`, n))
	}
	heard(51)
	if _, err := long.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	heard(50)
	dams.ExpectNoMore()
}

// TestWriterWithoutRights checks that a writer needs no right on Rowcall's objects, and has none.
func TestWriterWithoutRights(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	role := "writer_" + s.Name
	s.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD '`+rowcalltest.Password+`';
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO `+role)
	t.Cleanup(func() { s.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	room := s.Login(t, "alice").OpenSocket(t, "/ws/room/1")
	s.PsqlAs(t, role, `
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (60, 1, 2, 'by a writer');
		INSERT INTO chat_join_requests (id, user_id, room_id, status) VALUES (60, 4, 1, 'admitted');
		DELETE FROM chat_room_members WHERE user_id = 4;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (61, 1, 2, 'once more')`)
	room.Expect(rowcalltest.ChatMessageFrame(60, "by a writer"))
	if f := room.Receive(); !strings.Contains(f, `"action":"create"`) {
		t.Errorf("heard %s, want the request", f)
	}
	room.Expect(rowcalltest.ChatMessageFrame(61, "once more"))
	for _, forbidden := range []string{
		`SELECT rowcall.publish('room/1', 'chat_message_created', '{}')`, `SELECT rowcall.cursor()`, `SELECT rowcall.epoch()`,
		`SELECT * FROM rowcall.log`, `SELECT rowcall.chat_membership('a', 'b', 1, 1)`, `TABLE rowcall.sessions`,
	} {
		if got := s.PsqlAs(t, role, "\\set ON_ERROR_STOP 0\n"+forbidden); !strings.Contains(got, "permission denied") {
			t.Errorf("%s: %s", forbidden, got)
		}
	}
	s.PsqlAs(t, role, `NOTIFY rowcall, '{"topic":"room/1"}'; NOTIFY rowcall, '{"gate":-1}'; NOTIFY rowcall, 'nonsense';
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (62, 1, 2, 'after forged rings')`)
	room.Expect(rowcalltest.ChatMessageFrame(62, "after forged rings"))
}

// TestPreparedTransaction checks that a prepared transaction arrives when it commits. A ring would
// make PREPARE TRANSACTION fail, so writers do not ring.
func TestPreparedTransaction(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, map[string]string{"ROWCALL_LOG_RING": "never"})
	room := s.Login(t, "alice").OpenSocket(t, "/ws/room/1")
	s.Psql(t, `
		BEGIN; INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (70, 1, 1, 'prepared'); PREPARE TRANSACTION '`+s.Name+`';
		BEGIN; INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (71, 1, 1, 'overtakes'); COMMIT;`)
	room.Expect(rowcalltest.ChatMessageFrame(71, "overtakes"))
	s.Psql(t, `COMMIT PREPARED '`+s.Name+`'`)
	room.Expect(rowcalltest.ChatMessageFrame(70, "prepared"))
}

package main

import (
	"fmt"
	"strings"
	"testing"
)

// A row of a megabyte, and of one that is larger than a queue, arrives whole and aborts no write.
func TestLargeRow(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	page, native, dams := alice.open(t, "/ws/job-status/"), alice.native(t), s.anonymous().open(t, "/dam-inventory/dams/notifications/ws/")
	native.follow("dams")
	for _, size := range []int{1 << 20, 5 << 20} {
		s.Psql(t, fmt.Sprintf(`
			INSERT INTO job_postings (id, user_id, state) VALUES (%d, 1, repeat('ü', %d));
			INSERT INTO dams (name) VALUES (repeat('ü', %d))`, size, size/2, size/2))
		large := strings.Repeat("ü", size/2)
		page.expect(fmt.Sprintf(`{"id":%d,"state":"%s"}`, size, large))
		if got := native.next(); got.Data["name"] != large {
			t.Errorf("the large dam's name is %.100v", got.Data["name"])
		}
		dams.expect(golden(t, "dams-new-dam"))
	}
}

// A transaction over several tables is heard on all its topics, and on none before it commits.
func TestTransactionOverSeveralTables(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	room, jobs := alice.open(t, "/ws/room/1"), alice.open(t, "/ws/job-status/")
	dams, user := s.anonymous().open(t, "/dam-inventory/dams/notifications/ws/"), alice.open(t, "/ws/user/1")
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
		room.expect(said(n, fmt.Sprint(n)))
		jobs.expect(fmt.Sprintf(`{"id":%d,"state":"%d"}`, n, n), fmt.Sprintf(`{"id":%d,"state":"at the end"}`, n))
		dams.expect(golden(t, "dams-new-dam"))
		user.expect(fmt.Sprintf(`{"type":"did_alter_join_request","kwargs":{"id":"%d","action":"create","requesting_user":{"id":1,"first_name":"Alice","last_name":"Lindgren"}}}`, n))
	}
	heard(51)
	if _, err := long.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	heard(50)
	dams.expectNoMore()
}

// A writer needs no right on anything of Rowcall's, and has none.
func TestWriterWithoutRights(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	role := "writer_" + s.Name
	s.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD '`+secret+`';
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO `+role)
	t.Cleanup(func() { s.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	room := s.login(t, "alice").open(t, "/ws/room/1")
	s.psqlAs(t, role, `
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (60, 1, 2, 'by a writer');
		INSERT INTO chat_join_requests (id, user_id, room_id, status) VALUES (60, 4, 1, 'admitted');
		DELETE FROM chat_room_members WHERE user_id = 4;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (61, 1, 2, 'once more')`)
	room.expect(said(60, "by a writer"))
	if f := room.hear(); !strings.Contains(f, `"action":"create"`) {
		t.Errorf("heard %s, want the request", f)
	}
	room.expect(said(61, "once more"))
	for _, forbidden := range []string{
		`SELECT rowcall.publish('room/1', 'chat_message_created', '{}')`, `SELECT rowcall.cursor()`, `SELECT rowcall.epoch()`,
		`SELECT * FROM rowcall.log`, `SELECT rowcall.chat_membership('a', 'b', 1, 1)`, `TABLE rowcall.sessions`,
	} {
		if got := s.psqlAs(t, role, "\\set ON_ERROR_STOP 0\n"+forbidden); !strings.Contains(got, "permission denied") {
			t.Errorf("%s: %s", forbidden, got)
		}
	}
	s.psqlAs(t, role, `NOTIFY rowcall, '{"topic":"room/1"}'; NOTIFY rowcall, '{"gate":-1}'; NOTIFY rowcall, 'nonsense';
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (62, 1, 2, 'after forged rings')`)
	room.expect(said(62, "after forged rings"))
}

// Two-phase commits are heard of when they commit. A ring would make PREPARE fail, so nobody rings.
func TestPreparedTransaction(t *testing.T) {
	t.Parallel()
	s := openSite(t, map[string]string{"ROWCALL_LOG_RING": "never"})
	room := s.login(t, "alice").open(t, "/ws/room/1")
	s.Psql(t, `
		BEGIN; INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (70, 1, 1, 'prepared'); PREPARE TRANSACTION '`+s.Name+`';
		BEGIN; INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (71, 1, 1, 'overtakes'); COMMIT;`)
	room.expect(said(71, "overtakes"))
	s.Psql(t, `COMMIT PREPARED '`+s.Name+`'`)
	room.expect(said(70, "prepared"))
}

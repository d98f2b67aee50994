package api

import (
	"net/http"
	"strings"
	"testing"
)

func kwargs(id, message string) string {
	return `{"type":"chat_message_created","kwargs":{"id":"` + id + `","message":"` + message + `"}}`
}

func TestChatRoom(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice, bob := tn.dial(t, "/ws/room/1", "alice"), tn.dial(t, "/ws/room/01/", "bob")
	other := tn.dial(t, "/ws/room/2", "dave")
	tn.db.Psql(t, `
		BEGIN; INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (100, 1, 1, 'never said'); ROLLBACK;
		UPDATE chat_messages SET message = 'edited' WHERE id = 1;
		DELETE FROM chat_messages WHERE id = 2;
		INSERT INTO chat_rooms (id, owner_id, title, join_code) VALUES (50, 1, 'Aside', 'aside');
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (101, 50, 1, 'elsewhere');
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (102, 1, 1, 'one'), (103, 1, 2, 'two "three" é <b>'), (104, 2, 2, 'not for room 1');`)
	for _, b := range []*socketClient{alice, bob} {
		b.expect(kwargs("102", "one"), kwargs("103", `two \"three\" é <b>`))
	}
	other.expect(kwargs("104", "not for room 1"))
}

func TestChatCloseCodes(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	tests := []struct {
		path, name string
		want       int
	}{
		{"/ws/room/1", "", 4401},
		{"/ws/room/99", "", 4401}, // the anonymous never learn of rooms
		{"/ws/room/0", "", 4401},
		{"/ws/room/99", "dave", 4404},
		{"/ws/room/0", "dave", 4404},
		{"/ws/room/99999999999999999999", "dave", 4404},
		{"/ws/room/1", "dave", 4403},
		{"/ws/room/1", "carol", 4403}, // she waits to be admitted
		{"/ws/room/1", "admin", 4403},
		{"/ws/user/1", "", 4401},
		{"/ws/user/1", "bob", 4403},
		{"/ws/user/99", "bob", 4403},
		{"/ws/room/1?since=garbage", "bob", 4410},
		{"/ws/room/1?since=", "bob", 4410},
		{"/ws/room/1?since", "bob", 4410},
		{"/ws/room/1?since=", "dave", 4403},
		{"/ws/room/1?since=0123456789abcdef.1.1", "bob", 4410},
		{"/ws/room/1?since=garbage", "dave", 4403}, // not a word about cursors
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.name, func(t *testing.T) { tn.dial(t, tt.path, tt.name).expectClose(tt.want) })
	}
	stale := http.Header{"Cookie": {"rowcall_session=stale"}}
	tn.dialWith(t, "/ws/room/1", stale).expectClose(4401)
}

func TestJoinRequestsAreTheOwnersAndTheRequesters(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	owner, member := tn.dial(t, "/ws/room/1", "alice"), tn.dial(t, "/ws/room/1", "bob")
	dave, carol := tn.dial(t, "/ws/user/4", "dave"), tn.dial(t, "/ws/user/3", "carol")
	tn.db.Psql(t, `INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1);`)
	asks := `{"type":"did_alter_join_request","kwargs":{"id":"31","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}}`
	owner.expect(asks)
	dave.expect(asks)
	tn.db.Psql(t, `
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 31;
		DELETE FROM chat_join_requests WHERE id = 31;
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (32, 3, 1);
		UPDATE chat_join_requests SET status = 'admitted' WHERE id = 32;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (100, 1, 1, 'welcome');`)
	denied := `{"type":"did_alter_join_request","kwargs":{"id":"31","action":"deny","requesting_user":null}}`
	again := `{"type":"did_alter_join_request","kwargs":{"id":"32","action":"create","requesting_user":{"id":3,"first_name":"Carol","last_name":"Okafor"}}}`
	admitted := `{"type":"did_alter_join_request","kwargs":{"id":"32","action":"admit","requesting_user":null}}`
	owner.expect(denied, again, admitted, kwargs("100", "welcome"))
	dave.expect(denied)
	carol.expect(again, admitted)
	member.expect(kwargs("100", "welcome")) // and not a word before
}

func TestOwnerWhoHandsTheRoomOverSeesNoMoreRequests(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice, bob := tn.dial(t, "/ws/room/1", "alice"), tn.dial(t, "/ws/room/1", "bob")
	tn.db.Psql(t, `
		INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 1);
		UPDATE chat_rooms SET owner_id = 2 WHERE id = 1;`)
	tn.db.Psql(t, `
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1);
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (100, 1, 1, 'yours now');`)
	alice.expect(kwargs("100", "yours now"))
	bob.hears(`"action":"create"`)
	bob.expect(kwargs("100", "yours now"))
}

func TestNewDam(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	b := tn.dial(t, "/dam-inventory/dams/notifications/ws/", "")
	tn.db.Psql(t, `
		UPDATE dams SET name = 'Old Dam' WHERE id = 1;
		DELETE FROM dams WHERE id = 5;
		INSERT INTO hydrographs (dam_id) VALUES (1);
		INSERT INTO dams (name, owner, river, date_built, latitude, longitude)
		SELECT 'New ' || n, 'us', 'Provo', '2026', 40, -111 FROM generate_series(1, 3) n;
		UPDATE dams SET name = 'Renamed' WHERE name = 'New 1';
		INSERT INTO dams (name, owner, river, date_built, latitude, longitude) VALUES ('Last', 'us', 'Provo', '2026', 40, -111);`)
	for range 4 {
		b.expect(`{"message":"New Dam"}`)
	}
}

func TestJobStatusIsItsUsersOnly(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice, bob := tn.dial(t, "/ws/job-status/", "alice"), tn.dial(t, "/ws/job-status", "bob")
	tn.db.Psql(t, `
		INSERT INTO job_postings (id, user_id, title, state) VALUES (17, 1, 'Sort', 'queued');
		INSERT INTO job_postings (id, user_id, title, state) VALUES (18, 2, 'Import', 'queued');
		UPDATE job_postings SET state = 'running' WHERE id = 17;
		UPDATE job_postings SET state = 'running' WHERE id = 17;`)
	alice.expect(`{"id":17,"state":"queued"}`, `{"id":17,"state":"running"}`, `{"id":17,"state":"running"}`)
	bob.expect(`{"id":18,"state":"queued"}`)
	_, answer, err := websocketDial(tn, "/ws/job-status/", nil)
	if err == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("anonymous: %v", answer)
	}
}

// TestPageAndItsSocket commits an event after the page was rendered and before its socket is open,
// which the chat seed loses.
func TestPageAndItsSocket(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	cursor := tn.db.Psql(t, `SELECT rowcall.cursor();`)
	tn.db.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (100, 1, 1, 'in between');`)
	resumed := tn.dial(t, "/ws/room/1?since="+cursor, "bob")
	fresh := tn.dial(t, "/ws/room/1", "bob")
	tn.db.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (101, 1, 1, 'after');`)
	resumed.expect(kwargs("100", "in between"), kwargs("101", "after"))
	fresh.expect(kwargs("101", "after")) // nothing that was committed before its handshake was answered
}

func TestPlainSocketsLoseTheirRights(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		want      int
	}{
		{"removed", `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`, 4403},
		{"room deleted", `DELETE FROM chat_rooms WHERE id = 1`, 4404},
		{"deactivated", `UPDATE users SET is_active = false WHERE id = 2`, 4401},
		{"sessions deleted", `DELETE FROM rowcall.sessions`, 4401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := openLiveServer(t)
			b := tn.dial(t, "/ws/room/1", "bob")
			tn.db.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (100, 1, 1, 'before');`)
			tn.db.Psql(t, tt.sql)
			if !strings.Contains(tt.sql, "chat_rooms") {
				tn.db.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (101, 1, 1, 'secret');`)
			}
			for {
				_, frame, err := b.ReadMessage()
				if err != nil {
					if got := closeCode(err); got != tt.want {
						t.Errorf("closed with %d, want %d", got, tt.want)
					}
					return
				}
				if strings.Contains(string(frame), "secret") {
					t.Errorf("heard %s", frame)
				}
			}
		})
	}
}

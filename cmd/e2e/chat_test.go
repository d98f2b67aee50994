package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestRoomSocket checks that a room's socket sends messages to all members and join requests to the
// owner, and nothing for other changes.
func TestRoomSocket(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	s.Exec(t, `UPDATE users SET first_name = 'Ana', last_name = 'Ek' WHERE id = 4`)
	owner, member := s.Login(t, "alice").OpenSocket(t, "/ws/room/1"), s.Login(t, "bob").OpenSocket(t, "/ws/room/001/")

	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (42, 1, 1, 'Hello world!')`)
	owner.Expect(rowcalltest.GoldenFrame(t, "chat-message-created"))
	member.Expect(rowcalltest.GoldenFrame(t, "chat-message-created"))

	s.Psql(t, `
		UPDATE chat_messages SET message = 'Hello again' WHERE id = 42;
		DELETE FROM chat_messages WHERE id = 42;
		INSERT INTO chat_messages (room_id, sender_id, message) VALUES (2, 2, 'elsewhere');
		INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 4);
		DELETE FROM chat_room_members WHERE user_id = 4;
		UPDATE chat_rooms SET title = 'Writing group' WHERE id = 1;
		UPDATE users SET last_name = 'Lind' WHERE id = 1;
		INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 2);
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (43, 1, 2, 'after silence')`)
	owner.Expect(rowcalltest.ChatMessageFrame(43, "after silence"))
	member.Expect(rowcalltest.ChatMessageFrame(43, "after silence"))

	s.Psql(t, `
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1);
		UPDATE chat_join_requests SET status = 'pending' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'admitted' WHERE id = 31;
		DELETE FROM chat_join_requests WHERE id = 31;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (44, 1, 4, 'let in')`)
	owner.Expect(rowcalltest.GoldenFrame(t, "chat-join-request-create"), rowcalltest.JoinRequestFrame(31, "deny"), rowcalltest.GoldenFrame(t, "chat-join-request-admit"), rowcalltest.ChatMessageFrame(44, "let in"))
	member.Expect(rowcalltest.ChatMessageFrame(44, "let in"))
}

// TestUserSocket checks that a user's socket reports the user's own join requests, and nothing of
// other users.
func TestUserSocket(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	s.Exec(t, `UPDATE users SET first_name = 'Ana', last_name = 'Ek' WHERE id = 4`)
	requester, other := s.Login(t, "dave").OpenSocket(t, "/ws/user/4"), s.Login(t, "carol").OpenSocket(t, "/ws/user/3/")
	owner := s.Login(t, "alice").OpenSocket(t, "/ws/user/1")

	s.Psql(t, `
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1);
		UPDATE chat_join_requests SET status = 'pending' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'admitted' WHERE id = 31;
		INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 4, 'hello');
		DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 4;
		DELETE FROM chat_join_requests WHERE id = 31;
		INSERT INTO chat_join_requests (id, user_id, room_id, status) VALUES (32, 4, 2, 'denied');
		UPDATE chat_join_requests SET status = 'pending' WHERE id = 32;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 32`)
	create := rowcalltest.GoldenFrame(t, "chat-join-request-create")
	requester.Expect(create, rowcalltest.GoldenFrame(t, "chat-join-request-admit"))
	again := `{"type":"did_alter_join_request","kwargs":{"id":"32","action":"create","requesting_user":{"id":4,"first_name":"Ana","last_name":"Ek"}}}`
	requester.Expect(again, rowcalltest.JoinRequestFrame(32, "deny"))

	s.Psql(t, `
		UPDATE chat_join_requests SET status = 'denied' WHERE user_id = 3;
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (33, 1, 2);
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 33`)
	other.Expect(rowcalltest.JoinRequestFrame(1, "deny"))
	owner.Expect(`{"type":"did_alter_join_request","kwargs":{"id":"33","action":"create","requesting_user":{"id":1,"first_name":"Alice","last_name":"Lindgren"}}}`, rowcalltest.JoinRequestFrame(33, "deny"))
	for _, quiet := range []*rowcalltest.SocketClient{requester, other, owner} {
		quiet.ExpectNoMore()
	}
}

// TestCloseCodes checks the code of the close for each refusal. An anonymous user learns nothing
// about which rooms exist.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	stranger := s.Login(t, "dave")
	for name, r := range map[string]struct {
		who  *rowcalltest.HTTPUser
		path string
		want int
	}{
		"anonymous":                     {s.Anonymous(), "/ws/room/1", 4401},
		"anonymous, no such room":       {s.Anonymous(), "/ws/room/999", 4401},
		"anonymous, no number there is": {s.Anonymous(), "/ws/room/99999999999999999999", 4401},
		"anonymous, a user":             {s.Anonymous(), "/ws/user/1", 4401},
		"a stale cookie":                {s.WithCookie("rowcall_session=stale"), "/ws/room/1", 4401},
		"a stale cookie, native":        {s.WithCookie("rowcall_session=stale"), "/v1/ws", 4401},
		"no such room":                  {stranger, "/ws/room/999", 4404},
		"no number there is":            {stranger, "/ws/room/99999999999999999999", 4404},
		"a stranger":                    {stranger, "/ws/room/1", 4403},
		"somebody who waits":            {s.Login(t, "carol"), "/ws/room/1", 4403},
		"staff":                         {s.Login(t, "admin"), "/ws/room/1", 4403},
		"another user's topic":          {stranger, "/ws/user/1", 4403},
		"no such user's topic":          {stranger, "/ws/user/999", 4403},
		"a cursor of no use":            {stranger, "/ws/room/2?since=nonsense", 4410},
	} {
		t.Run(name, func(t *testing.T) { r.who.OpenSocket(t, r.path).ExpectClose(r.want) })
	}
}

// TestRefusedHandshakes checks the refusals that come as an HTTP status, before a socket is open.
func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	for name, r := range map[string]struct {
		who  *rowcalltest.HTTPUser
		path string
		want int
	}{
		"jobs, anonymous":                    {s.Anonymous(), "/ws/job-status/", http.StatusForbidden},
		"jobs, anonymous, without the slash": {s.Anonymous(), "/ws/job-status", http.StatusForbidden},
		"jobs, a stale cookie":               {s.WithCookie("rowcall_session=stale"), "/ws/job-status/", http.StatusForbidden},
		"no number":                          {alice, "/ws/room/one", http.StatusNotFound},
		"no such address":                    {alice, "/ws/rooms/1", http.StatusNotFound},
		"a token in the address":             {alice, "/ws/room/1?token=x", http.StatusBadRequest},
	} {
		if _, answer, err := r.who.Handshake(r.path); err == nil || answer == nil || answer.StatusCode != r.want {
			t.Errorf("%s: %v %v, want %d", name, answer, err, r.want)
		}
	}
}

// TestPagesOfOtherSites checks that a page of another site gets no socket, although the browser
// sends the user's cookie.
func TestPagesOfOtherSites(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	for _, origin := range []string{"https://evil.example", "null", strings.Replace(s.Pages, "http", "https", 1), "http://127.0.0.1:1"} {
		header := http.Header{"Origin": {strings.TrimSuffix(origin, "/")}, "Cookie": {alice.Cookie}}
		for _, path := range []string{"v1/ws", "ws/room/1", "ws/job-status/"} {
			_, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.Pages, "http")+path, header)
			if err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s opens %s: %v %v", origin, path, answer, err)
			}
		}
	}
}

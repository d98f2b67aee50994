package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// said is the frame of a chat message.
func said(id int, message string) string {
	return fmt.Sprintf(`{"type":"chat_message_created","kwargs":{"id":"%d","message":"%s"}}`, id, message)
}

// asked is the frame of a join request's change, by nobody that has to be shown.
func asked(id int, action string) string {
	return fmt.Sprintf(`{"type":"did_alter_join_request","kwargs":{"id":"%d","action":"%s","requesting_user":null}}`, id, action)
}

// A room's socket sends messages to everybody in the room and join requests to its owner. Whatever else
// changes there or elsewhere, it is silent.
func TestRoomSocket(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	s.Exec(t, `UPDATE users SET first_name = 'Ana', last_name = 'Ek' WHERE id = 4`)
	owner, member := s.login(t, "alice").open(t, "/ws/room/1"), s.login(t, "bob").open(t, "/ws/room/001/")

	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (42, 1, 1, 'Hello world!')`)
	owner.expect(golden(t, "chat-message-created"))
	member.expect(golden(t, "chat-message-created"))

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
	owner.expect(said(43, "after silence"))
	member.expect(said(43, "after silence"))

	s.Psql(t, `
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1);
		UPDATE chat_join_requests SET status = 'pending' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 31;
		UPDATE chat_join_requests SET status = 'admitted' WHERE id = 31;
		DELETE FROM chat_join_requests WHERE id = 31;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (44, 1, 4, 'let in')`)
	owner.expect(golden(t, "chat-join-request-create"), asked(31, "deny"), golden(t, "chat-join-request-admit"), said(44, "let in"))
	member.expect(said(44, "let in"))
}

// A user's socket sends how the user's own requests fare, and nothing of anybody else's.
func TestUserSocket(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	s.Exec(t, `UPDATE users SET first_name = 'Ana', last_name = 'Ek' WHERE id = 4`)
	requester, other := s.login(t, "dave").open(t, "/ws/user/4"), s.login(t, "carol").open(t, "/ws/user/3/")
	owner := s.login(t, "alice").open(t, "/ws/user/1")

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
	create := golden(t, "chat-join-request-create")
	requester.expect(create, golden(t, "chat-join-request-admit"))
	again := `{"type":"did_alter_join_request","kwargs":{"id":"32","action":"create","requesting_user":{"id":4,"first_name":"Ana","last_name":"Ek"}}}`
	requester.expect(again, asked(32, "deny"))

	s.Psql(t, `
		UPDATE chat_join_requests SET status = 'denied' WHERE user_id = 3;
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (33, 1, 2);
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 33`)
	other.expect(asked(1, "deny"))
	owner.expect(`{"type":"did_alter_join_request","kwargs":{"id":"33","action":"create","requesting_user":{"id":1,"first_name":"Alice","last_name":"Lindgren"}}}`, asked(33, "deny"))
	for _, quiet := range []*socket{requester, other, owner} {
		quiet.expectNoMore()
	}
}

// Who may not follow is told by the code of a close, in an order that tells an anonymous one nothing.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	stranger := s.login(t, "dave")
	for name, r := range map[string]struct {
		who  *person
		path string
		want int
	}{
		"anonymous":                     {s.anonymous(), "/ws/room/1", 4401},
		"anonymous, no such room":       {s.anonymous(), "/ws/room/999", 4401},
		"anonymous, no number there is": {s.anonymous(), "/ws/room/99999999999999999999", 4401},
		"anonymous, a user":             {s.anonymous(), "/ws/user/1", 4401},
		"a stale cookie":                {&person{s, "rowcall_session=stale"}, "/ws/room/1", 4401},
		"a stale cookie, native":        {&person{s, "rowcall_session=stale"}, "/v1/ws", 4401},
		"no such room":                  {stranger, "/ws/room/999", 4404},
		"no number there is":            {stranger, "/ws/room/99999999999999999999", 4404},
		"a stranger":                    {stranger, "/ws/room/1", 4403},
		"somebody who waits":            {s.login(t, "carol"), "/ws/room/1", 4403},
		"staff":                         {s.login(t, "admin"), "/ws/room/1", 4403},
		"another user's topic":          {stranger, "/ws/user/1", 4403},
		"no such user's topic":          {stranger, "/ws/user/999", 4403},
		"a cursor of no use":            {stranger, "/ws/room/2?since=nonsense", 4410},
	} {
		t.Run(name, func(t *testing.T) { r.who.open(t, r.path).expectClose(r.want) })
	}
}

// Some are refused before there is a socket.
func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	for name, r := range map[string]struct {
		who  *person
		path string
		want int
	}{
		"jobs, anonymous":                    {s.anonymous(), "/ws/job-status/", http.StatusForbidden},
		"jobs, anonymous, without the slash": {s.anonymous(), "/ws/job-status", http.StatusForbidden},
		"jobs, a stale cookie":               {&person{s, "rowcall_session=stale"}, "/ws/job-status/", http.StatusForbidden},
		"no number":                          {alice, "/ws/room/one", http.StatusNotFound},
		"no such address":                    {alice, "/ws/rooms/1", http.StatusNotFound},
		"a token in the address":             {alice, "/ws/room/1?token=x", http.StatusBadRequest},
	} {
		if _, answer, err := r.who.handshake(r.path); err == nil || answer == nil || answer.StatusCode != r.want {
			t.Errorf("%s: %v %v, want %d", name, answer, err, r.want)
		}
	}
}

// A page of another site gets no socket, though the browser sends the user's cookie along.
func TestPagesOfOtherSites(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	for _, origin := range []string{"https://evil.example", "null", strings.Replace(s.pages, "http", "https", 1), "http://127.0.0.1:1"} {
		header := http.Header{"Origin": {strings.TrimSuffix(origin, "/")}, "Cookie": {alice.cookie}}
		for _, path := range []string{"v1/ws", "ws/room/1", "ws/job-status/"} {
			_, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.pages, "http")+path, header)
			if err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s opens %s: %v %v", origin, path, answer, err)
			}
		}
	}
}

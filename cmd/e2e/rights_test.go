package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestMemberRemoved checks that a removed member gets nothing of the removing transaction or later,
// at either node. The other topics of a native socket go on.
func TestMemberRemoved(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	bob := s.Login(t, "bob")
	far := bob.At(s.StartAnother(t))
	for _, at := range []*rowcalltest.HTTPUser{bob, far} {
		native, plain := at.OpenNative(t), at.OpenSocket(t, "/ws/room/1")
		native.Follow("room/1", "dams")
		s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'before')`)
		native.SkipUntil("before")
		if got := plain.Receive(); !strings.Contains(got, "before") {
			t.Errorf("heard %s", got)
		}
		s.Psql(t, `
			BEGIN;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'secret');
			DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'secret');
			COMMIT;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'secret')`)
		plain.ExpectClose(4403)
		native.Expect(strings.ReplaceAll(rowcalltest.GoldenFrame(t, "native-error"), "room/42", "room/1"))
		s.Psql(t, `INSERT INTO dams (name) VALUES ('goes on')`)
		if f := native.ReceiveFrame(); f.Type != "dam.create" {
			t.Errorf("the socket's other topic: %+v", f)
		}
		s.Psql(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2)`)
	}
}

// TestMemberComesBack checks that a removed member can neither resume nor read the state, and that
// a member who is admitted again may read everything.
func TestMemberComesBack(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	bob := s.Login(t, "bob")
	native := bob.OpenNative(t)
	cursor := native.Follow("room/1")
	since := fmt.Sprintf(`"since":%q`, cursor)
	native.Send(`{"op":"unsubscribe","topic":"room/1"}`)
	native.ReceiveFrame()
	s.Psql(t, `
		DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (71, 1, 1, 'not for him')`)
	for _, more := range []string{since, `"snapshot":true`, `"since":""`} {
		if f := native.Subscribe("room/1", more); f.Code != "forbidden" || f.Snapshot != nil {
			t.Errorf("asking with %s: %+v", more, f)
		}
	}
	bob.OpenSocket(t, "/ws/room/1?since="+cursor).ExpectClose(4403)
	s.Psql(t, `
		INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2);
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (72, 1, 1, 'welcome back')`)
	bob.OpenSocket(t, "/ws/room/1?since="+cursor).Expect(rowcalltest.ChatMessageFrame(71, "not for him"), rowcalltest.ChatMessageFrame(72, "welcome back"))
	native.Resume("room/1", cursor)
	native.SkipUntil("not for him")
	native.SkipUntil("welcome back")
}

// TestMemberRemovedManyTimes removes a member many times while others write. A message that is
// written after the removal committed must not arrive, at either node.
func TestMemberRemovedManyTimes(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	bob := s.Login(t, "bob")
	other := bob.At(s.StartAnother(t))
	writer, remover := s.Conn(t), s.Conn(t)
	for round := range 60 {
		pages := []*rowcalltest.SocketClient{bob.OpenSocket(t, "/ws/room/1"), other.OpenSocket(t, "/ws/room/1")}
		removed := make(chan error, 1)
		go func() {
			_, err := remover.Exec(t.Context(), `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`)
			removed <- err
		}()
		talk(t, writer, removed)
		for _, page := range pages {
			expectNoSecret(page, round)
		}
		if _, err := remover.Exec(t.Context(), `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2)`); err != nil {
			t.Fatal(err)
		}
	}
}

// talk writes messages to room 1 until the member is removed, and then a few secret messages.
func talk(t *testing.T, writer *pgx.Conn, removed <-chan error) {
	t.Helper()
	say := func(message string) {
		if _, err := writer.Exec(t.Context(), `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, $1)`, message); err != nil {
			t.Fatal(err)
		}
	}
	for {
		select {
		case err := <-removed:
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				say("secret")
			}
			return
		default:
			say("open")
		}
	}
}

// expectNoSecret reads until the socket is closed for a lost right, and fails the test at the first
// secret message.
func expectNoSecret(s *rowcalltest.SocketClient, round int) {
	s.T.Helper()
	for {
		_, text, err := s.ReadMessage()
		if err != nil {
			if !rowcalltest.ClosedWith(err, 4403) {
				s.T.Fatalf("round %d: ended with %v", round, err)
			}
			return
		}
		if strings.Contains(string(text), "secret") {
			s.T.Fatalf("round %d: heard %s", round, text)
		}
	}
}

// TestRoomHandedOver hands a room over: the former owner gets no more join requests, and no event
// at all unless they are a member. The new owner gets them without reconnecting.
func TestRoomHandedOver(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice, bob := s.Login(t, "alice").OpenSocket(t, "/ws/room/1"), s.Login(t, "bob").OpenSocket(t, "/ws/room/1")
	s.Psql(t, `
		INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 1);
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (80, 4, 1)`)
	if got := alice.Receive(); !strings.Contains(got, `"action":"create"`) {
		t.Errorf("the owner heard %s", got)
	}
	s.Psql(t, `
		UPDATE chat_rooms SET owner_id = 2 WHERE id = 1;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 80;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (81, 1, 1, 'still a member')`)
	alice.Expect(rowcalltest.ChatMessageFrame(81, "still a member"))
	bob.Expect(rowcalltest.JoinRequestFrame(80, "deny"), rowcalltest.ChatMessageFrame(81, "still a member"))
	s.Psql(t, `
		UPDATE chat_rooms SET owner_id = 4 WHERE id = 1;
		UPDATE chat_join_requests SET status = 'admitted' WHERE id = 80;
		DELETE FROM chat_room_members WHERE user_id = 1 AND room_id = 1;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (82, 1, 4, 'under new management')`)
	alice.ExpectClose(4403)
	bob.Expect(rowcalltest.ChatMessageFrame(82, "under new management"))
	s.Psql(t, `DELETE FROM chat_rooms WHERE id = 1`)
	bob.ExpectClose(4404)
}

// TestRequesterAdmitted checks that an admission opens the room, and that the user's own topic
// reports it.
func TestRequesterAdmitted(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	carol := s.Login(t, "carol")
	native := carol.OpenNative(t)
	native.Follow("user/3")
	if f := native.Subscribe("room/1"); f.Code != "forbidden" {
		t.Errorf("before: %+v", f)
	}
	s.Psql(t, `UPDATE chat_join_requests SET status = 'admitted' WHERE user_id = 3`)
	var heard []string
	for range 2 {
		heard = append(heard, summary(native.ReceiveFrame()))
	}
	if got := strings.Join(heard, ", "); !strings.Contains(got, "did_alter_join_request admit") || !strings.Contains(got, "room_joined Reading group") {
		t.Errorf("heard %s", got)
	}
	native.Follow("room/1")
	room := carol.OpenSocket(t, "/ws/room/1")
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (90, 1, 1, 'welcome')`)
	room.Expect(rowcalltest.ChatMessageFrame(90, "welcome"))
	native.SkipUntil("welcome")
}

// TestCursorIsNoTicket resumes from another user's cursor: the reader gets only events that the
// reader may see.
func TestCursorIsNoTicket(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	cursor := s.Login(t, "alice").OpenNative(t).Follow("room/1")
	s.Psql(t, `INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1);
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (95, 1, 1, 'hello')`)
	s.Login(t, "dave").OpenSocket(t, "/ws/room/1?since="+cursor).ExpectClose(4403)
	s.Anonymous().OpenSocket(t, "/ws/room/1?since="+cursor).ExpectClose(4401)
	bob := s.Login(t, "bob").OpenSocket(t, "/ws/room/1?since="+cursor)
	bob.Expect(rowcalltest.ChatMessageFrame(95, "hello"))
	bob.ExpectNoMore()
}

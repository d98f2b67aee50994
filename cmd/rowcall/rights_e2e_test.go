package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A member who is removed hears nothing of the removing transaction or later, at neither node; the other
// topics of a native socket go on.
func TestMemberRemoved(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	bob := s.login(t, "bob")
	far := bob.at(s.another(t))
	for _, at := range []*person{bob, far} {
		native, plain := at.native(t), at.open(t, "/ws/room/1")
		native.follow("room/1", "dams")
		s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'before')`)
		native.until("before")
		if got := plain.hear(); !strings.Contains(got, "before") {
			t.Errorf("heard %s", got)
		}
		s.Psql(t, `
			BEGIN;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'secret');
			DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'secret');
			COMMIT;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'secret')`)
		plain.expectClose(4403)
		native.expect(strings.ReplaceAll(golden(t, "native-error"), "room/42", "room/1"))
		s.Psql(t, `INSERT INTO dams (name) VALUES ('goes on')`)
		if f := native.next(); f.Type != "dam.create" {
			t.Errorf("the socket's other topic: %+v", f)
		}
		s.Psql(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2)`)
	}
}

// Who was removed can neither resume nor read the state; who is let in again may read all that was said.
func TestMemberComesBack(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	bob := s.login(t, "bob")
	native := bob.native(t)
	cursor := native.follow("room/1")
	since := fmt.Sprintf(`"since":%q`, cursor)
	native.say(`{"op":"unsubscribe","topic":"room/1"}`)
	native.next()
	s.Psql(t, `
		DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (71, 1, 1, 'not for him')`)
	for _, more := range []string{since, `"snapshot":true`, `"since":""`} {
		if f := native.ask("room/1", more); f.Code != "forbidden" || f.Snapshot != nil {
			t.Errorf("asking with %s: %+v", more, f)
		}
	}
	bob.open(t, "/ws/room/1?since="+cursor).expectClose(4403)
	s.Psql(t, `
		INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2);
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (72, 1, 1, 'welcome back')`)
	bob.open(t, "/ws/room/1?since="+cursor).expect(said(71, "not for him"), said(72, "welcome back"))
	native.resume("room/1", cursor)
	native.until("not for him")
	native.until("welcome back")
}

// Removal, many times over, while others write: whatever a writer says after the removal has committed
// never gets out, at neither node.
func TestMemberRemovedManyTimes(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	bob := s.login(t, "bob")
	other := bob.at(s.another(t))
	writer, remover := s.Conn(t), s.Conn(t)
	for round := range 60 {
		pages := []*socket{bob.open(t, "/ws/room/1"), other.open(t, "/ws/room/1")}
		removed := make(chan error, 1)
		go func() {
			_, err := remover.Exec(t.Context(), `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`)
			removed <- err
		}()
		talk(t, writer, removed)
		for _, page := range pages {
			page.hearNoSecret(round)
		}
		if _, err := remover.Exec(t.Context(), `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2)`); err != nil {
			t.Fatal(err)
		}
	}
}

// talk says things in room 1 until somebody was removed, and then a few secrets.
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

// hearNoSecret reads on until the socket is closed for lack of rights.
func (s *socket) hearNoSecret(round int) {
	s.t.Helper()
	for {
		_, text, err := s.ReadMessage()
		if err != nil {
			if !closedWith(err, 4403) {
				s.t.Fatalf("round %d: ended with %v", round, err)
			}
			return
		}
		if strings.Contains(string(text), "secret") {
			s.t.Fatalf("round %d: heard %s", round, text)
		}
	}
}

// An owner who hands the room over stops hearing join requests, and all of it unless a member; the new one
// starts, without reconnecting.
func TestRoomHandedOver(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice, bob := s.login(t, "alice").open(t, "/ws/room/1"), s.login(t, "bob").open(t, "/ws/room/1")
	s.Psql(t, `
		INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 1);
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (80, 4, 1)`)
	if got := alice.hear(); !strings.Contains(got, `"action":"create"`) {
		t.Errorf("the owner heard %s", got)
	}
	s.Psql(t, `
		UPDATE chat_rooms SET owner_id = 2 WHERE id = 1;
		UPDATE chat_join_requests SET status = 'denied' WHERE id = 80;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (81, 1, 1, 'still a member')`)
	alice.expect(said(81, "still a member"))
	bob.expect(asked(80, "deny"), said(81, "still a member"))
	s.Psql(t, `
		UPDATE chat_rooms SET owner_id = 4 WHERE id = 1;
		UPDATE chat_join_requests SET status = 'admitted' WHERE id = 80;
		DELETE FROM chat_room_members WHERE user_id = 1 AND room_id = 1;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (82, 1, 4, 'under new management')`)
	alice.expectClose(4403)
	bob.expect(said(82, "under new management"))
	s.Psql(t, `DELETE FROM chat_rooms WHERE id = 1`)
	bob.expectClose(4404)
}

// Being admitted opens the room; the user's own topic tells so.
func TestRequesterAdmitted(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	carol := s.login(t, "carol")
	native := carol.native(t)
	native.follow("user/3")
	if f := native.ask("room/1"); f.Code != "forbidden" {
		t.Errorf("before: %+v", f)
	}
	s.Psql(t, `UPDATE chat_join_requests SET status = 'admitted' WHERE user_id = 3`)
	var heard []string
	for range 2 {
		heard = append(heard, native.next().summary())
	}
	if got := strings.Join(heard, ", "); !strings.Contains(got, "did_alter_join_request admit") || !strings.Contains(got, "room_joined Reading group") {
		t.Errorf("heard %s", got)
	}
	native.follow("room/1")
	room := carol.open(t, "/ws/room/1")
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (90, 1, 1, 'welcome')`)
	room.expect(said(90, "welcome"))
	native.until("welcome")
}

// A cursor is no ticket: whoever brings another user's gets what is their own to see.
func TestCursorIsNoTicket(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	cursor := s.login(t, "alice").native(t).follow("room/1")
	s.Psql(t, `INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1);
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (95, 1, 1, 'hello')`)
	s.login(t, "dave").open(t, "/ws/room/1?since="+cursor).expectClose(4403)
	s.anonymous().open(t, "/ws/room/1?since="+cursor).expectClose(4401)
	bob := s.login(t, "bob").open(t, "/ws/room/1?since="+cursor)
	bob.expect(said(95, "hello"))
	bob.expectNoMore()
}

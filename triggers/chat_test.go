package triggers_test

import (
	"testing"

	"rowcall/schema/schematest"
)

// In the samples alice (1) owns room 1, bob (2) is its member, carol (3) waits for it with request 1.

func TestChatMessages(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))

	d.run(`INSERT INTO chat_messages (id, room_id, sender_id, posted, message)
	       VALUES (42, 1, 2, '2026-01-02 03:04:05.5Z', E'Hello "world"!\n')`)
	d.expect(row{"room/1", "chat_message_created", "", `{"id":"42","message":"Hello \"world\"!\n","room_id":1,"sender_id":2,"posted":"2026-01-02T03:04:05.500000Z"}`})

	d.run(`UPDATE chat_messages SET message = 'Hi', posted = '2026-01-02 03:04:05Z' WHERE id = 42`)
	d.expect(row{"room/1", "chat_message_updated", "", `{"id":"42","message":"Hi","room_id":1,"sender_id":2,"posted":"2026-01-02T03:04:05Z"}`})

	d.run(`UPDATE chat_messages SET room_id = 2 WHERE id = 42`)
	d.expect(
		row{"room/1", "chat_message_deleted", "", `{"id":"42"}`},
		row{"room/2", "chat_message_created", "", `{"id":"42","message":"Hi","room_id":2,"sender_id":2,"posted":"2026-01-02T03:04:05Z"}`})

	d.run(`DELETE FROM chat_messages WHERE id = 42`)
	d.expect(row{"room/2", "chat_message_deleted", "", `{"id":"42"}`})
}

func TestJoinRequests(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))

	d.run(`INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1)`)
	d.expect(
		row{"room/1", "did_alter_join_request", "owner", `{"id":"31","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}`},
		row{"user/4", "did_alter_join_request", "", `{"id":"31","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"},"room_id":1,"title":"Reading group"}`})

	d.run(`UPDATE chat_join_requests SET status = 'denied' WHERE id = 31`)
	d.expect(
		row{"room/1", "did_alter_join_request", "owner", `{"id":"31","action":"deny","requesting_user":null}`},
		row{"user/4", "did_alter_join_request", "", `{"id":"31","action":"deny","requesting_user":null,"room_id":1,"title":"Reading group"}`})

	// What is neither created, admitted nor denied is told as something else.
	other := func(topic, role, kind, status string) row {
		return row{topic, kind, role, `{"id":"31","room_id":` + topic[5:] + `,"user_id":4,"status":"` + status + `"}`}
	}
	toUser := func(kind, room, status string) row {
		return row{"user/4", kind, "", `{"id":"31","room_id":` + room + `,"user_id":4,"status":"` + status + `"}`}
	}
	d.run(`UPDATE chat_join_requests SET status = 'denied' WHERE id = 31; UPDATE chat_join_requests SET status = 'pending' WHERE id = 31`)
	d.expect(other("room/1", "owner", "join_request_updated", "pending"), toUser("join_request_updated", "1", "pending"))
	d.run(`UPDATE chat_join_requests SET room_id = 2 WHERE id = 31`)
	d.expect(
		other("room/1", "owner", "join_request_deleted", "pending"), toUser("join_request_deleted", "1", "pending"),
		other("room/2", "owner", "join_request_updated", "pending"), toUser("join_request_updated", "2", "pending"))
	d.run(`DELETE FROM chat_join_requests WHERE id = 31`)
	d.expect(other("room/2", "owner", "join_request_deleted", "pending"), toUser("join_request_deleted", "2", "pending"))
}

// Admitting makes the user a member, whoever admits, and only once.
func TestAdmitting(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))

	d.run(`UPDATE chat_join_requests SET status = 'admitted' WHERE id = 1`)
	d.expect(
		row{"room/1", "did_alter_join_request", "owner", `{"id":"1","action":"admit","requesting_user":null}`},
		row{"user/3", "did_alter_join_request", "", `{"id":"1","action":"admit","requesting_user":null,"room_id":1,"title":"Reading group"}`},
		row{"room/1", "rowcall.access", "", `{"user_id":"3"}`},
		row{"room/1", "member_joined", "", `{"user_id":3,"first_name":"Carol","last_name":"Okafor","username":"carol"}`},
		row{"user/3", "room_joined", "", `{"room_id":1,"title":"Reading group"}`})

	// A member may ask again, and be admitted again: nothing changes about the membership.
	d.run(`INSERT INTO chat_join_requests (id, user_id, room_id, status) VALUES (32, 3, 1, 'admitted')`)
	d.expect(
		row{"room/1", "did_alter_join_request", "owner", `{"id":"32","action":"create","requesting_user":{"id":3,"first_name":"Carol","last_name":"Okafor"}}`},
		row{"user/3", "did_alter_join_request", "", `{"id":"32","action":"create","requesting_user":{"id":3,"first_name":"Carol","last_name":"Okafor"},"room_id":1,"title":"Reading group"}`})
	if n := one[int](d, `SELECT count(*) FROM chat_room_members WHERE room_id = 1 AND user_id = 3`); n != 1 {
		t.Errorf("carol is %d times a member", n)
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	dave := `{"user_id":4,"first_name":"Dave","last_name":"Rossi","username":"dave"}`

	d.run(`INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 4), (1, 2) ON CONFLICT DO NOTHING`)
	d.expect(
		row{"room/1", "rowcall.access", "", `{"user_id":"4"}`},
		row{"room/1", "member_joined", "", dave},
		row{"user/4", "room_joined", "", `{"room_id":1,"title":"Reading group"}`})

	d.run(`UPDATE chat_room_members SET user_id = 3 WHERE room_id = 1 AND user_id = 4`)
	d.expect(
		row{"room/1", "rowcall.access", "", `{"user_id":"4"}`},
		row{"room/1", "member_left", "", dave},
		row{"user/4", "room_left", "", `{"room_id":1,"title":"Reading group"}`},
		row{"room/1", "rowcall.access", "", `{"user_id":"3"}`},
		row{"room/1", "member_joined", "", `{"user_id":3,"first_name":"Carol","last_name":"Okafor","username":"carol"}`},
		row{"user/3", "room_joined", "", `{"room_id":1,"title":"Reading group"}`})

	d.run(`UPDATE chat_room_members SET user_id = user_id`)
	d.expect()

	d.run(`DELETE FROM chat_room_members WHERE room_id = 2 AND user_id = 4`)
	d.expect(
		row{"room/2", "rowcall.access", "", `{"user_id":"4"}`},
		row{"room/2", "member_left", "", dave},
		row{"user/4", "room_left", "", `{"room_id":2,"title":"Sunday football"}`})
}

func TestRooms(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))

	told := func(topic, kind, title, owner string) row {
		return row{topic, kind, "", `{"room_id":9,"title":"` + title + `","owner_id":` + owner + `}`}
	}
	d.run(`INSERT INTO chat_rooms (id, owner_id, title) VALUES (9, 3, 'New'); UPDATE chat_rooms SET title = 'Newer' WHERE id = 9; UPDATE chat_rooms SET id = id WHERE id = 9`)
	d.expect(told("room/9", "room_created", "New", "3"), told("user/3", "room_created", "New", "3"), told("room/9", "room_updated", "Newer", "3"),
		row{"user/3", "room_renamed", "", `{"room_id":9,"title":"Newer"}`})
	d.run(`UPDATE chat_rooms SET owner_id = 4 WHERE id = 9`)
	d.expect(row{"room/9", "rowcall.access", "", `{}`},
		told("room/9", "room_updated", "Newer", "4"), told("user/4", "room_updated", "Newer", "4"), told("user/3", "room_updated", "Newer", "4"))
	d.run(`DELETE FROM chat_rooms WHERE id = 9`)
	d.expect(row{"room/9", "rowcall.access", "", `{}`}, told("room/9", "room_deleted", "Newer", "4"), told("user/4", "room_deleted", "Newer", "4"))
}

// A new title is told to the owner, to members and to who has asked to join, once each: their lists show it.
func TestRoomRenamed(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	renamed := func(topic string) row {
		return row{topic, "room_renamed", "", `{"room_id":1,"title":"Evening group"}`}
	}
	d.run(`UPDATE chat_rooms SET title = 'Evening group' WHERE id = 1`)
	d.expect(row{"room/1", "room_updated", "", `{"room_id":1,"title":"Evening group","owner_id":1}`},
		renamed("user/1"), renamed("user/2"), renamed("user/3"))
	d.run(`UPDATE chat_rooms SET join_code = 'other' WHERE id = 1`)
	d.expect(row{"room/1", "room_updated", "", `{"room_id":1,"title":"Evening group","owner_id":1}`})
}

// A room that goes tells its members itself, with its title, before the foreign keys remove the rest.
func TestRoomDeleted(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`DELETE FROM chat_rooms WHERE id = 1`)
	d.expect(
		row{"room/1", "rowcall.access", "", `{}`},
		row{"user/2", "room_left", "", `{"room_id":1,"title":"Reading group"}`},
		row{"room/1", "room_deleted", "", `{"room_id":1,"title":"Reading group","owner_id":1}`},
		row{"user/1", "room_deleted", "", `{"room_id":1,"title":"Reading group","owner_id":1}`},
		row{"room/1", "rowcall.access", "", `{"user_id":"2"}`},
		row{"room/1", "chat_message_deleted", "", `{"id":"1"}`},
		row{"room/1", "chat_message_deleted", "", `{"id":"2"}`},
		row{"room/1", "join_request_deleted", "owner", `{"id":"1","room_id":1,"user_id":3,"status":"pending"}`},
		row{"user/3", "join_request_deleted", "", `{"id":"1","room_id":1,"user_id":3,"status":"pending"}`})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	asked := func(user string) row { return row{"", "rowcall.access", "", `{"user_id":"` + user + `"}`} }

	told := func(kind, id, name, first, last, flags string) row {
		return row{"user/" + id, kind, "", `{"id":` + id + `,"username":"` + name + `","first_name":"` + first + `","last_name":"` + last + `",` + flags + `}`}
	}
	const active, staff, locked = `"is_active":true,"is_staff":false`, `"is_active":true,"is_staff":true`, `"is_active":false,"is_staff":false`

	d.run(`UPDATE users SET first_name = 'Alicia' WHERE id = 1; UPDATE users SET is_active = true`)
	d.expect(told("user_updated", "1", "alice", "Alicia", "Lindgren", active))
	d.run(`UPDATE users SET is_active = false WHERE id = 1`)
	d.expect(asked("1"), told("user_updated", "1", "alice", "Alicia", "Lindgren", locked))
	d.run(`UPDATE users SET is_active = true WHERE id = 1`)
	d.expect(told("user_updated", "1", "alice", "Alicia", "Lindgren", active))
	d.run(`UPDATE users SET is_staff = true WHERE id = 2`)
	d.expect(asked("2"), told("user_updated", "2", "bob", "Bob", "Moreau", staff))
	d.run(`UPDATE users SET is_staff = false WHERE id = 2`)
	d.expect(asked("2"), told("user_updated", "2", "bob", "Bob", "Moreau", active))
	d.run(`UPDATE users SET password = '' WHERE id = 3`)
	d.expect(asked("3"))
	d.run(`INSERT INTO users (id, username) VALUES (9, 'new'); UPDATE users SET id = 10 WHERE id = 9; DELETE FROM users WHERE id = 10`)
	d.expect(told("user_created", "9", "new", "", "", active),
		asked("9"), row{"user/9", "user_deleted", "", `{"id":9}`}, told("user_created", "10", "new", "", "", active),
		asked("10"), row{"user/10", "user_deleted", "", `{"id":10}`})
}

// A user who goes is told of to the rooms by name, before the foreign keys remove the memberships.
func TestMemberDeleted(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`DELETE FROM chat_messages WHERE sender_id = 4`)
	d.events()
	d.run(`DELETE FROM users WHERE id = 4`)
	d.expect(
		row{"", "rowcall.access", "", `{"user_id":"4"}`},
		row{"room/2", "member_left", "", `{"user_id":4,"first_name":"Dave","last_name":"Rossi","username":"dave"}`},
		row{"user/4", "user_deleted", "", `{"id":4}`},
		row{"room/2", "rowcall.access", "", `{"user_id":"4"}`})
}

// TRUNCATE names no rows. Where it takes rights away, everybody is asked again.
func TestTruncate(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`TRUNCATE chat_messages, patients, dams, job_postings CASCADE`)
	d.expect()
	d.run(`TRUNCATE chat_room_members`)
	d.expect(row{"room", "rowcall.access", "", `{}`})
	d.run(`TRUNCATE rowcall.sessions`)
	d.expect(row{"", "rowcall.access", "", `{}`})
}

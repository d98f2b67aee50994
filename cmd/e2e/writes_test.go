package e2e

import (
	"fmt"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// write is a script for psql, and the events that a follower of the topic gets, as summary shows
// them.
type write struct {
	name, topic, script string
	want                []string
}

// marks are changes that cause one event on each topic. All events of a script come before the
// event of the mark.
func marks() map[string]string {
	return map[string]string{
		"room/1":   `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'mark')`,
		"user/1":   `INSERT INTO chat_join_requests (user_id, room_id) VALUES (1, 1)`,
		"patients": `INSERT INTO patients (first_name, last_name, admission_date) VALUES ('mark', 'mark', now())`,
		"dams":     `INSERT INTO dams (name) VALUES ('mark')`,
		"jobs/1":   `INSERT INTO job_postings (user_id, state) VALUES (1, 'mark')`,
	}
}

// summary returns the type of an event and what identifies its row.
func summary(f rowcalltest.Frame) string {
	words := []string{f.Type}
	for _, key := range []string{"action", "message", "first_name", "admission_date", "name", "state", "title"} {
		if value, ok := f.Data[key]; ok && value != nil {
			words = append(words, fmt.Sprint(value))
		}
	}
	return strings.Join(words, " ")
}

func writes() []write {
	return []write{
		{"insert, update, delete", "patients", `
			INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (100, 'Ana', 'Ek', '2021-06-01Z');
			UPDATE patients SET first_name = 'Anna' WHERE id = 100;
			DELETE FROM patients WHERE id = 100`,
			[]string{"patient.change create Ana 2021-06-01T00:00:00Z", "patient.change update Anna 2021-06-01T00:00:00Z", "patient.change delete Anna 2021-06-01T00:00:00Z"}},
		{"many rows", "room/1", `
			INSERT INTO chat_messages (room_id, sender_id, message) SELECT 1, 1, n FROM generate_series(1, 3) n;
			UPDATE chat_messages SET message = message || '!' WHERE message IN ('1', '2', '3')`,
			[]string{"chat_message_created 1", "chat_message_created 2", "chat_message_created 3",
				"chat_message_updated 1!", "chat_message_updated 2!", "chat_message_updated 3!"}},
		{"COPY", "patients", "COPY patients (first_name, last_name, admission_date) FROM STDIN;\nAda\tMin\t2021-06-01Z\nMei\tTan\t2021-06-02Z\n\\.\n",
			[]string{"patient.change create Ada 2021-06-01T00:00:00Z", "patient.change create Mei 2021-06-02T00:00:00Z"}},
		{"ON CONFLICT", "dams", `
			INSERT INTO dams (id, name) VALUES (1, 'nothing') ON CONFLICT DO NOTHING;
			INSERT INTO dams (id, name) VALUES (1, 'taken'), (900, 'free') ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
			[]string{"dam.update taken", "dam.create free"}},
		{"rollback", "room/1", `
			BEGIN; INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'never said'); ROLLBACK`, nil},
		{"savepoints", "room/1", `
			BEGIN;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'kept');
			SAVEPOINT here;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'undone');
			ROLLBACK TO here;
			INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'kept too');
			COMMIT`, []string{"chat_message_created kept", "chat_message_created kept too"}},
		{"an exception block", "room/1", `
			DO $$ BEGIN
				BEGIN
					INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'undone');
					RAISE 'no';
				EXCEPTION WHEN raise_exception THEN
					INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'instead');
				END;
			END $$`, []string{"chat_message_created instead"}},
		{"a statement that fails half way", "room/1", `
			\set ON_ERROR_STOP 0
			INSERT INTO chat_messages (room_id, sender_id, message) SELECT 1, 1, repeat('x', n) FROM generate_series(199, 201) n`, nil},
		{"deferred to the end", "room/1", `
			BEGIN ISOLATION LEVEL SERIALIZABLE;
			SET CONSTRAINTS ALL DEFERRED;
			WITH first AS (INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'in a WITH') RETURNING 1)
			INSERT INTO chat_messages (room_id, sender_id, message) SELECT 1, 1, 'after it' FROM first;
			COMMIT`, []string{"chat_message_created in a WITH", "chat_message_created after it"}},
		{"a foreign key's cascade, of a room", "user/1", `DELETE FROM chat_rooms WHERE id = 2`,
			[]string{"room_left Sunday football"}},
		{"a foreign key's cascade, of a user", "room/1", `
			INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 4);
			DELETE FROM users WHERE id = 4`,
			[]string{"member_joined Dave", "member_left Dave"}},
		{"a replica's apply", "patients", `
			SET session_replication_role = replica;
			INSERT INTO patients (first_name, last_name, admission_date) VALUES ('Rep', 'Lica', '2021-06-01Z')`, []string{"patient.change create Rep 2021-06-01T00:00:00Z"}},
		{"a session of strange settings", "patients", `
			SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET search_path = pg_temp; SET standard_conforming_strings = off;
			INSERT INTO public.patients (first_name, last_name, admission_date) VALUES ('Far', 'Away', '2021-06-01 15:45:00+05:45')`,
			[]string{"patient.change create Far 2021-06-01T10:00:00Z"}},
		{"what only looks like a change", "jobs/1", `
			UPDATE job_postings SET state = 'same', progress = 7 WHERE title = 'Sort the summer collection';
			UPDATE job_postings SET state = state WHERE state = 'same';
			UPDATE job_postings SET state = 'none' WHERE false`,
			[]string{"job_posting.saved same Sort the summer collection", "job_posting.saved same Sort the summer collection"}},
		{"TRUNCATE names no rows", "dams", `TRUNCATE dams CASCADE`, nil},
	}
}

// TestWrites writes rows in every way that SQL has. Followers get the committed changes, in their
// order, and nothing else.
func TestWrites(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	for _, w := range writes() {
		t.Run(w.name, func(t *testing.T) {
			page := alice.OpenNative(t)
			page.Follow(w.topic)
			s.Psql(t, w.script)
			s.Psql(t, marks()[w.topic])
			for _, want := range w.want {
				if got := summary(page.ReceiveFrame()); got != want {
					t.Errorf("heard %q, want %q", got, want)
				}
			}
			if got := page.Receive(); !strings.Contains(got, `"mark"`) && !strings.Contains(got, `"create"`) {
				t.Errorf("heard %s, want the mark", got)
			}
		})
	}
}

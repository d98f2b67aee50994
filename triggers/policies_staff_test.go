package triggers_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

// Alice knows bob, who is in her room, carol, who asks to be, and dave, who is in bob's room as she is. Carol
// has been let in nowhere and knows herself.
func TestPoliciesOfUsers(t *testing.T) {
	t.Parallel()
	checkPolicies(t, []policy{
		{"one sees oneself", `SELECT id FROM users WHERE id = 3`, map[string]int{carol: 1, dave: 0}},
		{"and those one shares a room with", `SELECT id FROM users`, map[string]int{alice: 4, bob: 3, carol: 1, dave: 3, admin: 5, nobody: 0}},
		{"the owner sees who asks", `SELECT id FROM users WHERE username = 'carol'`, map[string]int{alice: 1, bob: 0, admin: 1, nobody: 0}},
		{"who asks does not see the owner", `SELECT id FROM users WHERE id = 1`, map[string]int{carol: 0}},
		{"nobody sees a password", `SELECT password FROM users`, map[string]int{alice: denied, admin: denied, nobody: denied}},
		{"nor all columns", `SELECT * FROM users`, map[string]int{alice: denied, admin: denied}},
		{"staff change an account", `UPDATE users SET first_name = 'A', is_active = false, is_staff = true WHERE id = 1`,
			map[string]int{admin: 1, alice: 0, bob: 0, nobody: 0}},
		{"no password", `UPDATE users SET password = ''`, map[string]int{admin: denied, alice: denied}},
		{"no id", `UPDATE users SET id = 9 WHERE id = 3`, map[string]int{admin: denied}},
		{"nobody makes an account", `INSERT INTO users (username) VALUES ('x')`, map[string]int{admin: denied, alice: denied}},
		{"or removes one", `DELETE FROM users`, map[string]int{admin: denied, alice: denied}},
	})
}

// A room that one leaves, or is closed to one, takes its people with it.
func TestPoliciesOfUsersAfterLeaving(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`DELETE FROM chat_room_members WHERE room_id = 2 AND user_id = 1; UPDATE chat_join_requests SET room_id = 2`)
	policy{"she knows bob", `SELECT id FROM users`, map[string]int{alice: 2}}.check(t, d)
}

// What the staff of the chat did in an admin, and what forms need for it.
func TestPoliciesOfStaff(t *testing.T) {
	t.Parallel()
	only := map[string]int{admin: 1, alice: 0, carol: 0, nobody: 0} // rows, or denied where nothing is found to write
	made := map[string]int{admin: 1, alice: denied, carol: denied, nobody: denied}
	checkPolicies(t, []policy{
		{"ask for anybody", `INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1)`, made},
		{"in any state", `INSERT INTO chat_join_requests (user_id, room_id, status) VALUES (3, 2, 'admitted')`, made},
		{"admit where they own nothing", `UPDATE chat_join_requests SET status = 'admitted' WHERE id = 1 AND rowcall.me() <> 1`, only},
		{"put a request back", `UPDATE chat_join_requests SET status = 'pending' WHERE id = 1 AND rowcall.me() <> 1`, only},
		{"remove a request", `DELETE FROM chat_join_requests WHERE id = 1`, only},
		{"open a room for anybody", `INSERT INTO chat_rooms (owner_id, title) VALUES (2, 'x')`, made},
		{"change any room", `UPDATE chat_rooms SET title = 'x', owner_id = 3 WHERE id = 2`, only},
		{"close any room", `DELETE FROM chat_rooms WHERE id = 2`, only},
		{"let anybody in", `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 4)`, made},
		{"send anybody away", `DELETE FROM chat_room_members WHERE room_id = 2 AND user_id = 4`, only},
		{"write for anybody", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'x')`, made},
		{"change any message", `UPDATE chat_messages SET message = 'x' WHERE id = 4`, only},
		{"remove any message", `DELETE FROM chat_messages WHERE id = 4`, only},
		{"post a job", `INSERT INTO job_postings (user_id, title) VALUES (1, 'x')`, made},
		{"change any job", `UPDATE job_postings SET state = 'done', progress = 100, user_id = 2 WHERE id = 3`, only},
		{"remove any job", `DELETE FROM job_postings WHERE id = 3`, only},
		{"change a patient", `UPDATE patients SET first_name = 'x' WHERE id = 1 AND rowcall.staff()`, only},
		{"change a dam", `UPDATE dams SET name = 'x' WHERE id = 1 AND rowcall.staff()`, only},
		{"change a hydrograph", `UPDATE hydrographs SET dam_id = 2 WHERE id = 1 AND rowcall.staff()`, only},
		{"change its points", `UPDATE hydrograph_points SET flow = 1 WHERE id = 1 AND rowcall.staff()`, only},
	})
}

// Being staff is what the node says, nothing that the column says of somebody who does not come as staff.
func TestPoliciesOfFormerStaff(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`UPDATE users SET is_staff = true WHERE id = 3`)
	policy{"a column opens nothing", `SELECT id FROM users`, map[string]int{carol: 1}}.check(t, d)
}

// A request has one of three states, whoever writes it.
func TestJoinRequestStates(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	_, err := d.Exec(t.Context(), `UPDATE chat_join_requests SET status = 'maybe'`)
	if err == nil || !strings.Contains(err.Error(), "chat_join_requests_status") {
		t.Errorf("a fourth state: %v", err)
	}
}

// One who is in a thousand rooms with ten thousand people does not wait for the list of them: each account is
// looked up in a hash, and the people are found by indexes.
func TestPoliciesOfUsersAtScale(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`INSERT INTO users (id, username) SELECT n, 'u' || n FROM generate_series(100, 20099) n;
		ALTER TABLE chat_room_members DISABLE TRIGGER "0_rowcall";
		INSERT INTO chat_rooms (id, owner_id, title) SELECT n, 100 + n, 'r' FROM generate_series(1000, 2999) n;
		INSERT INTO chat_room_members (room_id, user_id) SELECT n, 3 FROM generate_series(1000, 1999) n;
		INSERT INTO chat_room_members (room_id, user_id) SELECT 1000 + n % 2000, 100 + n FROM generate_series(0, 19999) n;
		ANALYZE users, chat_rooms, chat_room_members, chat_join_requests`)
	d.run(`SELECT set_config('role', 'rowcall_app', false), set_config('rowcall.user_id', '3', false)`)
	rows, _ := d.Query(t.Context(), `EXPLAIN SELECT id FROM users ORDER BY username LIMIT 20`)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if text := strings.Join(plan, "\n"); err != nil || !strings.Contains(text, "hashed SubPlan") {
		t.Errorf("%v\n%s", err, text)
	}
	if n := one[int](d, `SELECT count(*) FROM users`); n < 10_000 || n > 12_000 {
		t.Errorf("she knows %d people", n)
	}
}

package triggers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/schema/schematest"
)

// The samples' users. Alice owns room 1, bob is its member, carol waits for it with request 1; bob owns room 2,
// alice and dave are its members; the admin is staff.
const (
	nobody = ""
	alice  = "1"
	bob    = "2"
	carol  = "3"
	dave   = "4"
	admin  = "5"
)

// denied stands for a statement that a policy refuses.
const denied = -1

// within runs one statement as a node does for a user, in a transaction that is undone, and returns how
// many rows it found or wrote.
func (d *desk) within(user, sql string) (rows int) {
	d.t.Helper()
	tx, err := d.Begin(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	defer tx.Rollback(d.t.Context())
	if _, err := tx.Exec(d.t.Context(), `SELECT set_config('role', 'rowcall_app', true), set_config('rowcall.user_id', $1, true),
		set_config('rowcall.is_staff', $2::boolean::text, true)`, user, user == admin); err != nil {
		d.t.Fatal(err)
	}
	done, err := tx.Exec(d.t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == "42501" {
		return denied
	}
	if err != nil {
		d.t.Errorf("%s, as user %q: %v", sql, user, err)
	}
	return int(done.RowsAffected())
}

// policy is one rule: who may, and who may not. A row that a policy hides is simply not found.
type policy struct {
	name, sql string
	rows      map[string]int // by user
}

func (p policy) check(t *testing.T, d *desk) {
	for user, want := range p.rows {
		if got := d.within(user, p.sql); got != want {
			t.Errorf("%s, user %q: %d rows, want %d\n%s", p.name, user, got, want, p.sql)
		}
	}
}

func checkPolicies(t *testing.T, policies []policy) {
	d := at(t, schematest.New(t, schematest.Samples))
	for _, p := range policies {
		p.check(t, d)
	}
}

func TestPoliciesOfRooms(t *testing.T) {
	t.Parallel()
	checkPolicies(t, []policy{
		{"those in a room see it", `SELECT FROM chat_rooms WHERE id = 1`,
			map[string]int{alice: 1, bob: 1, carol: 0, dave: 0, admin: 1, nobody: 0}},
		{"staff see all rooms", `SELECT FROM chat_rooms`, map[string]int{alice: 2, carol: 0, dave: 1, admin: 2, nobody: 0}},
		{"a room is opened for oneself", `INSERT INTO chat_rooms (owner_id, title) VALUES (3, 'Mine')`,
			map[string]int{carol: 1, alice: denied, nobody: denied}},
		{"its owner changes it", `UPDATE chat_rooms SET title = 'Ours' WHERE id = 1`,
			map[string]int{alice: 1, bob: 0, carol: 0, nobody: 0}},
		{"its owner closes it", `DELETE FROM chat_rooms WHERE id = 1`,
			map[string]int{alice: 1, bob: 0, carol: 0, nobody: 0}},
		{"and gives it to a member", `UPDATE chat_rooms SET owner_id = 2 WHERE id = 1`,
			map[string]int{alice: 1, bob: 0, carol: 0, nobody: 0}},
		{"but to nobody else", `UPDATE chat_rooms SET owner_id = 3 WHERE id = 1`, map[string]int{alice: denied, bob: 0, carol: 0}},
	})
}

func TestPoliciesOfMembers(t *testing.T) {
	t.Parallel()
	checkPolicies(t, []policy{
		{"those in a room see who is", `SELECT FROM chat_room_members WHERE room_id = 2`,
			map[string]int{alice: 2, bob: 2, dave: 2, carol: 0, admin: 2, nobody: 0}},
		{"nobody lets himself in", `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 3)`,
			map[string]int{carol: denied, alice: denied, bob: denied, nobody: denied}},
		{"the owner steps among the members", `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 1)`,
			map[string]int{alice: 1, bob: denied, carol: denied, nobody: denied}},
		{"a member leaves, the owner removes", `DELETE FROM chat_room_members WHERE room_id = 2 AND user_id = 4`,
			map[string]int{dave: 1, bob: 1, alice: 0, carol: 0, nobody: 0}},
		{"a membership is not changed", `UPDATE chat_room_members SET user_id = 3`,
			map[string]int{alice: denied, bob: denied, admin: denied, nobody: denied}},
	})
}

func TestPoliciesOfMessages(t *testing.T) {
	t.Parallel()
	checkPolicies(t, []policy{
		{"those in a room read", `SELECT FROM chat_messages WHERE room_id = 1`,
			map[string]int{alice: 2, bob: 2, carol: 0, dave: 0, admin: 2, nobody: 0}},
		{"a member posts as himself", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'hi')`,
			map[string]int{bob: 1, alice: denied, carol: denied, nobody: denied}},
		{"the owner posts too", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'hi')`,
			map[string]int{alice: 1, bob: denied}},
		{"not in a room one is not in", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 4, 'hi')`,
			map[string]int{dave: denied}},
		{"nor where there is none", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (99, 4, 'hi')`,
			map[string]int{dave: denied}},
		{"nor at another time", `INSERT INTO chat_messages (room_id, sender_id, message, posted) VALUES (1, 2, 'hi', '2020-01-01')`,
			map[string]int{bob: denied}},
		{"one edits what one said", `UPDATE chat_messages SET message = 'x' WHERE id = 2`,
			map[string]int{bob: 1, alice: 0, carol: 0, nobody: 0}},
		{"but not who said it", `UPDATE chat_messages SET sender_id = 1 WHERE id = 2`, map[string]int{bob: denied, alice: denied}},
		{"one takes back what one said, and the owner anything", `DELETE FROM chat_messages WHERE id = 2`,
			map[string]int{bob: 1, alice: 1, carol: 0, dave: 0, nobody: 0}},
		{"but no member what another said", `DELETE FROM chat_messages WHERE id = 3`, map[string]int{bob: 1, alice: 0, dave: 0}},
	})
}

// One who was removed keeps nothing: neither what was said nor what she said herself.
func TestPoliciesAfterRemoval(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`)
	for _, p := range []policy{
		{"reading", `SELECT FROM chat_messages WHERE room_id = 1`, map[string]int{bob: 0}},
		{"editing", `UPDATE chat_messages SET message = 'x' WHERE id = 2`, map[string]int{bob: 0}},
		{"taking back", `DELETE FROM chat_messages WHERE id = 2`, map[string]int{bob: 0}},
		{"posting", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'hi')`, map[string]int{bob: denied}},
	} {
		p.check(t, d)
	}
}

func TestPoliciesOfJoinRequests(t *testing.T) {
	t.Parallel()
	const ask = `SELECT set_config('rowcall.join_code', 'read-with-us', true); INSERT INTO chat_join_requests (room_id, user_id) VALUES `
	checkPolicies(t, []policy{
		{"who asks and who owns the room see", `SELECT FROM chat_join_requests WHERE id = 1`,
			map[string]int{carol: 1, alice: 1, bob: 0, dave: 0, admin: 1, nobody: 0}},
		{"one asks with the room's code", ask + `(1, 4)`, map[string]int{dave: 1, carol: denied, alice: denied, nobody: denied}},
		{"a code is for its room", ask + `(2, 3)`, map[string]int{carol: denied}},
		{"without a code nobody asks", `INSERT INTO chat_join_requests (room_id, user_id) VALUES (1, 4)`,
			map[string]int{dave: denied, alice: denied, nobody: denied}},
		{"an empty code is none", `SELECT set_config('rowcall.join_code', '', true); INSERT INTO chat_join_requests (room_id, user_id) VALUES (1, 4)`,
			map[string]int{dave: denied}},
		{"nobody asks to have been admitted", `SELECT set_config('rowcall.join_code', 'read-with-us', true);
			INSERT INTO chat_join_requests (room_id, user_id, status) VALUES (1, 4, 'admitted')`, map[string]int{dave: denied}},
		{"the owner admits", `UPDATE chat_join_requests SET status = 'admitted' WHERE id = 1`,
			map[string]int{alice: 1, carol: 0, bob: 0, nobody: 0}},
		{"or denies", `UPDATE chat_join_requests SET status = 'denied' WHERE id = 1`, map[string]int{alice: 1, carol: 0, bob: 0}},
		{"and nothing else", `UPDATE chat_join_requests SET status = 'maybe' WHERE id = 1`, map[string]int{alice: denied, carol: 0}},
		{"a request stays for its room", `UPDATE chat_join_requests SET room_id = 2 WHERE id = 1`, map[string]int{alice: denied, carol: denied}},
		{"nor for who asks", `UPDATE chat_join_requests SET user_id = 4 WHERE id = 1`, map[string]int{alice: denied, carol: denied, admin: denied}},
		{"and stays", `DELETE FROM chat_join_requests`, map[string]int{alice: 0, carol: 0, bob: 0, nobody: 0}},
	})
}

// The owner who admits makes the user a member, though no policy lets him do that by hand: the trigger
// that does it is not subject to policies.
func TestAdmittingUnderPolicies(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`BEGIN; SELECT set_config('role', 'rowcall_app', true), set_config('rowcall.user_id', '1', true);
	       UPDATE chat_join_requests SET status = 'admitted' WHERE id = 1; COMMIT`)
	if n := one[int](d, `SELECT count(*) FROM chat_room_members WHERE room_id = 1 AND user_id = 3`); n != 1 {
		t.Error("carol was admitted and is no member")
	}
	d.expectCounts(map[string]int{"did_alter_join_request": 2, "rowcall.access": 1, "member_joined": 1, "room_joined": 1})
}

func TestPoliciesOfPatients(t *testing.T) {
	t.Parallel()
	checkPolicies(t, []policy{
		{"who is logged in sees all", `SELECT FROM patients`, map[string]int{alice: 4, admin: 4, nobody: 0}},
		{"adds", `INSERT INTO patients (first_name, last_name, admission_date) VALUES ('a', 'b', now())`, map[string]int{alice: 1, nobody: denied}},
		{"changes", `UPDATE patients SET first_name = 'x' WHERE id = 1`, map[string]int{alice: 1, nobody: 0}},
		{"removes", `DELETE FROM patients WHERE id = 1`, map[string]int{alice: 1, nobody: 0}},
		{"but writes no times", `UPDATE patients SET created_at = now()`, map[string]int{alice: denied}},
	})
}

func TestPoliciesOfDams(t *testing.T) {
	t.Parallel()
	checkPolicies(t, []policy{
		{"everybody sees dams", `SELECT FROM dams`, map[string]int{nobody: 5, alice: 5}},
		{"and hydrographs", `SELECT FROM hydrographs`, map[string]int{nobody: 1, alice: 1}},
		{"and their points", `SELECT FROM hydrograph_points`, map[string]int{nobody: 25, alice: 25}},
		{"who is logged in adds a dam", `INSERT INTO dams (name) VALUES ('x')`, map[string]int{alice: 1, nobody: denied}},
		{"a hydrograph", `INSERT INTO hydrographs (dam_id) VALUES (1)`, map[string]int{alice: 1, nobody: denied}},
		{"a point", `INSERT INTO hydrograph_points (hydrograph_id, time, flow) VALUES (1, 1, 1)`, map[string]int{alice: 1, nobody: denied}},
		{"changes", `UPDATE dams SET name = 'x' WHERE id = 1`, map[string]int{alice: 1, nobody: 0}},
		{"removes", `DELETE FROM hydrograph_points`, map[string]int{alice: 25, nobody: 0}},
	})
}

func TestPoliciesOfJobs(t *testing.T) {
	t.Parallel()
	checkPolicies(t, []policy{
		{"users see their own, staff all", `SELECT FROM job_postings`,
			map[string]int{alice: 2, bob: 1, carol: 0, admin: 3, nobody: 0}},
		{"nobody writes them by hand", `INSERT INTO job_postings (user_id, title) VALUES (1, 'x')`, map[string]int{alice: denied, nobody: denied}},
		{"nor changes them", `UPDATE job_postings SET state = 'done'`, map[string]int{alice: 0, nobody: 0}},
		{"nor removes them", `DELETE FROM job_postings`, map[string]int{alice: 0, nobody: 0}},
		{"nor sees what works on them", `SELECT FROM job_runs`, map[string]int{alice: denied, admin: denied}},
	})
}

// Policies are for those whom a node acts for. Ordinary writers and the node's own role are left alone.
func TestPoliciesLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d, writer, node, heir := at(t, db), role(t, db, "plain_writer"), role(t, db, "node"), role(t, db, "heir")
	d.run(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ` + writer +
		`; GRANT rowcall_server TO ` + node + `; GRANT rowcall_server, rowcall_app TO ` + heir)
	const counts = `SELECT concat_ws(' ', (SELECT count(*) FROM users), (SELECT count(*) FROM chat_rooms), (SELECT count(*) FROM chat_room_members),
		(SELECT count(*) FROM chat_messages), (SELECT count(*) FROM chat_join_requests), (SELECT count(*) FROM patients),
		(SELECT count(*) FROM dams), (SELECT count(*) FROM job_postings))`
	all := one[string](d, counts)
	for _, name := range []string{writer, node, heir, "rowcall_server"} {
		w := at(t, db)
		w.run(`SET SESSION AUTHORIZATION ` + name)
		if got := one[string](w, counts); got != all {
			t.Errorf("%s sees %s of %s", name, got, all)
		}
	}

	w := at(t, db)
	w.run(`SET SESSION AUTHORIZATION ` + writer + `;
		INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 4, 'x') RETURNING id;
		UPDATE job_postings SET state = 'done'; DELETE FROM chat_room_members; INSERT INTO chat_join_requests (room_id, user_id) VALUES (1, 4)`)

	// A node does not write these tables in its own name, and becomes rowcall_app when it likes.
	n := at(t, db)
	n.run(`SET SESSION AUTHORIZATION ` + node)
	n.run(`BEGIN; SET LOCAL ROLE rowcall_app; ROLLBACK`)
	for _, sql := range []string{`INSERT INTO patients (first_name, last_name, admission_date) VALUES ('a', 'b', now())`, `DELETE FROM chat_messages`, `UPDATE dams SET name = 'x'`} {
		if _, err := n.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("a node may %s: %v", sql, err)
		}
	}

	// Nor does one that was granted rowcall_app by hand, and inherits its grants.
	h := at(t, db)
	h.run(`SET SESSION AUTHORIZATION ` + heir + `; DELETE FROM chat_messages; DELETE FROM patients; UPDATE dams SET name = 'x'`)
	if got := one[string](d, `SELECT concat_ws(' ', (SELECT count(*) FROM chat_messages), (SELECT count(*) FROM patients), (SELECT count(*) FROM dams WHERE name = 'x'))`); got != "5 4 0" {
		t.Errorf("a node has left %s", got)
	}
}

// A restore switches row-level security off, which makes policies an error for those they restrict.
func TestPoliciesAndRestore(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`SET row_security = off;
		INSERT INTO chat_join_requests (user_id, room_id, status) VALUES (4, 1, 'admitted'); DELETE FROM chat_room_members WHERE user_id = 4;
		DELETE FROM chat_messages WHERE sender_id = 4; DELETE FROM users WHERE id = 4; DELETE FROM chat_rooms`)
}

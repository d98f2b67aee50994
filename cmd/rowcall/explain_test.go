package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/cmd/internal/explain"
	"rowcall/config"
	"rowcall/schema/schematest"
)

const explainedTables = `
tables:
  - table: public.orders
    topics:
      - {topic: "orders/{customer_id}", allow: authenticated, access: "SELECT @customer_id = @me AS allowed"}
`

// explainedEvents are written one after another. The key is what the last event of each is called.
var explainedEvents = []struct{ name, sql string }{
	{"message", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'x')`},
	{"request", `INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1); DELETE FROM rowcall.log WHERE topic LIKE 'user/%'`},
	{"second message", `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'y')`},
	{"order", `INSERT INTO orders VALUES (1, 3)`},
	{"unlisted", `SELECT rowcall.publish('nowhere/1', 'x', '{}')`},
	{"misspelled", `SELECT rowcall.publish('room/007', 'x', '{}')`},
	{"reset", `TRUNCATE orders`},
	{"access", `SELECT rowcall.revalidate('room/1')`},
	{"last", `SELECT rowcall.publish('dams/1', 'dam.create', '{}')`},
}

// TestExplain asks why users receive events of every kind, or do not, as the role that serves.
func TestExplain(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int); GRANT SELECT ON orders TO rowcall_server; SELECT rowcall.epoch(); DELETE FROM rowcall.log`)
	env := declared(t, db, string(config.Example)+explainedTables)
	commandOutput(t, env, "apply")
	env["ROWCALL_DATABASE_URL"] = rowcalltest.ServingURL(t, db)
	ids := map[string]string{"rolled back": db.Text(t, `nextval('rowcall.log_id')`)}
	for _, e := range explainedEvents {
		db.Exec(t, e.sql)
		ids[e.name] = db.Text(t, `SELECT max(id) FROM rowcall.log`)
	}
	first := db.Text(t, `SELECT min(id) FROM rowcall.log`)
	db.Exec(t, `DELETE FROM rowcall.log WHERE id = `+first) // as retention does
	ids["dropped"] = first
	ids["next"] = "999999"
	ids["cursor"] = db.Text(t, `(SELECT c || '~' || substr(c, 18) || '~' || to_hex(`+ids["second message"]+`) FROM rowcall.cursor() c)`)
	ids["foreign cursor"] = "0123456789abcdef" + ids["cursor"][16:]

	for _, c := range []struct {
		event, user string
		status      int
		says        []string
	}{
		{"second message", "2", 0, []string{"yes  filed ", "unless retention has dropped other events that follow the cursor, or more than 10000 events follow it (limits.replay_events)", "committed has filed event", "chat_message_created, under room/1 at", "yes  topic      room/1 is listed: topics[0], room/{room_id:int}, allow: authenticated",
			"user 2 (bob) is active, and not staff", "yes  access     the user may follow room/1 now", "access was checked again once since the event was filed",
			"made nodes check access to room/1 and the topics below it again, for everyone", "the socket /ws/room/{room_id:int} is bound to room/1, and sends", "The user 2 receives the event."}},
		{"cursor", "02", 0, []string{"The user 2 receives the event."}},
		{"second message", "3", 2, []string{"no   access     the user may not follow room/1: the SQL of topics[0].access says that allowed is not true (4403)", "The user 3 does not receive the event."}},
		{"second message", "5", 0, []string{"(admin) is active, and staff", "may follow room now"}},
		{"second message", "99", 2, []string{"no   user       there is no active user with the id 99"}},
		{"second message", "'; --", 2, []string{"there is no active user"}},
		{"second message", "", 2, []string{"An anonymous user does not", "a login is needed (4401)"}},
		{"request", "1", 0, []string{"the event is for the role owner, which access to room/1 gives the user"}},
		{"request", "2", 2, []string{"the event is for the role owner, and access to room/1 gives the user"}},
		{"order", "3", 0, []string{"orders/3 is listed: tables[0].topics[0], orders/{customer_id:int}", "no access event that concerns the user was filed",
			"-    filter     explain does not test filters: whether a subscription to orders/3 with a filter receives the event"}},
		{"order", "1", 2, []string{"the SQL of tables[0].topics[0].access says that allowed is not true"}},
		{"unlisted", "5", 2, []string{"no rule of the configuration is for nowhere/1"}},
		{"last", "4", 0, []string{"the socket /dam-inventory/dams/notifications/ws/ is bound to dams, and sends"}},
		{"reset", "3", 2, []string{"no event for followers: it tells followers of topics at, above and below orders to read their state again"}},
		{"access", "2", 2, []string{"no event for followers: it makes nodes check access to room/1 and the topics below it again"}},
		{"dropped", "2", 2, []string{"no   retention  retention has dropped event"}},
		{"next", "2", 2, []string{"no transaction that was committed has filed event 999999: the newest is"}},
	} {
		said, status := commandOutput(t, env, "explain", ids[c.event], "--for", c.user)
		for _, words := range c.says {
			if status != c.status || !strings.Contains(said, words) {
				t.Errorf("%s for %q: got status %d, want %d and %q in:\n%s", c.event, c.user, status, c.status, words, said)
			}
		}
	}
	for _, args := range [][]string{{ids["last"]}, {"--for", "1"}, {"x", "--for", "1"}, {ids["foreign cursor"], "--for", "1"}, {"0", "--for", "1"}} {
		err := run(t.Context(), append([]string{"explain"}, args...), environment(env), &strings.Builder{}, rowcalltest.LogTo(t))
		if status, isStatus := errors.AsType[exitStatus](err); err == nil || isStatus {
			t.Errorf("explain %q ends with %v, status %d; want an error", args, err, status.code)
		}
	}
	explainLostMember(t, db, env, ids["second message"])
}

// explainLostMember removes a member, and asks for the answer as JSON.
func explainLostMember(t *testing.T, db *schematest.Database, env map[string]string, event string) {
	t.Helper()
	db.Exec(t, `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`)
	said, status := commandOutput(t, env, "explain", event, "--for", "2", "--json")
	var answer explain.Answer
	if err := json.Unmarshal([]byte(said), &answer); err != nil {
		t.Fatal(err)
	}
	if status != notReceived || answer.Receives || answer.User != "2" || fmt.Sprint(answer.Event.ID) != event || strings.Contains(said, `"y"`) {
		t.Errorf("got status %d and %s", status, said)
	}
	if !strings.Contains(said, "for this user") {
		t.Errorf("the answer does not tell that access was checked again for the user: %s", said)
	}
}

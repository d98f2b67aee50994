package triggers_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// A publication of all tables takes the log in. What changes or deletes rows of the log goes on all the same: retention,
// and what begins a new history.
func TestThePublishedLog(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d := at(t, db)
	d.run(`CREATE PUBLICATION everything FOR ALL TABLES`)
	first := one[string](d, `SELECT rowcall.epoch()`)
	d.run(`INSERT INTO rowcall.log (slot, topic, type, xid) SELECT n % 4, 'foreign', 'x', (99999999999 + n)::text::xid8 FROM generate_series(1, 8) n;
		TRUNCATE rowcall.boot`)
	if got := one[string](d, `SELECT rowcall.epoch()`); got == first {
		t.Errorf("the epoch is %s as before, though its row is gone", got)
	}
	if n := one[int](d, logged); n != 0 {
		t.Errorf("%d foreign events are left", n)
	}
	d.run(publish("a") + `UPDATE rowcall.floor SET xid = xid`)
	if n := one[int](d, logged); n != 1 {
		t.Errorf("%d events are filed, want 1", n)
	}
}

// The changes that a subscription applies file events on the subscriber, as the publisher's own triggers have filed them
// there, whoever owns the tables.
func TestSubscribersFileEvents(t *testing.T) {
	t.Parallel()
	publisher := schematest.PrivateWith(t, map[string]string{"wal_level": "logical"}, schematest.Samples)
	subscriber := schematest.Private(t, schematest.Samples)
	p, s := at(t, publisher), at(t, subscriber)
	s.run(`CREATE ROLE shop; ALTER TABLE patients OWNER TO shop; ALTER TABLE chat_messages OWNER TO shop; GRANT USAGE ON SCHEMA public TO shop`)
	p.run(`CREATE PUBLICATION apps FOR TABLE users, chat_rooms, chat_room_members, chat_messages, chat_join_requests, patients, dams, hydrographs, job_postings`)
	s.run(fmt.Sprintf(`CREATE SUBSCRIPTION apps CONNECTION '%s' PUBLICATION apps WITH (copy_data = false)`, keywords(t, publisher.URL)))
	p.events()
	p.run(`
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (900, 1, 1, 'a');
		UPDATE chat_messages SET message = 'b' WHERE id = 900; DELETE FROM chat_messages WHERE id = 900;
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (900, 4, 1); UPDATE chat_join_requests SET status = 'admitted' WHERE id = 900;
		DELETE FROM chat_room_members WHERE user_id = 4 AND room_id = 1;
		INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (900, 'a', 'b', '2021-06-01Z'); DELETE FROM patients WHERE id = 900;
		INSERT INTO dams (id, name) VALUES (900, 'c'); INSERT INTO hydrographs (id, dam_id) VALUES (900, 900); DELETE FROM dams WHERE id = 900;
		INSERT INTO job_postings (id, user_id, state) VALUES (900, 1, 'queued'); UPDATE job_postings SET state = 'done' WHERE id = 900;
		UPDATE users SET is_active = false WHERE id = 4; TRUNCATE chat_room_members`)
	eventually(t, func() bool {
		return one[bool](p, `SELECT EXISTS (SELECT FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn())`)
	}, "the subscriber has not applied everything")
	want, got := countedTypes(p.events()), countedTypes(s.events())
	if fmt.Sprint(got) != fmt.Sprint(want) || len(want) < 10 {
		t.Errorf("filed on the subscriber:\n%v\nwant as on the publisher:\n%v", got, want)
	}
	s.run(`ALTER SUBSCRIPTION apps DISABLE; ALTER SUBSCRIPTION apps SET (slot_name = NONE); DROP SUBSCRIPTION apps`)
}

// countedTypes counts events by topic and type.
func countedTypes(events []row) map[string]int {
	counts := map[string]int{}
	for _, e := range events {
		counts[e.Topic+" "+e.Type]++
	}
	return counts
}

// keywords writes the address of a database as keywords and values, which hold no %.
func keywords(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return fmt.Sprintf("host=%s port=%s dbname=%s user=%s password=%s", u.Hostname(), u.Port(), u.Path[1:], u.User.Username(), password)
}

func eventually(t *testing.T, done func() bool, complaint string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(testdeadline.Hang()); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}

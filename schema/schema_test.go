package schema_test

import (
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"rowcall/schema"
	"rowcall/schema/schematest"
)

const applied = `SELECT (SELECT count(*) FROM rowcall.core_migrations) || '+' || (SELECT count(*) FROM rowcall.apps_migrations)`

// A second migration does nothing, also when the first had only the core.
func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty).DB(t)
	mustMigrate(t, db, quietly(false, false))
	if one[bool](t, db, `SELECT to_regclass('public.users') IS NOT NULL`) {
		t.Error("the core brings the apps' tables")
	}
	mustMigrate(t, db, quietly(true, false))
	first := one[string](t, db, applied)
	var b book
	mustMigrate(t, db, schema.Options{Apps: true, Logger: b.logger()})
	if again := one[string](t, db, applied); again != first {
		t.Errorf("migrations applied: %s, then %s", first, again)
	}
	if b.String() != "" {
		t.Errorf("a migration that has nothing to do says\n%s", b.String())
	}
}

// Several nodes start at once: each returns when the database is ready, and each step was done once.
func TestMigrateConcurrently(t *testing.T) {
	t.Parallel()
	base := schematest.New(t, schematest.Empty)
	var b book
	errs := make([]error, 4)
	var nodes sync.WaitGroup
	for i := range errs {
		db := base.DB(t)
		nodes.Go(func() {
			errs[i] = schema.Migrate(t.Context(), db, schema.Options{Apps: true, Samples: true, Logger: b.logger()})
			if errs[i] == nil {
				_, errs[i] = db.ExecContext(t.Context(), `SELECT FROM rowcall.log, rowcall.sessions, public.job_postings`)
			}
		})
	}
	nodes.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("node %d: %v", i, err)
		}
	}
	if n := strings.Count(b.String(), "file=00001_log.sql"); n != 1 {
		t.Errorf("the first migration was applied %d times", n)
	}
	if n := one[int](t, base.DB(t), `SELECT count(*) FROM public.users`); n != 5 {
		t.Errorf("there are %d sample users", n)
	}
}

// Pending tells without writing.
func TestPending(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty).DB(t)
	expect := func(apps, want bool) {
		t.Helper()
		got, err := schema.Pending(t.Context(), db, apps)
		if err != nil || got != want {
			t.Errorf("Pending(apps %t) = %t, %v; want %t", apps, got, err, want)
		}
	}
	expect(true, true)
	if one[bool](t, db, `SELECT to_regnamespace('rowcall') IS NOT NULL`) {
		t.Error("Pending creates the schema")
	}
	mustMigrate(t, db, quietly(false, false))
	expect(false, false)
	expect(true, true)
	mustMigrate(t, db, quietly(true, false))
	expect(true, false)
	run(t, db, `DELETE FROM rowcall.core_migrations WHERE version_id = (SELECT max(version_id) FROM rowcall.core_migrations)`)
	expect(false, true)
}

// A dump of before the last migrations, restored with --clean, leaves the newer objects where they are. The migrations
// are made again.
func TestMigrateAfterAnOlderDump(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly).DB(t)
	run(t, db, `DELETE FROM rowcall.core_migrations WHERE version_id >= 4;
		SELECT setval('rowcall.slot', 513), setval('rowcall.gate', 6), setval('rowcall.alive', 5000000000), nextval('rowcall.log_id')`)
	mustMigrate(t, db, quietly(false, false))
	if !one[bool](t, db, `SELECT rowcall.writing_slot() = 1 AND rowcall.slot_rotations() = 1 AND NOT rowcall.ringing()
			AND rowcall.gate_generation() = 6 AND rowcall.files_until() = 5000000000`) {
		t.Error("the state of the log is not the one of the dump")
	}
}

// What the protocol needs to be so in a database that was just migrated.
func TestCore(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly).DB(t)
	for what, query := range map[string]string{
		"the gate is odd, and reading it back is the generation": `SELECT rowcall.gate_generation() = 1 AND rowcall.ringing() AND is_called FROM rowcall.state`,
		"the first slot is written":                              `SELECT rowcall.writing_slot() = 0 AND rowcall.slot_rotations() = 0`,
		"ids are not cached":                                     `SELECT seqcache = 1 FROM pg_sequence WHERE seqrelid = 'rowcall.log_id'::regclass`,
		"there are four slots":                                   `SELECT count(*) = 4 FROM pg_inherits WHERE inhparent = 'rowcall.log'::regclass`,
		"boot is unlogged and empty":                             `SELECT relpersistence = 'u' AND NOT EXISTS (SELECT FROM rowcall.boot) FROM pg_class WHERE oid = 'rowcall.boot'::regclass`,
		"nothing has been dropped":                               `SELECT count(*) = 1 AND min(xid::text) = '0' FROM rowcall.floor`,
		"topics compare bytewise":                                `SELECT collname = 'C' FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation WHERE attrelid = 'rowcall.log'::regclass AND attname = 'topic'`,
		"there are indexes for polls and for replays of a topic": `SELECT count(*) = 2 FROM pg_index WHERE indrelid = 'rowcall.log_3'::regclass`,
	} {
		if !one[bool](t, db, query) {
			t.Errorf("not so: %s", what)
		}
	}
	for _, second := range []string{
		`INSERT INTO rowcall.floor SELECT * FROM rowcall.floor`,
		`INSERT INTO rowcall.boot (system_identifier, database_oid) VALUES (1, 1), (2, 2)`,
	} {
		if _, err := db.ExecContext(t.Context(), second); err == nil {
			t.Errorf("a second row is taken: %s", second)
		}
	}
}

// The samples are the accounts that the demo prints; a table that has rows is left alone.
func TestSamples(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples).DB(t)
	for id, name := range []string{"alice", "bob", "carol", "dave", "admin"} {
		var hash string
		var staff bool
		row := db.QueryRowContext(t.Context(), `SELECT password, is_staff FROM public.users WHERE id = $1 AND username = $2 AND is_active`, id+1, name)
		if err := row.Scan(&hash, &staff); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(name)); err != nil || staff != (name == "admin") {
			t.Errorf("%s: %v, staff %t", name, err, staff)
		}
	}
	const size = `SELECT concat_ws(' ', (SELECT count(*) FROM users), (SELECT count(*) FROM chat_rooms), (SELECT count(*) FROM chat_room_members),
		(SELECT count(*) FROM chat_messages), (SELECT count(*) FROM chat_join_requests), (SELECT count(*) FROM patients), (SELECT count(*) FROM dams),
		(SELECT count(*) FROM hydrograph_points), (SELECT count(*) FROM job_postings))`
	before := one[string](t, db, size)
	if strings.Contains(" "+before+" ", " 0 ") {
		t.Errorf("a table is empty: %s", before)
	}
	mustMigrate(t, db, quietly(true, true))
	if after := one[string](t, db, size); after != before {
		t.Errorf("loaded again the tables have %s rows, had %s", after, before)
	}
	run(t, db, `INSERT INTO users (username) VALUES ('erin'); INSERT INTO chat_rooms (owner_id, title) VALUES (6, 'next')`) // the ids go on
}

// Rows of a user's own are not joined by samples.
func TestSamplesBesideRows(t *testing.T) {
	t.Parallel()
	db := schematest.New(t).DB(t)
	run(t, db, `INSERT INTO users (username) VALUES ('erin'); INSERT INTO patients (first_name, last_name, admission_date) VALUES ('a', 'b', now())`)
	mustMigrate(t, db, quietly(true, true))
	got := one[string](t, db, `SELECT concat_ws(' ', (SELECT count(*) FROM users), (SELECT count(*) FROM patients), (SELECT count(*) FROM job_postings), (SELECT count(*) FROM dams))`)
	if got != "1 1 0 5" {
		t.Errorf("users, patients, jobs and dams have %s rows, want 1 1 0 5", got)
	}
}

// Every row can be written as in the applications the tables come from.
func TestAppsTakeTheSeedsRows(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples).DB(t)
	run(t, db, `
		INSERT INTO users (username) VALUES ('ana');
		INSERT INTO chat_rooms (owner_id, title) VALUES (1, 'x');
		INSERT INTO chat_join_requests (user_id, room_id) VALUES (3, 1), (3, 1), (2, 1);
		INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, repeat('x', 200));
		INSERT INTO dams DEFAULT VALUES; INSERT INTO hydrographs DEFAULT VALUES; INSERT INTO hydrograph_points DEFAULT VALUES;
		INSERT INTO job_postings (user_id) VALUES (1);
		INSERT INTO patients (first_name, last_name, admission_date) VALUES ('a', 'b', now())`)
	for _, row := range []string{
		`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, repeat('x', 201))`,
		`INSERT INTO patients (first_name, last_name) VALUES ('a', 'b')`, // nobody has been admitted at no time
		`INSERT INTO patients (first_name, admission_date) VALUES ('a', now())`,
		`INSERT INTO patients (last_name, admission_date) VALUES ('b', now())`,
	} {
		if _, err := db.ExecContext(t.Context(), row); err == nil {
			t.Errorf("a row is taken that the application would not have: %s", row)
		}
	}
}

// Patients of an earlier build, which did not ask for the date, get the one on which they were written.
func TestPatientsOfAnEarlierBuild(t *testing.T) {
	t.Parallel()
	db := schematest.New(t).DB(t)
	run(t, db, `ALTER TABLE patients ALTER admission_date DROP NOT NULL;
		DELETE FROM rowcall.apps_migrations WHERE version_id = 9;
		INSERT INTO patients (first_name, last_name, created_at) VALUES ('a', 'b', '2021-06-01Z')`)
	mustMigrate(t, db, quietly(true, false))
	if !one[bool](t, db, `SELECT admission_date = '2021-06-01Z' FROM patients`) {
		t.Errorf("the patient was admitted at %s", one[string](t, db, `SELECT admission_date FROM patients`))
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE patients SET admission_date = NULL`); err == nil {
		t.Error("the date can be taken away")
	}
}

package triggers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

// counts says how many events of each type were filed since the last call.
func (d *desk) counts() map[string]int {
	d.t.Helper()
	n := map[string]int{}
	for _, e := range d.events() {
		n[e.Type]++
	}
	return n
}

func (d *desk) expectCounts(want map[string]int) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.counts()); diff != "" {
		d.t.Errorf("events by type (-want +got):\n%s", diff)
	}
}

// However rows come in, each of them is told of, in order.
func TestManyRows(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`INSERT INTO chat_messages (id, room_id, sender_id, message) SELECT n, 1, 1, n FROM generate_series(100, 199) n`)
	for i, e := range d.events() {
		if want := fmt.Sprintf(`{"id":"%d",`, 100+i); !strings.HasPrefix(e.Data, want) {
			t.Fatalf("event %d is %s, want %s", i, e.Data, want)
		}
	}

	rows := pgx.CopyFromSlice(1000, func(i int) ([]any, error) { return []any{int64(1000 + i), int64(1), int64(2), "copied"}, nil })
	if _, err := d.CopyFrom(t.Context(), pgx.Identifier{"chat_messages"}, []string{"id", "room_id", "sender_id", "message"}, rows); err != nil {
		t.Fatal(err)
	}
	d.expectCounts(map[string]int{"chat_message_created": 1000})

	d.run(`INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (1000, 1, 1, 'a'), (9000, 1, 1, 'b')
	       ON CONFLICT (id) DO UPDATE SET message = EXCLUDED.message`)
	d.expectCounts(map[string]int{"chat_message_created": 1, "chat_message_updated": 1})
	d.run(`INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (1000, 1, 1, 'a') ON CONFLICT DO NOTHING`)
	d.run(`UPDATE chat_messages SET message = 'x' WHERE id BETWEEN 100 AND 199; DELETE FROM chat_messages WHERE id >= 1000`)
	d.expectCounts(map[string]int{"chat_message_updated": 100, "chat_message_deleted": 1001})
}

// What is rolled back was never said: a statement, a savepoint, a transaction.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`BEGIN; INSERT INTO job_postings (id, user_id) VALUES (90, 1); ROLLBACK`)
	d.expect()
	d.run(`BEGIN; INSERT INTO job_postings (id, user_id) VALUES (91, 1);
	       SAVEPOINT s; INSERT INTO job_postings (id, user_id) VALUES (92, 1); ROLLBACK TO s;
	       SAVEPOINT u; INSERT INTO job_postings (id, user_id) VALUES (93, 1); RELEASE u; COMMIT`)
	d.expectCounts(map[string]int{"job_posting.saved": 2})
	if n := one[int](d, `SELECT count(DISTINCT xid) FROM rowcall.log WHERE topic = 'jobs/1'`); n != 1 {
		t.Errorf("one transaction files under %d ids", n)
	}
	d.run(`DO $$ BEGIN INSERT INTO job_postings (user_id) VALUES (1), (99); EXCEPTION WHEN foreign_key_violation THEN NULL; END $$`)
	d.expect()
}

// A prepared transaction's events wait for its commit, with the id of the transaction that wrote them.
func TestPrepared(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d := at(t, db)
	one[int](d, `SELECT rowcall.flip_gate(1)`) // a ring would make PREPARE fail
	d.run(`BEGIN; INSERT INTO job_postings (user_id) VALUES (1); PREPARE TRANSACTION 'p'`)
	d.expect()
	at(t, db).run(`COMMIT PREPARED 'p'`)
	d.expectCounts(map[string]int{"job_posting.saved": 1})
}

// Replication and restores apply rows as replica: events are told, but nothing is done a second time.
func TestReplica(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`SET session_replication_role = replica`)
	d.run(`UPDATE chat_join_requests SET status = 'admitted'`)
	d.expectCounts(map[string]int{"did_alter_join_request": 2}) // the membership comes as a row of its own
	d.run(`INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 3)`)
	d.expectCounts(map[string]int{"member_joined": 1, "room_joined": 1, "rowcall.access": 1})
	d.run(`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'x'); INSERT INTO dams (id) VALUES (90);
	       INSERT INTO hydrographs (dam_id) VALUES (90); INSERT INTO job_postings (user_id) VALUES (1);
	       INSERT INTO patients (first_name, last_name, updated_at, admission_date) VALUES ('a', 'b', '2021-01-01Z', now());
	       UPDATE chat_rooms SET owner_id = 4; UPDATE users SET is_active = false WHERE id = 4; DELETE FROM chat_rooms WHERE id = 2;
	       INSERT INTO rowcall.sessions VALUES ('a', '5', '', now()); DELETE FROM rowcall.sessions; TRUNCATE chat_room_members`)
	d.expectCounts(map[string]int{"chat_message_created": 1, "dam.create": 1, "hydrograph.assigned": 1, "hydrograph.create": 1, "job_posting.saved": 1,
		"patient.change": 1, "room_updated": 6, "room_deleted": 2, "room_left": 2, "user_updated": 1, "rowcall.access": 6})
	if !one[bool](d, `SELECT EXISTS (SELECT FROM patients WHERE updated_at = '2021-01-01Z')`) {
		t.Error("a row that replication brings does not keep its times")
	}
}

// Nothing that a session may set changes what an event says, or makes it fail.
func TestSettings(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	script := `INSERT INTO public.chat_messages (id, room_id, sender_id, posted, message) VALUES (50, 1, 1, '2026-01-02T03:04:05.678901Z', 'x');
		UPDATE public.chat_messages SET message = 'y' WHERE id = 50; DELETE FROM public.chat_messages WHERE id = 50;
		INSERT INTO public.dams (id, latitude, longitude) VALUES (50, 1.0/3, -123.456789012345678); DELETE FROM public.dams WHERE id = 50;
		INSERT INTO public.patients (id, first_name, last_name, admission_date, created_at, updated_at)
		VALUES (50, 'a', 'b', '2021-06-01T10:00:00Z', '2021-06-01T10:00:00Z', '2021-06-01T10:00:00Z'); DELETE FROM public.patients WHERE id = 50;
		INSERT INTO public.chat_join_requests (id, user_id, room_id, status) VALUES (50, 4, 1, 'admitted'); DELETE FROM public.chat_join_requests WHERE id = 50;
		DELETE FROM public.chat_room_members WHERE room_id = 1 AND user_id = 4; UPDATE public.users SET is_staff = true WHERE id = 4;
		UPDATE public.users SET is_staff = false WHERE id = 4; INSERT INTO public.chat_rooms (id, owner_id, title, join_code) VALUES (50, 4, 'a', 'b');
		UPDATE public.chat_rooms SET owner_id = 3, title = 'c' WHERE id = 50; DELETE FROM public.chat_rooms WHERE id = 50;
		INSERT INTO public.hydrographs (id, dam_id) VALUES (50, 1); INSERT INTO public.hydrograph_points (id, hydrograph_id) VALUES (990, 50), (991, NULL);
		UPDATE public.hydrograph_points SET hydrograph_id = NULL WHERE id = 990; DELETE FROM public.hydrograph_points WHERE id > 989;
		DELETE FROM public.hydrographs WHERE id = 50; INSERT INTO public.job_postings (id, user_id) VALUES (50, 4); DELETE FROM public.job_postings WHERE id = 50`
	d := at(t, db)
	d.run(script)
	want := d.events()
	for _, setting := range []string{
		"TimeZone = 'Asia/Kolkata'", "TimeZone = 'America/St_Johns'", "DateStyle = 'German, DMY'", "DateStyle = 'SQL, MDY'", "IntervalStyle = 'iso_8601'",
		"extra_float_digits = -15", "extra_float_digits = 3", "search_path = ''", "search_path = 'rowcall'", "search_path = 'pg_temp, public'",
		"standard_conforming_strings = off", "bytea_output = 'escape'", "transform_null_equals = on", "array_nulls = off", "quote_all_identifiers = on",
		"plan_cache_mode = 'force_custom_plan'", "plan_cache_mode = 'force_generic_plan'", "row_security = off", "jit_above_cost = 0",
		"enable_seqscan = off", "enable_indexscan = off", "default_transaction_isolation = 'serializable'", "client_encoding = 'LATIN1'",
		"timezone_abbreviations = 'India'", "plpgsql.variable_conflict = 'use_column'", "plpgsql.variable_conflict = 'use_variable'",
		"plpgsql.extra_errors = 'all'", "lc_time = 'C'", "synchronous_commit = off", "rowcall.rung = 'x'", "client_min_messages = 'error'",
	} {
		d := at(t, db) // a session that has compiled no function yet
		d.run("SET " + setting)
		d.run(script)
		if diff := cmp.Diff(want, d.events()); diff != "" {
			t.Errorf("SET %s changes events (-want +got):\n%s", setting, diff)
		}
	}
}

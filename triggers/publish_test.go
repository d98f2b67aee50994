package triggers_test

import (
	"strings"
	"testing"

	"rowcall/schema/schematest"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	d.run(`SELECT rowcall.publish('a/b', 'x.y', '{"n": 1}'), rowcall.publish('a', 'z', NULL, 'owner')`)
	if got := one[int](d, `SELECT count(*) FROM rowcall.log WHERE data IS NULL AND role = 'owner'`); got != 1 {
		t.Errorf("%d events without data, want 1", got)
	}
	d.run(`DELETE FROM rowcall.log WHERE data IS NULL`)
	d.expect(row{"a/b", "x.y", "", `{"n":1}`})
	const filed = `SELECT xid = pg_snapshot_xmax(pg_current_snapshot())::text::xid8 OR xid < pg_snapshot_xmax(pg_current_snapshot())
		FROM rowcall.log WHERE abs(extract(epoch FROM clock_timestamp() - at)) < 60 AND slot = 0`
	if !one[bool](d, filed) {
		t.Error("the row has a wrong xid, time or slot")
	}
}

// What nobody could follow is not an event; and no argument makes publish fail.
func TestPublishTakesAnything(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	d.run(`SELECT rowcall.publish(NULL, 'x', '{}'), rowcall.publish('a', NULL, '{}'), rowcall.revalidate(NULL, '5'), rowcall.revalidate_user(NULL)`)
	d.expect()

	noise := `SELECT string_agg(chr(33 + (random() * 90000)::int % 20000), '') FROM generate_series(1, 20000)`
	d.run(`SELECT rowcall.publish(('` + "room/5/" + `' || (` + noise + `)), (` + noise + `), to_json((` + noise + `)), (` + noise + `))`)
	events := d.events()
	if len(events) != 1 || !strings.HasPrefix(events[0].Topic, "room/5/") || len(events[0].Topic) <= 200 || len(events[0].Role) < 20000 {
		t.Errorf("an event of extreme lengths became %d events", len(events))
	}
}

// TestPublishWhateverTheCallersSession publishes from a session whose settings and collation are unusual.
func TestPublishWhateverTheCallersSession(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	d.run(`CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		CREATE TABLE people (name text COLLATE blind); INSERT INTO people VALUES ('Zoë'), ('zoë');
		SELECT rowcall.publish('people/' || name, 'x', '{}'), rowcall.publish('people/' || name, 'y', '{}') FROM people;
		SET standard_conforming_strings = off; SET backslash_quote = off;
		SELECT rowcall.publish('people/' || rowcall.segment('Zoë'), 'z', '{}')`)
	d.expect(row{"people/Zoë", "x", "", `{}`}, row{"people/Zoë", "y", "", `{}`}, row{"people/zoë", "x", "", `{}`}, row{"people/zoë", "y", "", `{}`},
		row{"people/Zo%C3%AB", "z", "", `{}`})
}

// A row of any size is filed and never aborts the write, though the ring for it is bounded.
func TestPublishMegabyte(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	d.run(`INSERT INTO dams (id, name) SELECT 1, string_agg(chr(97 + (random() * 25)::int), '') FROM generate_series(1, 1 << 20)`)
	events := d.events()
	if len(events) != 1 || len(events[0].Data) < 1<<20 {
		t.Fatalf("%d events", len(events))
	}
	if !one[bool](d, `SELECT data::json ->> 'name' = (SELECT name FROM dams) FROM rowcall.log`) {
		t.Error("the name is not the row's")
	}
}

// The slot written follows its sequence, also for a transaction whose snapshot is older.
func TestPublishSlot(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, other := at(t, db), at(t, db)
	d.run(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1`)
	for slot := range 6 {
		d.run(`SELECT rowcall.publish('a', 'x', '{}')`)
		if got := one[int](d, `SELECT slot FROM rowcall.log ORDER BY id DESC LIMIT 1`); got != slot%4 {
			t.Errorf("slot %d is written, want %d", got, slot%4)
		}
		other.run(`SELECT rowcall.advance_slot()`)
	}
	d.run(`COMMIT`)
	// A sequence that was set back to where it starts has no last value yet: that is slot 0.
	d.run(`ALTER SEQUENCE rowcall.state RESTART`)
	d.run(`SELECT rowcall.publish('last', 'x', '{}')`)
	if got := one[int](d, `SELECT slot FROM rowcall.log WHERE topic = 'last'`); got != 0 {
		t.Errorf("slot %d is written, want 0", got)
	}
}

// Where no node has been for long nothing is filed and nobody rung; the write goes on.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d, ear := at(t, db), listen(t, db)
	d.run(`SELECT rowcall.set_state(extract(epoch FROM now())::bigint - 1, 1, 0)`)
	d.run(`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'x'); DELETE FROM chat_room_members`)
	d.expect()
	ear.expect()

	past := one[int64](d, `SELECT rowcall.keep_alive(extract(epoch FROM now())::bigint + 60)`)
	if now := one[int64](d, `SELECT extract(epoch FROM now())::bigint`); past >= now {
		t.Errorf("keep_alive says %d, which is not before %d", past, now)
	}
	d.run(`DELETE FROM chat_messages WHERE id = 1`)
	d.expect(row{"room/1", "chat_message_deleted", "", `{"id":"1"}`})
}

func TestKeepAliveNeverShortens(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	day := one[int64](d, `SELECT rowcall.files_until() - extract(epoch FROM now())::bigint`)
	if day < 86000 || day > 86400 {
		t.Errorf("a migrated database files events for %d seconds, want a day", day)
	}
	before := one[int64](d, `SELECT rowcall.files_until()`)
	for _, until := range []int64{0, before - 1, before} {
		if got := one[int64](d, `SELECT rowcall.keep_alive($1)`, until); got != before {
			t.Errorf("keep_alive(%d) = %d, want %d", until, got, before)
		}
	}
	one[int64](d, `SELECT rowcall.keep_alive($1)`, before+10)
	if got := one[int64](d, `SELECT rowcall.keep_alive(0)`); got != before+10 {
		t.Errorf("kept until %d, want %d", got, before+10)
	}
}

func TestIso(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	for _, zone := range []string{"UTC", "Asia/Kolkata", "America/St_Johns"} {
		for _, style := range []string{"ISO", "German", "SQL, DMY", "Postgres"} {
			d.run(`SET TimeZone = '` + zone + `'; SET DateStyle = '` + style + `'`)
			for in, want := range map[string]string{
				"2021-06-01 10:00:00Z":         "2021-06-01T10:00:00Z",
				"2021-06-01 10:00:00.5Z":       "2021-06-01T10:00:00.500000Z",
				"2021-06-01 10:00:00.000001Z":  "2021-06-01T10:00:00.000001Z",
				"2020-12-31 23:59:59.999999+1": "2020-12-31T22:59:59.999999Z",
				"12021-06-01 10:00:00Z":        "12021-06-01T10:00:00Z",
				"0044-03-15 10:00:00Z BC":      "0044-03-15T10:00:00Z BC",
				"0001-12-31 23:59:59.5Z BC":    "0001-12-31T23:59:59.500000Z BC",
				"0001-01-01 00:00:00Z":         "0001-01-01T00:00:00Z",
				"4714-11-24 00:00:00Z BC":      "4714-11-24T00:00:00Z BC",
				"294276-12-31 23:59:59Z":       "294276-12-31T23:59:59Z",
				"infinity":                     "infinity",
				"-infinity":                    "-infinity",
			} {
				if got := one[string](d, `SELECT coalesce(rowcall.iso($1::text::timestamptz), 'none')`, in); got != want {
					t.Errorf("iso(%s) = %s, want %s", in, got, want)
				}
			}
		}
	}
}

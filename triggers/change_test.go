package triggers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/schema/schematest"
)

// appTables are the tables with triggers of ours.
const appTables = "users chat_rooms chat_room_members chat_messages chat_join_requests patients dams hydrographs hydrograph_points job_postings"

// No change of an application's tables makes a writer fail: every column of every table is renamed, dropped and given
// other types, in a session that has written before, and then rows are changed, removed and brought back.
func TestWritersSurviveChangesOfTables(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	survived := 0
	for table := range strings.FieldsSeq(appTables) {
		for _, column := range columnsOf(d, table) {
			for _, change := range []string{
				"RENAME " + column + " TO another", "DROP " + column + " CASCADE",
				"ALTER " + column + " DROP IDENTITY IF EXISTS, ALTER " + column + " DROP DEFAULT, ALTER " + column + " TYPE text USING " + column + "::text",
				"ALTER " + column + " DROP IDENTITY IF EXISTS, ALTER " + column + " DROP DEFAULT, ALTER " + column + " TYPE numeric USING 7",
				"ALTER " + column + " DROP IDENTITY IF EXISTS, ALTER " + column + " DROP DEFAULT, ALTER " + column + " TYPE uuid USING gen_random_uuid()",
				"ALTER " + column + " DROP IDENTITY IF EXISTS, ALTER " + column + " DROP DEFAULT, ALTER " + column + " TYPE int[] USING '{1,2}'",
			} {
				if d.survives(table, change) {
					survived++
				}
			}
		}
		d.survives(table, `ADD another json DEFAULT '{"a":"\u0000\ud800"}'`)
		d.survives(table, `ADD another text NOT NULL DEFAULT ''`)
		d.survives(table, `RENAME TO another`)
	}
	if survived < 200 {
		t.Errorf("only %d changes could be made at all", survived)
	}
}

func columnsOf(d *desk, table string) []string {
	return one[[]string](d, `SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`, table)
}

// survives changes a table between two rounds of writes, undoes all of that, and reports whether the table could be
// changed.
func (d *desk) survives(table, change string) bool {
	d.t.Helper()
	d.run(`BEGIN`)
	defer d.run(`ROLLBACK`)
	d.run(loosen)
	d.write(table, "before "+change)
	before := len(d.events())
	_, err := d.Exec(d.t.Context(), `ALTER TABLE `+table+` `+change, pgx.QueryExecModeSimpleProtocol)
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		return false // such as a type that an index of the column's cannot have
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if strings.HasPrefix(change, "RENAME TO ") {
		table = "another"
	}
	d.write(table, change)
	if after := len(d.events()); after < before && !strings.Contains(change, "id ") {
		d.t.Errorf("%s: after %s %d events are filed, %d were before", table, change, after, before)
	}
	return true
}

// loosen takes away what keeps columns from being changed, or rows from being removed.
const loosen = `DO $$ DECLARE item record; BEGIN
	FOR item IN SELECT * FROM pg_policies WHERE schemaname = 'public' LOOP
		EXECUTE format('DROP POLICY %I ON %I', item.policyname, item.tablename);
	END LOOP;
	FOR item IN SELECT conname, conrelid::regclass AS on FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'c') LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.on, item.conname);
	END LOOP; END $$`

// write changes all rows of a table, removes them and brings them back, whatever columns they have.
func (d *desk) write(table, after string) {
	d.t.Helper()
	column := pgx.Identifier{columnsOf(d, table)[0]}.Sanitize()
	for _, statement := range []string{
		fmt.Sprintf(`UPDATE %s SET %s = %[2]s`, table, column),
		fmt.Sprintf(`CREATE TEMP TABLE kept AS TABLE %s; DELETE FROM %[1]s; INSERT INTO %[1]s TABLE kept; DROP TABLE kept`, table),
	} {
		if _, err := d.Exec(d.t.Context(), statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			d.t.Fatalf("%s: after %s: %v\n%s", table, after, err, statement)
		}
	}
}

// A column that has another type is told as before, in sessions that were open by then, and in new ones.
func TestOpenSessionsTellOfOtherTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		write  string
		change []string
	}{
		{`UPDATE patients SET first_name = 'Ana', updated_at = NULL WHERE id = 1; DELETE FROM patients WHERE id = 2`,
			[]string{`ALTER TABLE patients ALTER first_name TYPE text`, `ALTER TABLE patients ALTER id TYPE int`, `ALTER TABLE patients ADD note json`}},
		{`INSERT INTO chat_messages (id, room_id, sender_id, posted, message) VALUES (9, 1, 2, '2026-01-02Z', 'x'); UPDATE chat_messages SET message = 'y' WHERE id = 9; DELETE FROM chat_messages WHERE id = 9`,
			[]string{`ALTER TABLE chat_messages ALTER message TYPE text`, `ALTER TABLE chat_messages ALTER id TYPE int`, `ALTER TABLE chat_messages ALTER posted TYPE timestamptz(0)`}},
		{`INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (9, 4, 1); UPDATE chat_join_requests SET status = 'admitted' WHERE id = 9; DELETE FROM chat_join_requests WHERE id = 9; DELETE FROM chat_room_members WHERE user_id = 4 AND room_id = 1`,
			[]string{`ALTER TABLE users ALTER first_name TYPE text`, `ALTER TABLE chat_rooms ALTER title TYPE text`, `ALTER TABLE chat_join_requests ALTER id TYPE int`, `ALTER TABLE chat_room_members ALTER id TYPE int`}},
		{`UPDATE users SET first_name = 'Alicia' WHERE id = 1; UPDATE users SET is_active = false WHERE id = 1; UPDATE users SET first_name = 'Alice', is_active = true WHERE id = 1`,
			[]string{`ALTER TABLE users ALTER username TYPE text`, `ALTER TABLE users ALTER last_name TYPE varchar(200), ALTER password TYPE text`}},
		{`UPDATE chat_rooms SET title = 'a' WHERE id = 1; UPDATE chat_rooms SET title = 'b' WHERE id = 1; INSERT INTO chat_rooms (id, owner_id, title) VALUES (9, 3, 'x'); DELETE FROM chat_rooms WHERE id = 9`,
			[]string{`ALTER TABLE chat_rooms ALTER title TYPE text`, `ALTER TABLE chat_rooms ALTER join_code TYPE text`, `ALTER TABLE chat_rooms ADD note json`}},
		{`INSERT INTO dams (id, name, latitude) VALUES (9, 'x', 1.5); UPDATE dams SET name = 'y' WHERE id = 9; DELETE FROM dams WHERE id = 9`,
			[]string{`ALTER TABLE dams ALTER name TYPE varchar(50)`, `ALTER TABLE dams ALTER latitude TYPE numeric`}},
		{`INSERT INTO hydrograph_points (id, hydrograph_id) VALUES (900, 1); UPDATE hydrograph_points SET time = 4 WHERE id = 900; DELETE FROM hydrograph_points WHERE id = 900`,
			[]string{`ALTER TABLE hydrograph_points ALTER hydrograph_id TYPE int`, `ALTER TABLE hydrograph_points ALTER time TYPE bigint`}},
		{`INSERT INTO job_postings (id, user_id, title) VALUES (9, 3, 'x'); UPDATE job_postings SET progress = 5 WHERE id = 9; DELETE FROM job_postings WHERE id = 9`,
			[]string{`ALTER TABLE job_postings ALTER progress TYPE smallint`, `ALTER TABLE job_postings ALTER id TYPE int`, `ALTER TABLE job_postings ALTER state TYPE varchar(20)`}},
	} {
		db := schematest.New(t, schematest.Samples)
		open, other := at(t, db), at(t, db)
		told := func(d *desk) []string {
			t.Helper()
			d.run(`BEGIN; ` + c.write)
			var lines []string
			for _, e := range d.events() {
				lines = append(lines, strings.Join([]string{e.Topic, e.Type, e.Role, withoutTimes(e.Data)}, " "))
			}
			d.run(`ROLLBACK`)
			return lines
		}
		want := told(open)
		for _, change := range c.change {
			other.run(change)
			for name, d := range map[string]*desk{"an open session": open, "a new session": at(t, db)} {
				if diff := cmp.Diff(want, told(d)); diff != "" {
					t.Errorf("%s, after %s (-want +got):\n%s", name, change, diff)
				}
			}
		}
	}
}

// withoutTimes leaves out when a patient was saved.
func withoutTimes(data string) string {
	before, rest, found := strings.Cut(data, `"updated_at":"`)
	if !found {
		return data
	}
	_, rest, _ = strings.Cut(rest, `"`)
	return before + rest
}

// A row is JSON of its columns, whatever json columns hold.
func TestFields(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	d.run(`SET TimeZone = 'UTC'; SET standard_conforming_strings = off; CREATE TEMP TABLE odd (id int, at timestamptz, part float8, told text, raw json);
		INSERT INTO odd VALUES (1, '2026-01-02Z', 1.0/3, E'a\tb\001"\\u0000', E'{"a":"\\u0000 \\ud800 \\\\u0000 \\u00e9\\ud83d\\ude00\\udc00"}'), (2, NULL, 'NaN', NULL, '1e400000')`)
	for id, want := range map[int]string{
		1: `1|2026-01-02T00:00:00Z|0.3333333333333333|a	b` + "\x01" + `"\u0000|{"a":"  \\u0000 \u00e9\ud83d\ude00"}`,
		2: `2||NaN||1e400000`,
	} {
		const query = `SELECT concat_ws('|', f ->> 'id', coalesce(f ->> 'at', ''), f ->> 'part', coalesce(f ->> 'told', ''), f ->> 'raw')
			FROM (SELECT rowcall.fields(o) AS f FROM odd o WHERE id = $1) s`
		if got := one[string](d, query, id); got != want {
			t.Errorf("fields of row %d are %q, want %q", id, got, want)
		}
	}
}

// Times in a row are written as rowcall.iso writes them, however deep they lie and whatever the session is
// set to. Text that looks like a time stays, and what is told can be read again.
func TestFieldsTellTimesInOneForm(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	d.run(`CREATE TYPE stay AS (since timestamptz, note text); CREATE DOMAIN moment AS timestamptz;
		CREATE TABLE stays (at timestamptz, list timestamptz[], span tstzrange, spans tstzmultirange, one stay, many stay[], own moment, note text, day timestamp, raw jsonb);
		INSERT INTO stays VALUES ('2026-01-02 03:04:05.5Z', '{2026-01-02Z,infinity,0044-03-15 10:00:00Z BC,NULL}', '[2026-01-02Z,12026-01-02Z)',
			'{[2026-01-02Z,2026-01-03Z)}', ROW('2026-06-02Z', '2026-06-02T00:00:00+00:00'), ARRAY[ROW('2026-06-02Z', '"2026-06-02 00:00:00+00"')::stay],
			'2026-06-02Z', '2026-06-02T00:00:00+02:00', '2026-06-02', '{"at":"2026-06-02T00:00:00+00:00"}')`)
	const want = `{"at":"2026-01-02T03:04:05.500000Z",` +
		`"list":["2026-01-02T00:00:00Z","infinity","0044-03-15T10:00:00Z BC",null],` +
		`"span":"[\"2026-01-02T00:00:00Z\",\"12026-01-02T00:00:00Z\")",` +
		`"spans":"{[\"2026-01-02T00:00:00Z\",\"2026-01-03T00:00:00Z\")}",` +
		`"one":{"since":"2026-06-02T00:00:00Z","note":"2026-06-02T00:00:00+00:00"},` +
		`"many":[{"since":"2026-06-02T00:00:00Z","note":"\"2026-06-02 00:00:00+00\""}],` +
		`"own":"2026-06-02T00:00:00Z","note":"2026-06-02T00:00:00+02:00","day":"2026-06-02T00:00:00","raw":{"at": "2026-06-02T00:00:00+00:00"}}`
	for _, settings := range []string{"TimeZone = 'UTC'", "TimeZone = 'Asia/Kathmandu'", "TimeZone = 'America/New_York'", "DateStyle = 'German'", "DateStyle = 'Postgres, MDY'", "DateStyle = 'SQL, DMY'", "search_path = ''"} {
		d.run(`RESET ALL; SET ` + settings)
		if got := one[string](d, `SELECT rowcall.fields(s)::text FROM public.stays s`); got != want {
			t.Errorf("with %s: got\n%s\nwant\n%s", settings, got, want)
		}
	}
	d.run(`RESET ALL`)
	if same := one[bool](d, `SELECT json_populate_record(s, rowcall.fields(s)) IS NOT DISTINCT FROM s FROM stays s`); !same {
		t.Error("what is told cannot be read again")
	}
}

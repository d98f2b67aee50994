package tables_test

import (
	"testing"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
)

// castTypes makes types of every kind, and casts of them to json and text that write down who runs them.
const castTypes = `CREATE TABLE ran (kind text, who text); GRANT ALL ON ran TO PUBLIC;
	CREATE TYPE st AS ENUM ('a', 'b'); CREATE DOMAIN st_domain AS st; CREATE TYPE st_range AS RANGE (subtype = st); CREATE TYPE st_row AS (n int, s st, "At It" timestamptz, f float8);
	CREATE FUNCTION evil(st) RETURNS json LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ran VALUES ('enum', current_user); RETURN '1'; END $$;
	CREATE FUNCTION evil_text(st) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ran VALUES ('enum to text', current_user); RETURN 'evil'; END $$;
	CREATE FUNCTION evil(st_range) RETURNS json LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ran VALUES ('range', current_user); RETURN '1'; END $$;
	CREATE FUNCTION evil_text(st_range) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ran VALUES ('range to text', current_user); RETURN 'evil'; END $$;
	CREATE FUNCTION evil_text(st_row) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ran VALUES ('row to text', current_user); RETURN 'evil'; END $$`

// casts makes the casts.
const casts = `CREATE CAST (st AS json) WITH FUNCTION evil(st); CREATE CAST (st AS text) WITH FUNCTION evil_text(st) AS IMPLICIT;
	CREATE CAST (st_range AS json) WITH FUNCTION evil(st_range); CREATE CAST (st_range AS text) WITH FUNCTION evil_text(st_range) AS IMPLICIT;
	CREATE CAST (st_row AS text) WITH FUNCTION evil_text(st_row) AS IMPLICIT`

// No cast of a type runs in a function that has the rights of the schema's owner, whether it was made before the table was
// applied or later, also where the table has changed since. What is filed is the same with and without casts.
func TestCastsAreNotCalled(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, castTypes+`; CREATE TABLE things (id int PRIMARY KEY, s st, d st_domain, r st_range, w st_row, ss st[], rs st_range[], ws st_row[], note text)`)
	declared := rules.Table{Table: "public.things", Topics: topics("things", "things/{s}"), Revalidate: []rules.Revalidate{{Topic: "x/{d}", User: "s"}, {Topic: "y", User: "r"}, {Topic: "z", User: "w"}}}
	apply(t, db, declared)
	d := at(t, db)
	const insert = `INSERT INTO things VALUES (1, 'a', 'b', '[a,b]', (1, 'a', '2026-11-20Z', 0.1), ARRAY['a', NULL]::st[], ARRAY['[a,b)'::st_range],
		ARRAY[ARRAY[(1, 'a', NULL, NULL)::st_row, NULL], ARRAY[(2, 'b', NULL, NULL)::st_row, NULL]], 'n')`
	const values = `"s":"a","d":"b","r":"[a,b]","w":{"n":1,"s":"a","At It":"2026-11-20T00:00:00Z","f":0.1},"ss":["a",null],"rs":["[a,b)"],` +
		`"ws":[[{"n":1,"s":"a","At It":null,"f":null},null],[{"n":2,"s":"b","At It":null,"f":null},null]]`
	const asText = `(1,a,\"2026-11-20 00:00:00+00\",0.1)`
	expect := func(rest, row string) {
		t.Helper()
		d.expect(`things/a things.insert {"op":"insert","key":{"id":1},"new":{"id":1,`+values+rest+`}}`, `x/b rowcall.access {"user_id":"a"}`,
			`y rowcall.access {"user_id":"[a,b]"}`, `z rowcall.access {"user_id":"`+row+`"}`)
		if got := db.Text(t, `SELECT coalesce(string_agg(DISTINCT kind, ', '), 'none') FROM ran`); got != "none" {
			t.Errorf("casts were called: %s", got)
		}
	}
	d.run(`SET TimeZone = 'UTC'; ` + insert)
	expect(`,"note":"n"`, asText)
	d.run(casts)
	d.run(`DELETE FROM things`)
	d.events()
	d.run(insert)
	expect(`,"note":"n"`, asText)
	d.run(`DELETE FROM things; ALTER TABLE things DROP note; ALTER TABLE things ADD more st DEFAULT 'a'`)
	d.events()
	d.run(insert[:len(insert)-len(`, 'n')`)] + `, 'a')`)
	expect(`,"note":null`, `{\"n\":1,\"s\":\"a\",\"At It\":\"2026-11-20T00:00:00Z\",\"f\":0.1}`)
}

// Topics of blank-padded columns, and numbers as text in arrays, are the same after the table has changed.
func TestRestOfARowIsSpelledAlike(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE things (id int PRIMARY KEY, code char(3), gone int, counts bigint[], prices numeric[])`)
	apply(t, db, rules.Table{Table: "public.things", Numbers: rules.NumbersText, Columns: []string{"code", "gone", "counts", "prices"}, Topics: topics("things/{code}"),
		Revalidate: []rules.Revalidate{{Topic: "x", User: "code"}}})
	d := at(t, db)
	want := []string{`things/a things.insert {"op":"insert","key":{"id":1},"new":{"id":1,"code":"a  ","gone":null,"counts":[["1",null],["-2","3"]],"prices":["1.50"]}}`, `x rowcall.access {"user_id":"a"}`}
	const insert = `INSERT INTO things (id, code, counts, prices) VALUES (1, 'a', '{{1,NULL},{-2,3}}', '{1.50}')`
	d.run(insert)
	d.expect(want...)
	d.run(`DELETE FROM things; ALTER TABLE things DROP gone`)
	d.events()
	d.run(`SET standard_conforming_strings = off; ` + insert)
	d.expect(want...)
	d.run(`DELETE FROM things; ALTER TABLE things ALTER counts TYPE text[]; ALTER TABLE things ALTER prices TYPE float8[]`)
	d.events()
	d.run(`INSERT INTO things (id, code, counts, prices) VALUES (1, 'a', '{"x,1,y"}', '{1e+200}')`)
	d.expect(`things/a things.insert {"op":"insert","key":{"id":1},"new":{"id":1,"code":"a  ","gone":null,"counts":["x,1,y"],"prices":["1e+200"]}}`, want[1])
}

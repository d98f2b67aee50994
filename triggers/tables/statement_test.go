package tables_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// twin makes a table that is declared below.
const twin = `CREATE TABLE %s (id int PRIMARY KEY, a text, b int, slot int, number int, owner int REFERENCES owners ON DELETE SET NULL ON UPDATE CASCADE, other int REFERENCES owners ON DELETE SET NULL)`

// twinDeclared declares a table whose topics cover each other, and whose change asks access again. All names begin with a letter.
func twinDeclared(name, mode, letter string) rules.Table {
	return rules.Table{Table: "public." + name, Name: letter, Mode: mode, Topics: topics(letter+"x", letter+"x/{a}", letter+"x/{a}/{b}", letter+"y/{number}"),
		Revalidate: []rules.Revalidate{{Topic: letter + "z/{a}", User: "b"}}}
}

// fileBothWays makes a table of mode statement, of which the function of a table of mode row files each row as well.
func fileBothWays(t *testing.T) *desk {
	t.Helper()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE owners (id int PRIMARY KEY)`)
	db.Exec(t, fmt.Sprintf(twin, "things"))
	db.Exec(t, fmt.Sprintf(twin, "twins"))
	apply(t, db, twinDeclared("things", rules.ModeStatement, "s"), twinDeclared("twins", rules.ModeRow, "r"))
	db.Exec(t, `CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON things FOR EACH ROW EXECUTE FUNCTION rowcall."public.twins"()`)
	return at(t, db)
}

// byMode returns the events that each mode has filed since the last call, without the letters.
func (d *desk) byMode() (row, statement []string) {
	d.t.Helper()
	for _, e := range d.events() {
		switch plain := strings.NewReplacer(" r.", " ", " s.", " ").Replace(e[1:]); e[0] {
		case 'r':
			row = append(row, plain)
		default:
			statement = append(statement, plain)
		}
	}
	return row, statement
}

// TestStatementsFileWhatRowsDo has statements filed in both modes. The events are the same, in the same order where a
// statement changes rows in one way.
func TestStatementsFileWhatRowsDo(t *testing.T) {
	t.Parallel()
	d := fileBothWays(t)
	merges := isVersion15(t, d)
	for _, c := range []struct {
		sql      string
		anyOrder bool // of rows that are changed in several ways
	}{
		{`INSERT INTO owners SELECT generate_series(1, 9)`, false},
		{`INSERT INTO things SELECT n, nullif(n % 3, 0), nullif(n % 2, 0), n, n % 4, 1 + n % 9, 1 + n % 8 FROM generate_series(1, 40) n`, false},
		{`INSERT INTO things VALUES (100, 'ä/b', 1)`, false},
		{`UPDATE things SET slot = slot + 1`, false},
		{`UPDATE things SET number = number WHERE false`, false},
		{`UPDATE things SET a = b, b = NULL WHERE id < 9`, false},
		{`UPDATE things SET b = 5, slot = 3 WHERE id < 20`, false},
		{`UPDATE things SET a = ''  WHERE id = 3`, false},
		{`UPDATE things SET id = -id`, false},
		{`UPDATE things SET id = id + 1000, number = 2 WHERE id % 2 = 0`, false},
		{`UPDATE things SET id = id - 1 WHERE id < 0`, false}, // each takes the key that another has left
		{`DELETE FROM owners WHERE id IN (2, 3)`, false},      // rows are changed twice by it
		{`UPDATE owners SET id = id + 50 WHERE id > 8`, false},
		{`DELETE FROM things WHERE id > 1000`, false},
		{`INSERT INTO things (id, a) VALUES (-4, 'n'), (70, 'n'), (-6, 'n'), (71, 'n') ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a`, true},
		{`INSERT INTO things (id, a) VALUES (70, 'n'), (72, 'm') ON CONFLICT (id) DO UPDATE SET id = 80`, true},
		{`WITH gone AS (DELETE FROM things WHERE id < 0 RETURNING *) INSERT INTO things SELECT -id, a, b FROM gone`, true},
		{`MERGE INTO things USING (SELECT generate_series(1, 99) AS n) s ON id = n WHEN MATCHED AND n % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET b = n WHEN NOT MATCHED AND n < 90 THEN INSERT VALUES (n, 'x')`, true},
	} {
		if strings.HasPrefix(c.sql, "MERGE") && !merges {
			continue
		}
		d.run(c.sql)
		want, got := d.byMode()
		if c.anyOrder {
			slices.Sort(want)
			slices.Sort(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-row +statement):\n%s", c.sql, diff)
		}
	}
	d.copyRows(`COPY things (id, a, b) FROM STDIN`, 2500) // PostgreSQL inserts 1,000 at a time
	want, got := d.byMode()
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 2500 {
		t.Errorf("COPY (-row +statement), %d events:\n%s", len(got), diff)
	}
}

// copyRows copies rows of three columns into a table.
func (d *desk) copyRows(sql string, count int) {
	d.t.Helper()
	var rows strings.Builder
	for n := range count {
		fmt.Fprintf(&rows, "%d\ta\t%d\n", 10_000+n, n%7)
	}
	if _, err := d.PgConn().CopyFrom(d.t.Context(), strings.NewReader(rows.String()), sql); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
}

// isVersion15 reports whether the server is PostgreSQL 15 or newer.
func isVersion15(t *testing.T, d *desk) bool {
	t.Helper()
	var number int
	if err := d.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int`).Scan(&number); err != nil {
		t.Fatal(err)
	}
	return number >= 150000
}

// TestMixedStatements has one statement change a table in several ways whose order is not known: followers read their state
// again. What a statement did not do, and what comes after it, does not matter.
func TestMixedStatements(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE people (id int PRIMARY KEY);
		CREATE TABLE mail (id int PRIMARY KEY, sender int REFERENCES people ON DELETE CASCADE, reader int REFERENCES people ON DELETE SET NULL)`)
	apply(t, db, rules.Table{Table: "public.mail", Mode: rules.ModeStatement, Topics: topics("mail")})
	d := at(t, db)
	const reset = `/mail rowcall.reset {"topics":["mail"],"reason":"triggers"}`
	d.run(`INSERT INTO people SELECT generate_series(1, 9); INSERT INTO mail VALUES (1, 2, 1), (2, 3, NULL), (3, NULL, 4), (5, 5, 6)`)
	d.events()
	d.run(`DELETE FROM people WHERE id IN (1, 2)`) // the mail is updated for reader 1, and then deleted for sender 2
	if got := d.events(); !slices.Contains(got, reset) {
		t.Errorf("a row was updated and then deleted by one statement: got %q, want a reset", got)
	}
	d.run(`DELETE FROM people WHERE id IN (3, 7)`) // the action that updates finds no rows
	d.expect(`mail mail.delete {"op":"delete","key":{"id":2},"old":{"id":2,"sender":3,"reader":null}}`)
	d.run(`DELETE FROM people WHERE id = 4`)
	d.expect(`mail mail.update {"op":"update","key":{"id":3},"new":{"id":3,"sender":null,"reader":null},"old":{"reader":4}}`)
	d.run(`WITH made AS (INSERT INTO mail VALUES (6), (7) RETURNING id) DELETE FROM mail USING made WHERE mail.id = made.id - 1`) // 5 goes
	if got := d.events(); got[len(got)-1] != reset {
		t.Errorf("an INSERT that ends before a DELETE: got %q, want a reset at the end", got)
	}
	d.run(`BEGIN; SAVEPOINT s; DELETE FROM people WHERE id = 9; ROLLBACK TO s; DELETE FROM mail WHERE id = 6; DELETE FROM mail WHERE id = 7; COMMIT`)
	d.expect(`mail mail.delete {"op":"delete","key":{"id":6},"old":{"id":6,"sender":null,"reader":null}}`,
		`mail mail.delete {"op":"delete","key":{"id":7},"old":{"id":7,"sender":null,"reader":null}}`)
	d.run(`SET rowcall.statements = 'x; y z;;'; INSERT INTO mail VALUES (8); RESET rowcall.statements; TRUNCATE mail`)
	d.expect(`mail mail.insert {"op":"insert","key":{"id":8},"new":{"id":8,"sender":null,"reader":null}}`, `/mail rowcall.reset {"topics":["mail"],"reason":"truncate"}`)
}

// TestStatementsWithinStatements has statements call code that writes to the same table. With mode row the events of that code
// come first, which is the exception in docs/guarantees.md; with mode statement followers read their state again.
func TestStatementsWithinStatements(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	const made = `CREATE TABLE owners (id int PRIMARY KEY);
		CREATE TABLE items (id int PRIMARY KEY, number int, owner int REFERENCES owners ON DELETE SET NULL);
		INSERT INTO owners VALUES (1);
		INSERT INTO items SELECT n, n, CASE n WHEN 4 THEN 1 END FROM generate_series(1, 4) n;
		CREATE FUNCTION gone(x int, at int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF x = at THEN DELETE FROM items WHERE id = 2; END IF; RETURN x; END';
		CREATE FUNCTION sql_gone(x int, at int) RETURNS int LANGUAGE sql AS 'DELETE FROM items WHERE id = 2 AND x = at; SELECT x';
		CREATE FUNCTION touched(x int) RETURNS int LANGUAGE plpgsql AS 'BEGIN UPDATE items SET number = -1 WHERE id = x; RETURN x + 1; END';
		CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM items WHERE id = 2; RETURN NEW; END';
		CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE items SET number = -1 WHERE id = 4; RETURN NULL; END'`
	db.Exec(t, made)
	conn := at(t, db)
	for _, c := range []struct{ sql, row, statement string }{
		{`UPDATE items SET number = gone(id, 4) WHERE id > 1`, `delete 2, update 2, update 3, update 4`, `delete 2, reset`},
		{`UPDATE items SET number = sql_gone(id, 4) WHERE id > 1`, `delete 2, update 2, update 3, update 4`, `delete 2, reset`},
		{`UPDATE items SET number = gone(id, 9) WHERE id > 2`, `update 3, update 4`, `update 3, update 4`}, // the function deletes nothing
		{`INSERT INTO items SELECT 9 UNION ALL SELECT touched(9)`, `update 9, insert 9, insert 10`, `update 9, reset`},
		{`CREATE TRIGGER b BEFORE UPDATE ON items FOR EACH ROW WHEN (NEW.id = 4) EXECUTE FUNCTION gone(); UPDATE items SET number = 0 WHERE id > 1`,
			`delete 2, update 2, update 3, update 4`, `delete 2, reset`},
		{`CREATE TRIGGER z AFTER DELETE ON owners FOR EACH ROW EXECUTE FUNCTION touched(); DELETE FROM owners`, `update 4, update 4`, `update 4, reset`},
		{`DO 'BEGIN INSERT INTO items VALUES (4), (20) ON CONFLICT (id) DO UPDATE SET number = 7; END'`, `update 4, insert 20`, `update 4, insert 20`},
	} {
		for mode, want := range map[string]string{rules.ModeRow: c.row, rules.ModeStatement: c.statement} {
			apply(t, db, rules.Table{Table: "public.items", Mode: mode, Topics: topics("items")})
			conn.events()
			conn.run(`BEGIN; ` + c.sql)
			if got := strings.Join(changedKeys(conn.events()), ", "); got != want {
				t.Errorf("mode %s, %s: got %s, want %s", mode, c.sql, got, want)
			}
			conn.run(`ROLLBACK`)
		}
	}
}

// changedKeys shortens events to their kinds and the keys of their rows.
func changedKeys(events []string) []string {
	shape := regexp.MustCompile(`^\S+ \w+\.(\w+) \{(?:"op":"\w+","key":\{"id":(\d+)\})?.*`)
	var all []string
	for _, e := range events {
		all = append(all, strings.TrimSpace(shape.ReplaceAllString(e, "$1 $2")))
	}
	return all
}

// TestStatementsSurvive changes the table under a session that has written before. No writer fails, and followers read
// their state again.
func TestStatementsSurvive(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TYPE mood AS ENUM ('sad', 'ok');
		CREATE TABLE orders (id bigint PRIMARY KEY, topic text, mood mood, day date, at timestamptz, price float8, bin bytea, took interval, doc json, total numeric)`)
	apply(t, db, rules.Table{Table: "public.orders", Mode: rules.ModeStatement, Topics: topics("t/{topic}/{mood}/{day}"), Revalidate: []rules.Revalidate{{Topic: "orders/{topic}", User: "total"}}})
	d := at(t, db)
	const insert = `INSERT INTO orders VALUES (1, 'a', 'ok', '2026-01-01', now(), 0.1, 'x', '1s', '{"a":"\u0000"}', 1)`
	for _, column := range strings.Fields("id topic mood day at price bin took doc total") {
		for _, change := range []string{"RENAME %s TO another", "DROP %s", "ALTER %s TYPE text USING 'x'", "ALTER %s TYPE int[] USING '{1}'", "ALTER %s TYPE date USING '5874897-12-31'"} {
			d.run(`BEGIN; ` + insert)
			d.events()
			d.run(`ALTER TABLE orders ` + fmt.Sprintf(change, column))
			other := firstColumn(d)
			d.run(`UPDATE orders SET ` + other + ` = ` + other + `; CREATE TEMP TABLE kept AS TABLE orders; DELETE FROM orders; INSERT INTO orders SELECT * FROM kept`)
			if filed := d.events(); len(filed) < 3 {
				t.Errorf("after %s of %s only %q is filed", change, column, filed)
			}
			d.run(`ROLLBACK`)
		}
	}
	d.run(`BEGIN; ` + insert)
	d.events()
	d.run(`ALTER TABLE orders DROP doc; DELETE FROM orders; COMMIT`)
	d.expect(`/t rowcall.reset {"topics":["t/{topic}/{mood}/{day}"],"reason":"schema"}`, `orders rowcall.access {}`)
	d.run(`DROP SCHEMA rowcall CASCADE; DELETE FROM orders; TRUNCATE orders`)
}

// TestModeChanges applies the same table with one mode and the other. Its triggers are those of the mode, whatever was ruined.
func TestModeChanges(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY)`)
	declared := func(mode string) rules.Table {
		return rules.Table{Table: "public.orders", Mode: mode, Topics: topics("orders")}
	}
	const triggers = `SELECT string_agg(tgname, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'orders'::regclass`
	const ofRow, ofStatement = `0_rowcall 0_rowcall_truncate`, `0_rowcall_begin 0_rowcall_delete 0_rowcall_insert 0_rowcall_truncate 0_rowcall_update`
	apply(t, db, declared(rules.ModeRow))
	d := at(t, db)
	for _, c := range []struct{ ruin, mode, want string }{
		{``, rules.ModeStatement, ofStatement}, {``, rules.ModeRow, ofRow}, {``, rules.ModeStatement, ofStatement},
		{`DROP TRIGGER "0_rowcall_begin" ON orders`, rules.ModeStatement, ofStatement},
		{`CREATE OR REPLACE TRIGGER "0_rowcall_update" AFTER UPDATE ON orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowcall."public.orders"()`, rules.ModeStatement, ofStatement},
		{`ALTER TABLE orders DISABLE TRIGGER "0_rowcall_insert"`, rules.ModeStatement, ofStatement},
	} {
		d.run(c.ruin)
		if changed := apply(t, db, declared(c.mode)); len(changed) == 0 {
			t.Errorf("after %q, mode %s changes nothing", c.ruin, c.mode)
		}
		if got := db.Text(t, triggers); got != c.want {
			t.Errorf("after %q, mode %s has the triggers %s, want %s", c.ruin, c.mode, got, c.want)
		}
		d.run(`DELETE FROM orders`)
		d.events()
		d.run(`INSERT INTO orders VALUES (1)`)
		d.expect(`orders orders.insert {"op":"insert","key":{"id":"1"},"new":{"id":1}}`)
	}
	changes, err := tables.Plan(t.Context(), db.DB(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Apply(t.Context(), db.DB(t), changes.Prune(), func(tables.Change) {}); err != nil {
		t.Fatal(err)
	}
	if got := db.Text(t, `SELECT coalesce((`+triggers+`), 'none')`); got != "none" {
		t.Errorf("pruned, the table has the triggers %s", got)
	}
}

// TestModeStatementIsRefused plans tables whose events would be others than with mode row, also where that came after apply.
// Triggers that cannot change these events are no reason.
func TestModeStatementIsRefused(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
	for change, want := range map[string]string{
		`DROP TABLE a; CREATE TABLE a (id int PRIMARY KEY) PARTITION BY HASH (id)`:           "partitioned",
		`CREATE TABLE b () INHERITS (a)`:                                                     "inherits",
		`CREATE TABLE p (); ALTER TABLE a INHERIT p`:                                         "inherits",
		`ALTER TABLE a ADD up int REFERENCES a ON DELETE CASCADE`:                            "a foreign key to itself",
		`CREATE TRIGGER z AFTER UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()`:               "its trigger z fires for each row",
		`CREATE TRIGGER "00first" AFTER INSERT ON a FOR EACH STATEMENT EXECUTE FUNCTION f()`: `its trigger "00first" fires before`,
		`ALTER TRIGGER last ON a RENAME TO "0_rowcall_j"`:                                    `its trigger "0_rowcall_j" fires before`,
		`CREATE SUBSCRIPTION s CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false);
			INSERT INTO pg_subscription_rel SELECT s.oid, 'a'::regclass, 'i', NULL FROM pg_subscription s WHERE subname = 's'`: "a subscription",
	} {
		db.Exec(t, `DROP TABLE IF EXISTS a, b, p CASCADE; CREATE TABLE a (id int PRIMARY KEY);
			CREATE TRIGGER "00" BEFORE UPDATE ON a FOR EACH STATEMENT EXECUTE FUNCTION f();
			CREATE TRIGGER "00first truncates" AFTER TRUNCATE ON a FOR EACH STATEMENT EXECUTE FUNCTION f();
			CREATE TRIGGER last AFTER UPDATE ON a FOR EACH STATEMENT EXECUTE FUNCTION f()`)
		declared := rules.Table{Table: "public.a", Mode: rules.ModeStatement, Topics: topics("a")}
		apply(t, db, declared)
		before := fingerprint(t, db, declared)
		if strings.Contains(change, "SUBSCRIPTION") {
			db.Exec(t, `SET allow_system_table_mods = on; `+change)
		} else {
			db.Exec(t, change)
		}
		_, err := tables.Plan(t.Context(), db.DB(t), resolve(t, db, declared))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "tables[0].mode: ") {
			t.Errorf("after %s: got %v, want an error with %q", change, err, want)
		}
		if fingerprint(t, db, declared) == before {
			t.Errorf("after %s the fingerprint is as before: a node would not look", change)
		}
		if strings.Contains(change, "SUBSCRIPTION") {
			db.Exec(t, `DELETE FROM pg_subscription_rel; ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s`)
		}
	}
}

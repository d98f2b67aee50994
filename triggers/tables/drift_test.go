package tables_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// parted is a partitioned table of two levels, whose partitions have their columns in another order.
const parted = `CREATE TABLE sold (id bigint, region text, at timestamptz, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
	CREATE TABLE sold_eu (at timestamptz, gone int, region text NOT NULL, id bigint NOT NULL) PARTITION BY RANGE (id); ALTER TABLE sold_eu DROP gone;
	CREATE TABLE sold_eu_1 (region text NOT NULL, id bigint NOT NULL, at timestamptz);
	ALTER TABLE sold_eu ATTACH PARTITION sold_eu_1 FOR VALUES FROM (0) TO (100); ALTER TABLE sold ATTACH PARTITION sold_eu FOR VALUES IN ('eu');
	CREATE TABLE sold_us PARTITION OF sold FOR VALUES IN ('us')`

func TestPartitions(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, parted)
	declared := rules.Table{Table: "public.sold", Topics: topics("sold/{region}")}
	apply(t, db, declared)
	d := at(t, db)
	row := func(region, op, data string) string {
		return `sold/` + region + ` sold.` + op + ` {"op":"` + op + `",` + data
	}
	const eu, us = `{"id":1,"region":"eu","at":"2026-11-20T00:00:00Z"}}`, `{"id":1,"region":"us","at":"2026-11-20T00:00:00Z"}}`
	d.run(`INSERT INTO sold VALUES (1, 'eu', '2026-11-20Z'); UPDATE sold_eu_1 SET id = 1; UPDATE sold SET region = 'us'; DELETE FROM sold_us`)
	d.expect(row("eu", "insert", `"key":{"region":"eu","id":"1"},"new":`+eu),
		row("eu", "update", `"key":{"region":"eu","id":"1"},"new":`+eu[:len(eu)-1]+`,"old":{}}`),
		row("eu", "delete", `"key":{"region":"eu","id":"1"},"old":`+eu),
		row("us", "insert", `"key":{"region":"us","id":"1"},"new":`+us),
		row("us", "delete", `"key":{"region":"us","id":"1"},"old":`+us))
	reset := func(reason string) string {
		return `/sold rowcall.reset {"topics":["sold/{region}"],"reason":"` + reason + `"}`
	}
	d.run(`TRUNCATE sold_eu_1`)
	d.expect(reset("truncate"))

	d.run(`CREATE TABLE sold_as (region text NOT NULL, at timestamptz, id bigint NOT NULL); INSERT INTO sold_as VALUES ('as', NULL, 5); ALTER TABLE sold ATTACH PARTITION sold_as FOR VALUES IN ('as')`)
	if diff := cmp.Diff([]string{"public.sold has other partitions than before: followers read their state again, trigger 0_rowcall_truncate of partition public.sold_as is missing, or was replaced"},
		apply(t, db, declared)); diff != "" {
		t.Errorf("after ATTACH (-want +got):\n%s", diff)
	}
	d.run(`SET session_replication_role = replica; DELETE FROM sold_as; TRUNCATE sold_as`)
	d.expect(reset("schema"), row("as", "delete", `"key":{"region":"as","id":"5"},"old":{"id":5,"region":"as","at":null}}`), reset("truncate"))
	d.run(`ALTER TABLE sold DETACH PARTITION sold_as`)
	apply(t, db, declared)
	d.expect(reset("schema"))
}

// Whatever is changed by hand is found, told in words, and made right again; followers read their state again where
// events may be missing.
func TestDrift(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, parted+`; CREATE TABLE orders (id bigint PRIMARY KEY, note text, price float8)`)
	declared := []rules.Table{
		{Table: "public.orders", Topics: topics("orders")},
		{Table: "public.sold", Topics: topics("sold/{region}")},
	}
	apply(t, db, declared...)
	d := at(t, db)
	for _, c := range []struct{ ruin, what, reset string }{
		{`ALTER TABLE orders DISABLE TRIGGER "0_rowcall"`, "public.orders trigger 0_rowcall is disabled: changes file no events", "triggers"},
		{`ALTER TABLE orders ENABLE TRIGGER "0_rowcall"`, "public.orders trigger 0_rowcall does not fire for replicated rows: it is not ENABLE ALWAYS", "triggers"},
		{`ALTER TABLE orders ENABLE REPLICA TRIGGER "0_rowcall"`, "public.orders trigger 0_rowcall fires for replicated rows only: ordinary changes file no events", "triggers"},
		{`DROP TRIGGER "0_rowcall" ON orders`, "public.orders trigger 0_rowcall is missing, or was replaced", "triggers"},
		{`CREATE OR REPLACE TRIGGER "0_rowcall" AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION rowcall."public.orders"()`, "public.orders trigger 0_rowcall is missing, or was replaced", "triggers"},
		{`CREATE OR REPLACE TRIGGER "0_rowcall" AFTER INSERT OR DELETE OR UPDATE ON orders FOR EACH ROW WHEN (false) EXECUTE FUNCTION rowcall."public.orders"()`, "public.orders trigger 0_rowcall is missing, or was replaced", "triggers"},
		{`DROP TRIGGER "0_rowcall_truncate" ON orders`, "public.orders trigger 0_rowcall_truncate is missing, or was replaced", "triggers"},
		{`DROP FUNCTION rowcall."public.orders" CASCADE`, "public.orders is not live: it gets a function and triggers", "triggers"},
		{`DROP TABLE orders; CREATE TABLE orders (id bigint PRIMARY KEY, note text, price float8)`,
			"public.orders trigger 0_rowcall is missing, or was replaced, trigger 0_rowcall_truncate is missing, or was replaced", "triggers"},
		{`ALTER FUNCTION rowcall."public.orders" SECURITY INVOKER`, "public.orders has a function that was changed by hand: it is made again", "schema"},
		{`ALTER FUNCTION rowcall."public.orders" RESET ALL`, "public.orders has a function that was changed by hand: it is made again", "schema"},
		{`ALTER FUNCTION rowcall."public.orders" SET search_path = public`, "public.orders has a function that was changed by hand: it is made again", "schema"},
		{`GRANT EXECUTE ON FUNCTION rowcall."public.orders" TO PUBLIC`, "public.orders has a function that was changed by hand: it is made again", "schema"},
		{`CREATE OR REPLACE FUNCTION rowcall."public.orders"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`, "public.orders has a function that was changed by hand: it is made again", "schema"},
		{`COMMENT ON FUNCTION rowcall."public.orders" IS 'mine'`, "public.orders has a function whose comment was changed: it is made again", "schema"},
		{`ALTER TABLE orders ADD more int`, "public.orders has columns that leave the database from now on: more", "schema"},
		{`ALTER TABLE orders ALTER more TYPE numeric(9, 2)`, "public.orders is declared in another way than before, or has columns of other types", "schema"},
		{`ALTER TABLE orders ALTER more TYPE numeric(9, 3)`, "public.orders is declared in another way than before, or has columns of other types", "schema"},
		{`ALTER TABLE orders DROP more`, "public.orders has columns that leave it no more: more", "schema"},
		{`ALTER TABLE orders ALTER note TYPE numeric USING 0; ALTER TABLE orders ALTER price TYPE text`, "public.orders is declared in another way than before, or has columns of other types", "schema"},
		{`ALTER TABLE orders ALTER note TYPE text, ALTER price TYPE float8 USING 0`, "public.orders is declared in another way than before, or has columns of other types", "schema"},
		{`ALTER TABLE sold_us DISABLE TRIGGER "0_rowcall"`, "public.sold trigger 0_rowcall of partition public.sold_us is disabled: changes file no events", "triggers"},
		{`DELETE FROM pg_depend WHERE classid = 'pg_trigger'::regclass AND objid = (SELECT oid FROM pg_trigger WHERE tgname = '0_rowcall' AND tgrelid = 'sold_us'::regclass);
			DELETE FROM pg_trigger WHERE tgname = '0_rowcall' AND tgrelid = 'sold_us'::regclass`, "public.sold trigger 0_rowcall of partition public.sold_us is missing, or was replaced", "triggers"},
		{`DROP TRIGGER "0_rowcall_truncate" ON sold_us`, "public.sold trigger 0_rowcall_truncate of partition public.sold_us is missing, or was replaced", "triggers"},
	} {
		before := fingerprint(t, db, declared...)
		d.run(c.ruin)
		ruined := fingerprint(t, db, declared...)
		if diff := cmp.Diff([]string{c.what}, apply(t, db, declared...)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", c.ruin, diff)
		}
		if after := fingerprint(t, db, declared...); ruined == before || after == ruined {
			t.Errorf("%s: the fingerprint is %s before, %s after, %s once it is applied; a node would not look", c.ruin, before, ruined, after)
		}
		reset := ""
		for _, e := range d.events() {
			_, reason, _ := strings.Cut(e, `"reason":"`)
			reset += strings.TrimSuffix(reason, `"}`)
		}
		if reset != c.reset {
			t.Errorf("after %s: reset %q, want %q", c.ruin, reset, c.reset)
		}
	}
	d.run(`INSERT INTO orders VALUES (1)`)
	d.expect(`orders orders.insert {"op":"insert","key":{"id":"1"},"new":{"id":1,"note":null,"price":null}}`)
	at(t, db).run(`INSERT INTO sold VALUES (1, 'us')`) // in a session that knows nothing of the copy that was gone
	if got := d.events(); len(got) != 1 || !strings.HasPrefix(got[0], "sold/us sold.insert ") {
		t.Errorf("after the copy of the trigger was made again: %q", got)
	}
}

// TRUNCATE of a partitioned table files one reset, and so does TRUNCATE of a partition. Each later TRUNCATE in the transaction
// files one more, unless nothing was filed in between.
func TestTruncateFilesOneReset(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, parted+`; CREATE TABLE orders (id bigint PRIMARY KEY)`)
	apply(t, db, rules.Table{Table: "public.sold", Topics: topics("sold/{region}", "sales/{id}")}, rules.Table{Table: "public.orders", Topics: topics("orders")})
	d := at(t, db)
	reset := func(patterns ...string) (lines []string) {
		for _, p := range patterns {
			lines = append(lines, "/"+strings.Split(p, "/")[0]+` rowcall.reset {"topics":["`+p+`"],"reason":"truncate"}`)
		}
		return lines
	}
	sold, orders := reset("sold/{region}", "sales/{id}"), reset("orders")
	const insert = `INSERT INTO sold VALUES (1, 'eu')`
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{`TRUNCATE sold`, sold},
		{`TRUNCATE sold_us`, sold},
		{`TRUNCATE sold_eu`, sold},
		{`BEGIN; TRUNCATE sold; TRUNCATE sold; COMMIT`, sold},
		{`BEGIN; TRUNCATE sold_us, sold; ` + insert + `; TRUNCATE sold_eu_1; COMMIT`, slices.Concat(sold, []string{"insert", "insert"}, sold)},
		{`BEGIN; SAVEPOINT s; TRUNCATE sold; ROLLBACK TO s; TRUNCATE sold; COMMIT`, sold},
		{`TRUNCATE sold, orders`, slices.Concat(sold, orders)},
		{`BEGIN; TRUNCATE orders; TRUNCATE sold_us; TRUNCATE orders; COMMIT`, slices.Concat(orders, sold, orders)},
	} {
		d.run(c.sql)
		var got []string
		for _, e := range d.events() {
			if strings.Contains(e, ".insert ") {
				e = "insert"
			}
			got = append(got, e)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
}

// After two tables have changed names, the former one files nothing any more. A trigger by another name files nothing twice.
func TestStrayTriggers(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY)`)
	declared := rules.Table{Table: "public.orders", Topics: topics("orders")}
	apply(t, db, declared)
	d := at(t, db)
	const reset = `/orders rowcall.reset {"topics":["orders"],"reason":"triggers"}`
	d.run(`CREATE TABLE orders_new (LIKE orders INCLUDING ALL); ALTER TABLE orders RENAME TO orders_old; ALTER TABLE orders_new RENAME TO orders`)
	apply(t, db, declared)
	d.run(`INSERT INTO orders_old VALUES (1); TRUNCATE orders_old; INSERT INTO orders VALUES (2)`)
	d.expect(reset, `orders orders.insert {"op":"insert","key":{"id":"2"},"new":{"id":2}}`)

	d.run(`CREATE TRIGGER another AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION rowcall."public.orders"()`)
	if diff := cmp.Diff([]string{"public.orders trigger another on public.orders files changes of another table, or files them twice: it is dropped"},
		apply(t, db, declared)); diff != "" {
		t.Errorf("a trigger by another name (-want +got):\n%s", diff)
	}
	d.run(`INSERT INTO orders VALUES (3)`)
	d.expect(reset, `orders orders.insert {"op":"insert","key":{"id":"3"},"new":{"id":3}}`)

	both := []rules.Table{{Table: "public.orders_old", Topics: topics("old")}, declared}
	apply(t, db, both...)
	d.run(`ALTER TABLE orders RENAME TO between; ALTER TABLE orders_old RENAME TO orders; ALTER TABLE between RENAME TO orders_old`)
	apply(t, db, both...)
	d.events()
	d.run(`INSERT INTO orders_old VALUES (4); INSERT INTO orders VALUES (5)`)
	d.expect(`old orders_old.insert {"op":"insert","key":{"id":"4"},"new":{"id":4}}`, `orders orders.insert {"op":"insert","key":{"id":"5"},"new":{"id":5}}`)
	if again := apply(t, db, both...); len(again) > 0 {
		t.Errorf("applied again it changes %q", again)
	}
}

// What is written while partitions are repaired one after another may be missed, so followers are told after the last.
func TestResetComesLast(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, parted)
	declared := rules.Table{Table: "public.sold", Topics: topics("sold/{region}")}
	apply(t, db, declared)
	d := at(t, db)
	d.run(`ALTER TABLE sold DISABLE TRIGGER "0_rowcall"; ALTER TABLE sold_us DISABLE TRIGGER "0_rowcall"; ALTER TABLE sold_eu_1 DISABLE TRIGGER "0_rowcall"`)
	changes, err := tables.Plan(t.Context(), db.DB(t), resolve(t, db, declared))
	if err != nil || len(changes.Changes) != 1 || len(changes.Changes[0].Steps) < 3 {
		t.Fatalf("got %+v, %v, want a step for the table and for each partition", changes, err)
	}
	for i, step := range changes.Changes[0].Steps {
		d.run(fmt.Sprintf(`INSERT INTO sold VALUES (%d, 'us')`, i))
		d.run(strings.Join(step, ";\n"))
	}
	filed := d.events()
	if want := `/sold rowcall.reset {"topics":["sold/{region}"],"reason":"triggers"}`; len(filed) == 0 || filed[len(filed)-1] != want {
		t.Errorf("got %q, want %q as the last", filed, want)
	}
}

// After a gap, access is asked again of everybody: a change that takes it away may have been missed.
func TestRevalidateAfterGap(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE staff (id int PRIMARY KEY, shop_id int, user_id text)`)
	declared := rules.Table{Table: "public.staff", Revalidate: []rules.Revalidate{{Topic: "shops/{shop_id}/orders", User: "user_id"}, {Topic: "shops/{shop_id}"}}}
	apply(t, db, declared)
	d := at(t, db)
	for _, ruin := range []string{`ALTER TABLE staff DISABLE TRIGGER "0_rowcall"`, `DROP TRIGGER "0_rowcall_truncate" ON staff`, `DROP FUNCTION rowcall."public.staff" CASCADE`} {
		d.run(ruin + `; DELETE FROM staff`)
		apply(t, db, declared)
		d.expect(`shops rowcall.access {}`)
	}
}

// A new column leaves the database only after the declaration was applied, in snapshots and events alike.
func TestNewColumnsWait(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, note text)`)
	declared := rules.Table{Table: "public.orders", Topics: topics("orders")}
	apply(t, db, declared)
	db.Exec(t, `ALTER TABLE orders ADD secret text DEFAULT 's'`)
	found := resolve(t, db, declared)
	if sql := found[0].Rules()[0].Snapshot; strings.Contains(sql, "secret") {
		t.Errorf("the snapshot has a column that was not applied: %s", sql)
	}
	repair, err := tables.Plan(t.Context(), db.DB(t), []tables.Table{found[0].AsApplied()})
	if err != nil || !repair.Empty() {
		t.Errorf("a repair by itself would change %+v, %v", repair.Changes, err)
	}
	apply(t, db, declared)
	if sql := resolve(t, db, declared)[0].Rules()[0].Snapshot; !strings.Contains(sql, "secret") {
		t.Errorf("the snapshot lacks a column that was applied: %s", sql)
	}
}

// Pruning removes what is not declared any more, also where the table has another name by now, or is gone.
func TestPrune(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY)`)
	var declared []rules.Table
	for _, name := range []string{"a", "b", "c"} {
		declared = append(declared, rules.Table{Table: "public." + name, Topics: topics(name)})
	}
	apply(t, db, declared...)
	db.Exec(t, `ALTER TABLE b RENAME TO renamed; DROP TABLE c`)
	changes, err := tables.Plan(t.Context(), db.DB(t), resolve(t, db, declared[0]))
	if err != nil || !changes.Empty() || len(changes.Undeclared) != 2 {
		t.Fatalf("got %+v, %v, want two undeclared tables", changes, err)
	}
	if err := tables.Apply(t.Context(), db.DB(t), changes.Prune(), func(tables.Change) {}); err != nil {
		t.Fatal(err)
	}
	const left = `SELECT string_agg(p.proname, ',') FROM pg_proc p WHERE pronamespace = 'rowcall'::regnamespace AND proname LIKE '%.%'`
	if got := db.Text(t, left); got != "public.a" {
		t.Errorf("functions left: %s, want public.a", got)
	}
}

// A table with a trigger of another origin, or of another owner, is refused, and nothing is changed.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE TABLE tasks (id int PRIMARY KEY); CREATE TABLE mine (id int PRIMARY KEY); ALTER TABLE mine ENABLE ROW LEVEL SECURITY;
		CREATE FUNCTION on_tasks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER "0_rowcall" AFTER INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION on_tasks()`)
	found := resolve(t, db, rules.Table{Table: "public.tasks", Topics: topics("tasks")}, rules.Table{Table: "public.dams", Topics: topics("d")},
		rules.Table{Table: "public.mine", Topics: topics("mine")})
	changes, err := tables.Plan(t.Context(), db.DB(t), found)
	wrong, _ := errors.AsType[rules.Problems](err)
	if len(wrong) != 2 || !strings.HasPrefix(wrong[0].String(), `tables[0].table: public.tasks has a trigger "0_rowcall" of another origin, which executes public.on_tasks`) ||
		!strings.HasPrefix(wrong[1].String(), `tables[1].table: public.dams has a trigger "0_rowcall" of another origin, which executes rowcall.on_dams`) {
		t.Errorf("got %v", err)
	}
	if len(changes.Notes) != 1 || !strings.HasPrefix(changes.Notes[0], "public.mine has row-level security") {
		t.Errorf("got the notes %q, want one on row-level security", changes.Notes)
	}
}

// No change of a declared table makes a writer fail: every column is renamed, dropped and given other types in a session
// that has written before. Dropping schema rowcall takes the triggers along.
func TestWritersSurvive(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TYPE mood AS ENUM ('sad', 'ok');
		CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int, topic text, mood mood, day date, at timestamptz, ats timestamptz[], price float8, bin bytea, took interval, doc json, total numeric)`)
	apply(t, db, rules.Table{Table: "public.orders", Numbers: rules.NumbersText, Topics: topics("orders", "orders/{customer_id}", "t/{topic}/{mood}/{day}"),
		Revalidate: []rules.Revalidate{{Topic: "orders/{customer_id}", User: "total"}}})
	d := at(t, db)
	const insert = `INSERT INTO orders VALUES (1, 1, 'a', 'ok', '2026-01-01', now(), ARRAY[now()], 0.1, 'x', '1s', '{"a":"\u0000"}', 1)`
	survived := 0
	for _, column := range strings.Fields("id customer_id topic mood day at ats price bin took doc total") {
		for _, change := range []string{"RENAME %s TO another", "DROP %s", "ALTER %s TYPE text USING 'x'", "ALTER %s TYPE numeric USING 7", "ALTER %s TYPE int[] USING '{1}'",
			"ALTER %s TYPE timestamptz USING now()", `ALTER %s TYPE json USING '{"a":"\u0000\ud800"}'`} {
			d.run(`BEGIN; ` + insert)
			d.events()
			_, err := d.Exec(t.Context(), `SAVEPOINT s; ALTER TABLE orders `+fmt.Sprintf(change, column), pgx.QueryExecModeSimpleProtocol)
			if _, refused := errors.AsType[*pgconn.PgError](err); refused {
				d.run(`ROLLBACK`)
				continue // such as an index that the type cannot have
			}
			column := firstColumn(d)
			d.run(`UPDATE orders SET ` + column + ` = ` + column + `; CREATE TEMP TABLE kept AS TABLE orders; DELETE FROM orders; INSERT INTO orders SELECT * FROM kept`)
			if filed := d.events(); len(filed) < 3 && column != "customer_id" {
				t.Errorf("after %s only %q is filed", change, filed)
			}
			d.run(`ROLLBACK`)
			survived++
		}
	}
	if survived < 60 {
		t.Errorf("only %d changes could be made at all", survived)
	}
	d.run(insert)
	d.run(`DROP SCHEMA rowcall CASCADE; UPDATE orders SET total = 2; DELETE FROM orders; TRUNCATE orders`)
}

// firstColumn is a column of the table as it is now.
func firstColumn(d *desk) string {
	d.t.Helper()
	var name string
	err := d.QueryRow(d.t.Context(), `SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 1 AND NOT attisdropped LIMIT 1`).Scan(&name)
	if err != nil {
		d.t.Fatal(err)
	}
	return name
}

// TestRepairsAddNoColumn plans repairs of a table that has got a column since it was applied. Where nothing says which
// columns that were, the table is left out, unless the declaration lists them.
func TestRepairsAddNoColumn(t *testing.T) {
	t.Parallel()
	for ruin, repaired := range map[string]bool{
		`ALTER TABLE orders DISABLE TRIGGER "0_rowcall"`:          true,
		`DROP FUNCTION rowcall."public.orders" CASCADE`:           false,
		`COMMENT ON FUNCTION rowcall."public.orders" IS 'edited'`: false,
	} {
		for _, columns := range [][]string{nil, {"id", "note"}} {
			t.Run(fmt.Sprint(ruin, columns), func(t *testing.T) {
				t.Parallel()
				db := schematest.New(t, schematest.CoreOnly)
				db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, note text)`)
				declared := []rules.Table{{Table: "public.orders", Columns: columns, Topics: topics("orders")}}
				apply(t, db, declared...)
				db.Exec(t, `ALTER TABLE orders ADD secret text; `+ruin)
				changes, err := tables.PlanRepairs(t.Context(), db.DB(t), declared)
				if err != nil {
					t.Fatal(err)
				}
				want := repaired || columns != nil && strings.HasPrefix(ruin, "DROP")
				if got := len(changes.Changes) > 0; got != want {
					t.Errorf("repaired: %t, want %t", got, want)
				}
				resolved, err := tables.Resolve(t.Context(), db.DB(t), declared)
				if err != nil {
					t.Fatal(err)
				}
				if snapshot := resolved[0].Rules()[0].Snapshot; !strings.HasPrefix(ruin, "DROP") && strings.Contains(snapshot, "secret") {
					t.Errorf("the snapshot brings the new column out:\n%s", snapshot)
				}
				if sql := fmt.Sprint(changes.Changes); strings.Contains(sql, "secret") {
					t.Errorf("the repair brings the new column out:\n%s", sql)
				}
			})
		}
	}
}

package tables_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// desk is a test's connection, which remembers how far it has read the log.
type desk struct {
	*pgx.Conn
	t    testing.TB
	read int64
}

// at opens a desk on a database. What is in the log by then is taken as read.
func at(t testing.TB, db *schematest.Database) *desk {
	t.Helper()
	d := &desk{Conn: db.Conn(t), t: t}
	d.events()
	return d
}

// run executes statements.
func (d *desk) run(sql string) {
	d.t.Helper()
	if _, err := d.Exec(d.t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		d.t.Fatalf("run %q: %v", sql, err)
	}
}

// events returns what has been filed since the last call: topic, type, role and data.
func (d *desk) events() []string {
	d.t.Helper()
	const query = `SELECT id, topic, type, coalesce('(' || role || ') ', ''), data FROM rowcall.log WHERE id > $1 ORDER BY id`
	rows, _ := d.Query(d.t.Context(), query, d.read)
	var all []string
	var topic, kind, role, data string
	_, err := pgx.ForEachRow(rows, []any{&d.read, &topic, &kind, &role, &data}, func() error {
		var b bytes.Buffer
		if err := json.Compact(&b, []byte(data)); err != nil {
			d.t.Errorf("the log holds %.200q: %v", data, err)
		}
		all = append(all, fmt.Sprintf("%s %s %s%s", topic, kind, role, b.String()))
		return nil
	})
	if err != nil {
		d.t.Fatalf("read the log: %v", err)
	}
	return all
}

// expect compares what has been filed since the last call.
func (d *desk) expect(want ...string) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.events()); diff != "" {
		d.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// apply applies declarations, and returns what was changed.
func apply(t testing.TB, db *schematest.Database, declared ...rules.Table) []string {
	t.Helper()
	var changed []string
	found := resolve(t, db, declared...)
	changes, err := tables.Plan(t.Context(), db.DB(t), found)
	if err != nil {
		t.Fatal(err)
	}
	err = tables.Apply(t.Context(), db.DB(t), changes, func(c tables.Change) {
		changed = append(changed, c.Table+" "+strings.Join(c.What(), ", "))
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := tables.Plan(t.Context(), db.DB(t), resolve(t, db, declared...))
	if err != nil || !again.Empty() {
		t.Fatalf("after it was applied, a plan has %+v, %v", again.Changes, err)
	}
	return changed
}

// One topic, whose column may be NULL, and every kind of change of a row.
func TestEvents(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int, status text, secret text)`)
	apply(t, db, rules.Table{Table: "public.orders", Hide: []string{"secret"}, Topics: topics("orders/{customer_id}")})
	d := at(t, db)

	d.run(`INSERT INTO orders VALUES (7, 1, 'open', 's')`)
	d.expect(`orders/1 orders.insert {"op":"insert","key":{"id":"7"},"new":{"id":7,"customer_id":1,"status":"open"}}`)
	d.run(`UPDATE orders SET status = 'late'; UPDATE orders SET secret = 't'; UPDATE orders SET status = NULL`)
	d.expect(`orders/1 orders.update {"op":"update","key":{"id":"7"},"new":{"id":7,"customer_id":1,"status":"late"},"old":{"status":"open"}}`,
		`orders/1 orders.update {"op":"update","key":{"id":"7"},"new":{"id":7,"customer_id":1,"status":"late"},"old":{}}`,
		`orders/1 orders.update {"op":"update","key":{"id":"7"},"new":{"id":7,"customer_id":1,"status":null},"old":{"status":"late"}}`)
	d.run(`UPDATE orders SET customer_id = 2, status = 'x'`)
	d.expect(`orders/1 orders.leave {"op":"leave","key":{"id":"7"},"old":{"id":7,"customer_id":1,"status":null}}`,
		`orders/2 orders.enter {"op":"enter","key":{"id":"7"},"new":{"id":7,"customer_id":2,"status":"x"}}`)
	d.run(`UPDATE orders SET id = 8`)
	d.expect(`orders/2 orders.leave {"op":"leave","key":{"id":"7"},"old":{"id":7,"customer_id":2,"status":"x"}}`,
		`orders/2 orders.enter {"op":"enter","key":{"id":"8"},"new":{"id":8,"customer_id":2,"status":"x"}}`)
	d.run(`UPDATE orders SET customer_id = NULL; UPDATE orders SET status = 'y'; UPDATE orders SET customer_id = 3`)
	d.expect(`orders/2 orders.leave {"op":"leave","key":{"id":"8"},"old":{"id":8,"customer_id":2,"status":"x"}}`,
		`orders/3 orders.enter {"op":"enter","key":{"id":"8"},"new":{"id":8,"customer_id":3,"status":"y"}}`)
	d.run(`DELETE FROM orders`)
	d.expect(`orders/3 orders.delete {"op":"delete","key":{"id":"8"},"old":{"id":8,"customer_id":3,"status":"y"}}`)
	d.run(`TRUNCATE orders`)
	d.expect(`/orders rowcall.reset {"topics":["orders/{customer_id}"],"reason":"truncate"}`)
	d.run(`SET session_replication_role = replica; INSERT INTO orders VALUES (9, 1, '"\', '')`)
	d.expect(`orders/1 orders.insert {"op":"insert","key":{"id":"9"},"new":{"id":9,"customer_id":1,"status":"\"\\"}}`)
}

// A row is filed under the lowest of topics that cover each other. A follower of an upper topic hears each change once.
func TestCoveringTopics(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE a (id int PRIMARY KEY, x text, y text)`)
	declared := rules.Table{Table: "public.a", Columns: []string{"id"}, Topics: topics("a", "a/{x}/{y}", "a/{x}")}
	apply(t, db, declared)
	d := at(t, db)
	data := func(op string) string {
		switch op {
		case "insert", "enter":
			return `{"op":"` + op + `","key":{"id":1},"new":{"id":1}}`
		case "update":
			return `{"op":"update","key":{"id":1},"new":{"id":1},"old":{}}`
		}
		return `{"op":"` + op + `","key":{"id":1},"old":{"id":1}}`
	}
	row := func(topic, op string) string { return topic + " a." + op + " " + data(op) }
	deep := func(topic, op string, depth int) string {
		return fmt.Sprintf("%s a.%s (rowcall_depth_%d) %s", topic, op, depth, data(op))
	}
	d.run(`INSERT INTO a VALUES (1)`)
	d.expect(row("a", "insert"))
	d.run(`UPDATE a SET x = 1`)
	d.expect(deep("a/1", "enter", 2), row("a", "update"))
	d.run(`UPDATE a SET y = '/'; UPDATE a SET y = '/'`)
	d.expect(deep("a/1/%2F", "enter", 3), row("a/1", "update"), row("a/1/%2F", "update"))
	d.run(`UPDATE a SET y = 5`)
	d.expect(deep("a/1/%2F", "leave", 3), deep("a/1/5", "enter", 3), row("a/1", "update"))
	d.run(`UPDATE a SET x = 2`)
	d.expect(deep("a/1/5", "leave", 3), deep("a/2/5", "enter", 3), deep("a/1", "leave", 2), deep("a/2", "enter", 2), row("a", "update"))
	d.run(`UPDATE a SET x = ''`)
	d.expect(deep("a/2/5", "leave", 3), deep("a/2", "leave", 2), row("a", "update"))
	d.run(`UPDATE a SET x = 3, y = NULL; DELETE FROM a`)
	d.expect(deep("a/3", "enter", 2), row("a", "update"), row("a/3", "delete"))

	found := resolve(t, db, declared)[0].Rules()
	if found[0].Access != "" || !strings.Contains(found[1].Access, "rowcall_depth_3") || !strings.Contains(found[2].Access, "rowcall_depth_2") {
		t.Errorf("access of the topics: %+v", found)
	}
}

// A change of a row asks access again, of the user that the row names, for the row as it was and as it is. The table has
// no events of its own.
func TestRevalidate(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE staff (shop_id int, user_id uuid, PRIMARY KEY (shop_id, user_id), role text)`)
	const ana, bo = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
	apply(t, db, rules.Table{Table: "public.staff", Revalidate: []rules.Revalidate{{Topic: "shops/{shop_id}/orders", User: "user_id"}, {Topic: "shops/{shop_id}"}}})
	d := at(t, db)
	of := func(shop int, user string) string {
		return fmt.Sprintf(`shops/%d/orders rowcall.access {"user_id":"%s"}`, shop, user)
	}
	all := func(shop int) string { return fmt.Sprintf(`shops/%d rowcall.access {}`, shop) }
	d.run(`INSERT INTO staff VALUES (1, '` + ana + `')`)
	d.expect(of(1, ana), all(1))
	d.run(`UPDATE staff SET role = 'clerk'`)
	d.expect(of(1, ana), all(1))
	d.run(`UPDATE staff SET user_id = '` + bo + `'`)
	d.expect(of(1, ana), of(1, bo), all(1))
	d.run(`UPDATE staff SET shop_id = 2`)
	d.expect(of(1, bo), of(2, bo), all(1), all(2))
	d.run(`DELETE FROM staff`)
	d.expect(of(2, bo), all(2))
	d.run(`TRUNCATE staff`)
	d.expect(`shops rowcall.access {}`)
}

// Where a column of revalidate is renamed or dropped, a change of a row asks everybody whom it may concern.
func TestRevalidateWithoutColumns(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE staff (id int PRIMARY KEY, shop_id int, user_id text, more int)`)
	apply(t, db, rules.Table{Table: "public.staff", Topics: topics("staff"), Revalidate: []rules.Revalidate{{Topic: "shops/{shop_id}/orders", User: "user_id"}}})
	for _, c := range []struct {
		change string
		want   []string
	}{
		{`DROP more`, []string{`shops/1/orders rowcall.access {"user_id":"ana"}`}},
		{`RENAME user_id TO member_id`, []string{`shops/1/orders rowcall.access {}`, `shops/2/orders rowcall.access {}`}},
		{`DROP shop_id`, []string{`shops rowcall.access {"user_id":"ana"}`}},
		{`DROP user_id, DROP shop_id`, []string{`shops rowcall.access {}`}},
	} {
		d := at(t, db)
		d.run(`BEGIN; INSERT INTO staff VALUES (1, 1, 'ana'), (2, 2, NULL)`)
		d.events()
		d.run(`ALTER TABLE staff ` + c.change + `; DELETE FROM staff`)
		got := slices.DeleteFunc(d.events(), func(e string) bool { return !strings.Contains(e, "rowcall.access") })
		if diff := cmp.Diff(c.want, slices.Compact(got)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", c.change, diff)
		}
		d.run(`ROLLBACK`)
	}
}

// The snapshot of a topic has the rows that are filed there, however a value or a follower spells it.
func TestSnapshotsOfSpellings(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		CREATE TABLE a (id int PRIMARY KEY, note text COLLATE loose, day date, gift boolean);
		INSERT INTO a VALUES (1, 'Ab', '2026-01-02', true), (2, 'ab', '2026-01-02', true)`)
	d := at(t, db)
	for _, c := range []struct {
		topic, value string
		want         int
	}{
		{"a/{note}", "Ab", 1}, {"a/{note}", "ab", 1}, {"a/{note}", "AB", 0},
		{"a/{day}", "2026-01-02", 2}, {"a/{day}", "2026-1-2", 0}, {"a/{gift}", "true", 2}, {"a/{gift}", "yes", 0},
	} {
		rule := resolve(t, db, rules.Table{Table: "public.a", Topics: topics(c.topic)})[0].Rules()[0]
		sql, err := rules.BindParameters(rule.Snapshot, rule.ParameterNames(), func(string) string { return "$1::text" })
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if err := d.QueryRow(t.Context(), `SELECT count(*) FROM (`+sql+`) s`, c.value).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s of %s has %d rows, %v, want %d", c.value, c.topic, got, err, c.want)
		}
	}
}

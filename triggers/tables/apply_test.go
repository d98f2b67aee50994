package tables_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// startApply begins to apply a declaration. The channel gets the result.
func startApply(t *testing.T, db *schematest.Database, declared rules.Table) <-chan error {
	t.Helper()
	owner := db.DB(t)
	changes, err := tables.Plan(t.Context(), owner, resolve(t, db, declared))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- tables.Apply(t.Context(), owner, changes, func(tables.Change) {}) }()
	return done
}

// Applying waits for its table without making writers wait, and gets its turn.
func TestApplyBesideWriters(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, note text)`)
	holder, writer := at(t, db), at(t, db)
	writer.run(`SET lock_timeout = '1min'`)
	holder.run(`BEGIN; INSERT INTO orders VALUES (1)`)
	done := startApply(t, db, rules.Table{Table: "public.orders", Topics: topics("orders")})
	for i := range 50 {
		writer.run(fmt.Sprintf(`INSERT INTO orders VALUES (%d)`, 100+i))
	}
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	holder.run(`COMMIT`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	writer.events()
	writer.run(`INSERT INTO orders VALUES (2)`)
	if got := writer.events(); len(got) != 1 {
		t.Errorf("got %q, want one event", got)
	}
}

// A transaction that has written with the function before is waited for: what it files comes before what followers are told.
func TestApplyAfterWriters(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]string{
		"ordinary":    `CREATE TABLE orders (id int PRIMARY KEY)`,
		"partitioned": `CREATE TABLE orders (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE all_orders PARTITION OF orders DEFAULT`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			db.Exec(t, create)
			entry := rules.Table{Table: "public.orders", Topics: topics("orders")}
			apply(t, db, entry)
			db.Exec(t, `ALTER TABLE orders ADD COLUMN note text`)
			holder := at(t, db)
			holder.run(`BEGIN; INSERT INTO orders VALUES (1)`)
			done := startApply(t, db, entry)
			for db.Text(t, `EXISTS (SELECT FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`) != "true" {
				select {
				case err := <-done:
					t.Fatalf("it did not wait: %v", err)
				default:
				}
			}
			holder.run(`COMMIT`)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			holder.run(`INSERT INTO orders VALUES (2, 'new')`)
			got := db.Text(t, `SELECT string_agg(type, ' ' ORDER BY id) FROM rowcall.log WHERE id >= (SELECT min(id) FROM rowcall.log WHERE type = 'orders.insert')`)
			if want := "orders.insert rowcall.reset orders.insert"; got != want {
				t.Errorf("the log has %s, want %s", got, want)
			}
		})
	}
}

// as opens the database as a role of this name, which can log in and nothing else.
func as(t *testing.T, db *schematest.Database, role string) *sql.DB {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	opened, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

// The owner of the tables needs no more rights than to create a schema; who does not own a table is told so.
func TestApplyAsOwner(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Exec(t, `CREATE ROLE keeper LOGIN PASSWORD 'secret'; CREATE ROLE other LOGIN PASSWORD 'secret'; CREATE ROLE clerk LOGIN PASSWORD 'secret';
		GRANT CREATE ON DATABASE `+db.Name+` TO keeper; CREATE SCHEMA shop AUTHORIZATION keeper; CREATE SCHEMA others AUTHORIZATION other;
		CREATE TABLE shop.orders (id bigint PRIMARY KEY, at timestamptz, took interval, note text); ALTER TABLE shop.orders OWNER TO keeper;
		GRANT USAGE ON SCHEMA shop TO clerk; GRANT INSERT, UPDATE, DELETE ON shop.orders TO clerk;
		CREATE TABLE others.t (id bigint PRIMARY KEY); ALTER TABLE others.t OWNER TO other; GRANT USAGE ON SCHEMA others TO keeper`)
	before := dump(t, db)
	keeper := as(t, db, "keeper")
	install(t, keeper, false)
	plan := func(table, topic string) (tables.Changes, error) {
		found, err := tables.Resolve(t.Context(), keeper, []rules.Table{{Table: table, Topics: topics(topic)}})
		if err != nil {
			t.Fatal(err)
		}
		return tables.Plan(t.Context(), keeper, found)
	}
	_, err := plan("others.t", "x")
	wrong, _ := errors.AsType[rules.Problems](err)
	if len(wrong) != 1 || !strings.HasSuffix(wrong[0].Text, `run: GRANT "other" TO "keeper"`) {
		t.Fatalf("a table of another role: %v", err)
	}
	want := tables.NotOwnerError{Table: "others.t", Owner: "other", Role: "keeper", Statement: `GRANT "other" TO "keeper"`}
	if got, ok := errors.AsType[*tables.NotOwnerError](wrong[0].Cause); !ok || *got != want {
		t.Errorf("a table of another role: got the cause %+v, want %+v", got, want)
	}
	changes, err := plan("shop.orders", "x/{note}")
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Apply(t.Context(), keeper, changes, func(tables.Change) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := as(t, db, "clerk").Exec(`INSERT INTO shop.orders VALUES (1, '2026-11-20Z', '1 day', 'ä')`); err != nil {
		t.Fatalf("a writer without rights to Rowcall: %v", err)
	}
	got := db.Text(t, `SELECT topic || ' ' || data FROM rowcall.log WHERE type = 'orders.insert'`)
	if want := `x/%C3%A4 {"op":"insert","key":{"id":"1"},"new":{"id":1,"at":"2026-11-20T00:00:00Z","took":"P1D","note":"ä"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	remove(t, keeper)
	if after := dump(t, db); after != before {
		t.Errorf("pg_dump before and after differ:\n%s", after)
	}
}

// Names are what they are in the catalog, whatever they hold: nothing of them becomes SQL.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	names := []string{`a"b`, `"; DROP TABLE kept; --`, `$rowcall$`, `Größe.x'y`, `back\slash`, "new\nline", `select`, strings.Repeat("ä", 30), `{"x":%s}`}
	db.Exec(t, `CREATE TABLE kept (id int)`)
	var declared []rules.Table
	for i, name := range names {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		db.Exec(t, fmt.Sprintf(`CREATE SCHEMA %[1]s; CREATE TYPE %[1]s.mood AS ENUM ('x'); CREATE TABLE %[1]s.%[1]s (%[1]s int8 PRIMARY KEY, v %[1]s.mood, constant text)`,
			quoted))
		declared = append(declared, rules.Table{Table: quoted + "." + quoted, Name: fmt.Sprint("t", i), Topics: topics(fmt.Sprintf("t%d/{v}", i))})
	}
	apply(t, db, declared...)
	d := at(t, db)
	for i, table := range declared {
		d.run(`SET standard_conforming_strings = off; INSERT INTO ` + table.Table + ` VALUES (1, 'x'); UPDATE ` + table.Table + ` SET constant = 'a'; DELETE FROM ` + table.Table)
		got := d.events()
		if len(got) != 3 || !strings.HasPrefix(got[0], fmt.Sprintf(`t%d/x t%[1]d.insert {"op":"insert","key":{`, i)) {
			t.Errorf("%s: got %q", table.Table, got)
		}
	}
	db.Exec(t, `SELECT FROM kept`)
}

// Every name and operator of a generated function is qualified: it runs with its owner's rights, and names no search_path.
func TestGeneratedFunctionsQualifyEveryName(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE a (id numeric PRIMARY KEY, x text, m mood, d date, g boolean, u uuid, at timestamptz, ats timestamptz[],
		f float8, fs float8[], b bytea, n int8[], took interval, c char(3))`)
	for _, mode := range []string{rules.ModeRow, rules.ModeStatement} {
		for _, numbers := range []string{rules.NumbersJSON, rules.NumbersText} {
			apply(t, db, rules.Table{Table: "public.a", Numbers: numbers, Mode: mode, Topics: topics("a", "a/{x}/{m}", "a/{x}", "b/{d}/{g}/{u}/{c}"),
				Revalidate: []rules.Revalidate{{Topic: "a/{x}", User: "id"}, {Topic: "a"}}})
			body := db.Text(t, `SELECT prosrc FROM pg_proc WHERE proname = 'public.a' AND pronamespace = 'rowcall'::regnamespace`)
			if found := schematest.Unqualified(body); len(found) > 0 {
				t.Errorf("mode %s leaves to the caller's search_path: %q", mode, found)
			}
		}
	}
}

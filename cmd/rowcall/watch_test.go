package main

import (
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestWatchRefuses checks that a watch that cannot work says why, and makes nothing.
func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY); CREATE TABLE keyless (note text)`)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL}
	for _, r := range []refusal{
		{name: "no table", args: []string{"watch"}, want: []string{"name the tables to watch"}},
		{name: "a table that is not there", args: []string{"watch", "orders", "nothing"}, want: []string{"there is no table nothing", "(public)"}},
		{name: "a table without a key", args: []string{"watch", "keyless"}, want: []string{"public.keyless has no primary key", "create one"}},
		{name: "an address for others", args: []string{"watch", "orders", "--addr", "192.0.2.1:0"}, want: []string{"192.0.2.1:0"}},
		{name: "a topic of no column", args: []string{"watch", "orders", "--topic", "orders/{shop}"}, want: []string{`no column "shop"`}},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.env = env
			r.check(t)
			if there := db.Text(t, `SELECT to_regnamespace('rowcall') IS NOT NULL`); there != "false" {
				t.Error("schema rowcall was made")
			}
		})
	}
}

// TestWatchOfAnotherVersion checks that a schema of another version is left alone.
func TestWatchOfAnotherVersion(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO rowcall.core_migrations (version_id, is_applied) VALUES (9999, true)`)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL}
	refusal{env: env, args: []string{"watch", "orders"}, want: []string{"newer version of Rowcall", "core/9999"}}.check(t)
	db.Exec(t, `DELETE FROM rowcall.core_migrations WHERE version_id >= 5`)
	refusal{env: env, args: []string{"watch", "orders"}, want: []string{"older version of Rowcall", "run rowcall migrate first"}}.check(t)
}

// startWatch runs rowcall watch until the test ends or stops it, and returns what it tells a person.
func startWatch(t *testing.T, env map[string]string, args ...string) (*command, *rowcalltest.Output) {
	t.Helper()
	told := rowcalltest.NewOutput()
	c := startLogging(t, told, env, append([]string{"watch"}, args...)...)
	told.After(t, "Changes follow.", c.ended)
	return c, told
}

// TestWatchAndApply checks that neither takes a table from the other: a declaration takes over what watch has made, and watch
// leaves a declared table alone. What watch has installed becomes permanent with the first other command.
func TestWatchAndApply(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int); CREATE TABLE other (id bigint PRIMARY KEY)`)
	env := map[string]string{"DATABASE_URL": db.URL}
	c, told := startWatch(t, env, "orders", "other")
	c.end(t)
	if !strings.Contains(told.String(), "The triggers stay") {
		t.Errorf("at its end it says %s", told)
	}
	with := declared(t, db, strings.ReplaceAll(declaring, "orders/{customer_id}", "orders"))
	refusal{env: with, args: []string{"serve", "--migrate=false", "--addr", "127.0.0.1:0"}, want: []string{"installed by rowcall watch", "run rowcall migrate first"}}.check(t)
	for _, step := range []struct {
		args   string
		status int
		says   string
	}{
		{"plan", 2, "-- public.orders was made live by rowcall watch: it stays from now on, because it is declared."},
		{"plan", 2, "-- public.other was made live by rowcall watch: rowcall watch --detach removes that."},
		{"apply --prune", 0, "public.orders: it was made live by rowcall watch, and stays from now on"},
		{"plan --prune", 0, "-- public.other was made live by rowcall watch"},
	} {
		if out, status := commandOutput(t, with, strings.Fields(step.args)...); status != step.status || !strings.Contains(out, step.says) {
			t.Errorf("%s ends with %d and prints %q, want %q in it", step.args, status, out, step.says)
		}
	}
	refusal{env: env, args: []string{"watch", "orders"}, want: []string{"public.orders is live already", "/live"}}.check(t)
	if _, status := commandOutput(t, env, "watch", "--detach"); status != 0 {
		t.Errorf("to detach ends with %d", status)
	}
	const left = `SELECT string_agg(tgrelid::regclass || ' ' || tgname, ', ' ORDER BY 1) FROM pg_trigger WHERE tgname = '0_rowcall' AND tgrelid IN ('orders'::regclass, 'other'::regclass)`
	if got := db.Text(t, left); got != "orders 0_rowcall" {
		t.Errorf("triggers left: %s", got)
	}
}

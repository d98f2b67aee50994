package main

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// declaring is a configuration that declares a table.
const declaring = `
auth: {users: {table: "-"}}
tables:
  - table: public.orders
    topics: [{topic: "orders/{customer_id}", allow: public}]
`

// commandOutput runs a command, and returns what it prints and its exit status.
func commandOutput(t *testing.T, env map[string]string, args ...string) (string, int) {
	t.Helper()
	out := &strings.Builder{}
	err := run(t.Context(), args, environment(env), out, rowcalltest.LogTo(t))
	if status, ok := errors.AsType[exitStatus](err); ok {
		return out.String(), status.code
	}
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out.String(), 0
}

// declared returns the environment of a node of a database, whose configuration file holds the text.
func declared(t *testing.T, db *schematest.Database, text string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": file}
}

// TestPlanAndApply checks what the commands print, and their exit status, from a database without Rowcall to one without
// the declaration.
func TestPlanAndApply(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int)`)
	with, without := declared(t, db, declaring), declared(t, db, `auth: {users: {table: "-"}}`)
	noFile := map[string]string{"ROWCALL_DATABASE_URL": db.URL}
	for _, step := range []struct {
		env    map[string]string
		args   string
		status int
		says   string
	}{
		{noFile, "plan", 2, "-- Note: No configuration file was read: name it with --config rowcall.yaml.\n"},
		{with, "plan", 2, "-- Schema rowcall is not there"},
		{with, "plan", 2, `CREATE OR REPLACE TRIGGER "0_rowcall"`},
		{with, "apply", 0, "Schema rowcall was installed or brought up to date.\npublic.orders: is live now: function and triggers were made"},
		{with, "plan", 0, "-- Nothing to change"},
		{with, "apply", 0, "Nothing to change"},
		{without, "plan", 0, "-- public.orders is not declared any more: rowcall apply --prune"},
		{without, "plan --prune", 2, `DROP TRIGGER "0_rowcall" ON public.orders;`},
		{without, "apply", 0, "Nothing to change"},
		{noFile, "apply", 0, "No configuration file was read: name it with --config rowcall.yaml.\nNothing to change"},
		{noFile, "plan --json", 0, `"No configuration file was read`},
		{with, "plan --json", 0, `"changes": `},
		{without, "apply --prune --json", 0, `"table": "public.orders"`},
		{without, "plan --prune", 0, "-- Nothing to change"},
		{with, "plan --json", 2, `"is not live: it gets a function and triggers"`},
	} {
		out, status := commandOutput(t, step.env, strings.Fields(step.args)...)
		if status != step.status || !strings.Contains(out, step.says) {
			t.Errorf("%s ends with %d, want %d, and prints %q, want %q in it", step.args, status, step.status, out, step.says)
		}
		if strings.Contains(step.args, "--json") && !json.Valid([]byte(out)) {
			t.Errorf("%s prints what is no JSON: %s", step.args, out)
		}
	}
}

// TestPlanRefusals checks that all problems are reported with their key paths, and that apply then changes nothing.
func TestPlanRefusals(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE orders (id bigint, at timestamptz)`)
	env := declared(t, db, strings.ReplaceAll(declaring, "customer_id", "at"))
	for _, command := range []string{"plan", "apply"} {
		said := fails(t, env, command)
		for _, want := range []string{"the declared tables do not fit the database:\n  tables[0].key: public.orders has no primary key", "tables[0].topics[0].topic: {at} is of type timestamp with time zone"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s says %q, want %q in it", command, said, want)
			}
		}
	}
	if there := db.Text(t, `SELECT to_regnamespace('rowcall') IS NOT NULL`); there != "false" {
		t.Error("a refused apply has made schema rowcall")
	}
}

// TestPruneWithoutAFile checks that no table loses its triggers because a configuration file was forgotten.
func TestPruneWithoutAFile(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"plan", "apply"} {
		refusal{args: []string{command, "--prune"}, want: []string{"--prune needs a configuration", "--config or ROWCALL_CONFIG"}}.check(t)
	}
}

// TestApplyWithoutTables checks that apply says what it did in a new database.
func TestApplyWithoutTables(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	env := declared(t, db, `auth: {users: {table: "-"}}`)
	const want = "Schema rowcall was installed or brought up to date.\nThe declared tables needed no change.\n"
	if out, _ := commandOutput(t, env, "apply"); out != want {
		t.Errorf("it prints %q, want %q", out, want)
	}
	db.Exec(t, `DROP SCHEMA rowcall CASCADE`)
	for _, want := range []string{`"migrated": true`, `"migrated": false`} {
		if out, _ := commandOutput(t, env, "apply", "--json"); !strings.Contains(out, want) || !json.Valid([]byte(out)) {
			t.Errorf("it prints %q, want %q in it", out, want)
		}
	}
}

// TestCommandsOfAnotherRole checks that a role that may not look into schema rowcall is told which role may.
func TestCommandsOfAnotherRole(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	other := "other_" + db.Name
	env := map[string]string{"ROWCALL_DATABASE_URL": asNewRole(t, db, other)}
	for command, want := range map[string]string{
		"plan":      `role "` + other + `" may not read schema rowcall: name the role that migrates in database.migrate_url, or run what rowcall grants --migrate ` + other + ` prints`,
		"uninstall": `role "` + other + `" may not look into schema rowcall: run uninstall as the role that migrates (database.migrate_url), or as a superuser`,
	} {
		refusal{env: env, args: []string{command}, want: []string{want}}.check(t)
	}
}

// asNewRole creates a role that may connect to a database and has no other right, and returns its address.
func asNewRole(t *testing.T, db *schematest.Database, role string) string {
	t.Helper()
	db.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD '`+rowcalltest.Password+`'`)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, rowcalltest.Password)
	return u.String()
}

// TestPlanIsSQL checks that psql runs what plan prints.
func TestPlanIsSQL(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int)`)
	env := declared(t, db, declaring)
	sql, _ := commandOutput(t, env, "plan")
	db.Psql(t, sql)
	if out, status := commandOutput(t, env, "plan"); status != 0 {
		t.Errorf("after psql has run the plan, the next one is: %s", out)
	}
}

// TestApplyTellsThatItWaits checks that an operator hears of a table that somebody holds, and that apply goes on when it
// is released.
func TestApplyTellsThatItWaits(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int)`)
	holder := db.Conn(t)
	if _, err := holder.Exec(t.Context(), `BEGIN`); err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), `INSERT INTO orders VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	log := rowcalltest.NewOutput()
	c := startLogging(t, log, declared(t, db, declaring), "apply")
	const waits = "waiting for a lock: another transaction uses the table"
	rowcalltest.Eventually(t, func() bool { return strings.Contains(log.String(), waits) }, "it does not tell that it waits")
	if _, err := holder.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

package main

import (
	"net/url"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// writtenThings are the rows of the catalog that a start could write in its database.
const writtenThings = `
	SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
		SELECT concat_ws(' ', oid, xmin) FROM pg_class
		UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_namespace
		UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_proc
		UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_trigger
		UNION ALL SELECT concat_ws(' ', oid, xmin) FROM pg_type) s (x)`

// TestFirstStartOnForeignDatabases starts a node with the example file on databases in which the
// tables of the example applications cannot be made: it writes nothing and says what to set.
func TestFirstStartOnForeignDatabases(t *testing.T) {
	t.Parallel()
	apps := []string{"apps: false", "auth.users.table", `"-"`}
	for _, c := range []struct {
		name, made string
		limited    bool // the node's role owns nothing
		want       []string
	}{
		{"users with other columns", `CREATE TABLE users (nr uuid PRIMARY KEY, mail text)`, false, append(apps, "users")},
		{"users as the applications have them", `CREATE TABLE users (id int PRIMARY KEY, username text, password text, is_active boolean, is_staff boolean)`, false, append(apps, "users")},
		{"rooms and messages", `CREATE TABLE chat_rooms (id int); CREATE TABLE chat_messages (id int)`, false, append(apps, "chat_messages, chat_rooms")},
		{"a view", `CREATE VIEW patients AS SELECT 1 AS id`, false, append(apps, "patients")},
		{"a type", `CREATE TYPE dams AS ENUM ('a')`, false, append(apps, "dams")},
		{"another owner", `CREATE TABLE users (id int PRIMARY KEY)`, true, append(apps, "users")},
		{"no right to create in the schema", `REVOKE CREATE ON SCHEMA public FROM PUBLIC`, true, []string{"GRANT CREATE ON SCHEMA public", "apps: false"}},
		{"no schema public", `DROP SCHEMA public`, false, []string{"CREATE SCHEMA public", "apps: false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.Empty)
			db.Exec(t, c.made)
			env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": rowcalltest.ExampleFile(t)}
			if c.limited {
				env["ROWCALL_DATABASE_URL"] = limitedRole(t, db)
			}
			before := db.Psql(t, writtenThings)
			refusal{env: env, args: []string{"serve", "--addr", "127.0.0.1:0"}, want: c.want}.check(t)
			if after := db.Psql(t, writtenThings); after != before {
				t.Error("a start that was refused has written something")
			}
		})
	}
}

// limitedRole makes a role that may create schemas in the database, and nothing else, and returns the
// URL of the database for that role.
func limitedRole(t *testing.T, db *schematest.Database) string {
	t.Helper()
	role := "limited_" + db.Name
	db.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD '`+rowcalltest.Password+`'; GRANT CREATE ON DATABASE `+db.Name+` TO `+role)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, rowcalltest.Password)
	return u.String()
}

// TestUsersTableThatDoesNotFit checks that a node names the setting, and the columns that there are.
func TestUsersTableThatDoesNotFit(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE people (nr int PRIMARY KEY, mail text)`)
	for table, want := range map[string][]string{
		"people": {"auth.users.id", "auth.users.username", "auth.users.password", "auth.users.active", "auth.users.staff", `"-"`, "nr, mail"},
		"folk":   {"auth.users.table", `"-"`},
	} {
		refusal{
			env:  map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_AUTH_USERS_TABLE": table},
			args: []string{"serve", "--addr", "127.0.0.1:0"},
			want: want,
		}.check(t)
	}
}

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/config"
	"rowcall/schema/schematest"
)

// foreignDatabase is a database that others have made, and what init must write about it.
type foreignDatabase struct {
	name  string
	made  string
	users config.Users
	says  []string // in the file
}

func none() config.Users {
	return config.Users{Table: "-", ID: "id", Username: "username", Password: "password", Active: "is_active", Staff: "is_staff"}
}

func foreignDatabases() []foreignDatabase {
	return []foreignDatabase{
		{
			name:  "other names of columns",
			made:  `CREATE DOMAIN number AS int; CREATE TABLE people (nr number PRIMARY KEY, mail text UNIQUE, hash text, enabled boolean, clerk boolean); CREATE TABLE orders (id int PRIMARY KEY, email text)`,
			users: config.Users{Table: "public.people", ID: "nr", Username: "mail", Password: "hash", Active: "enabled", Staff: "-"},
			says:  []string{"Others that could be meant: public.orders", "{customer:int}"},
		},
		{
			name: "names that need quotes, in another schema",
			made: `CREATE SCHEMA "My Shop"; CREATE TABLE "My Shop"."App-Users: #1" ("User ID" bigint PRIMARY KEY, "User-Name" varchar(40) NOT NULL UNIQUE,
				"Password Hash" text, "Is_Admin" boolean, "Is Active" boolean)`,
			users: config.Users{Table: `"My Shop"."App-Users: #1"`, ID: "User ID", Username: "User-Name", Password: "Password Hash", Active: "Is Active", Staff: "Is_Admin"},
		},
		{
			name:  "ids of uuid, and no passwords",
			made:  `CREATE TABLE members (id uuid PRIMARY KEY, email text)`,
			users: config.Users{Table: "public.members", ID: "id", Username: "email", Password: "-", Active: "-", Staff: "-"},
			says:  []string{"{customer:uuid}", "no unique index is on it", "users come with bearer tokens"},
		},
		{
			name:  "a key that is no primary key, of text",
			made:  `CREATE TABLE account (code text NOT NULL UNIQUE, name text, encrypted_password text)`,
			users: config.Users{Table: "public.account", ID: "code", Username: "name", Password: "encrypted_password", Active: "-", Staff: "-"},
			says:  []string{"orders/{customer}"},
		},
		{
			name:  "no table of users",
			made:  `CREATE TABLE orders (id int PRIMARY KEY, email text); CREATE TABLE users (username text, password text); CREATE VIEW accounts AS SELECT 1 AS id, 'a'::text AS username`,
			users: none(),
			says:  []string{"No table was found that holds users", "Tables that could be meant: public.orders"},
		},
		{
			name: "Django",
			made: `CREATE TABLE auth_user (id int PRIMARY KEY, password varchar(128) NOT NULL, last_login timestamptz, is_superuser boolean NOT NULL,
				username varchar(150) NOT NULL UNIQUE, first_name varchar(150), last_name varchar(150), email varchar(254), is_staff boolean NOT NULL, is_active boolean NOT NULL);
				CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL)`,
			users: config.Users{Table: "public.auth_user", ID: "id", Username: "username", Password: "password", Active: "is_active", Staff: "is_staff"},
			says:  []string{"ROWCALL_AUTH_DJANGO_SECRET_KEY", "table: public.django_session"},
		},
		{
			name: "several, some in partitions",
			made: `CREATE SCHEMA crm; CREATE TABLE crm.customers (id int PRIMARY KEY, login text, password text);
				CREATE TABLE users (id int PRIMARY KEY, username text, password_digest text) PARTITION BY RANGE (id);
				CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (1) TO (10)`,
			users: config.Users{Table: "public.users", ID: "id", Username: "username", Password: "password_digest", Active: "-", Staff: "-"},
			says:  []string{"Others that could be meant: crm.customers\n"},
		},
		{
			name:  "names that try to leave their comment",
			made:  "CREATE TABLE \"a\nlog_level: none\nusers\" (id int PRIMARY KEY, username text UNIQUE, password text, is_staff boolean); CREATE TABLE \"b\nlog_level: none\nusers\" (id int PRIMARY KEY, email text); CREATE TABLE \"c.d\ne\" (id int PRIMARY KEY, email text)",
			users: config.Users{Table: "public.\"a\nlog_level: none\nusers\"", ID: "id", Username: "username", Password: "password", Active: "-", Staff: "is_staff"},
		},
	}
}

// TestInit checks that a node starts with the file that init writes, on databases of others.
func TestInit(t *testing.T) {
	t.Parallel()
	for _, c := range foreignDatabases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.Empty)
			db.Exec(t, c.made)
			file := filepath.Join(t.TempDir(), "rowcall.yaml")
			env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_HTTP_ADDR": "127.0.0.1:0", "ROWCALL_CONFIG": file}
			text := c.writes(t, env, file)
			for _, want := range c.says {
				if !strings.Contains(text, want) {
					t.Errorf("the file lacks %q:\n%s", want, text)
				}
			}
			node := start(t, env, "serve")
			node.stdout.After(t, "Rowcall serves", node.ended)
			node.end(t)
		})
	}
}

// writes runs init, checks what the file says of users, with and without its examples, and returns
// the text of the file.
func (c foreignDatabase) writes(t *testing.T, env map[string]string, file string) string {
	t.Helper()
	if err := run(t.Context(), []string{"init", "-o", file, "--origin", "https://app.example.org"}, environment(env), rowcalltest.NewOutput(), rowcalltest.LogTo(t)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?m)^#(  +)`).ReplaceAll(text, []byte("$1"))
	for _, yaml := range [][]byte{text, examples} {
		loaded, err := config.Load(config.Sources{Default: yaml, Environment: map[string]string{"ROWCALL_HTTP_PLAIN": "true"}})
		if err != nil {
			t.Fatalf("the file does not load: %v\n%s", err, yaml)
		}
		if loaded.Auth.Users != c.users || loaded.Apps || len(loaded.HTTP.Origins) != 1 {
			t.Errorf("got %+v, apps %v, origins %v; want %+v", loaded.Auth.Users, loaded.Apps, loaded.HTTP.Origins, c.users)
		}
	}
	return string(text)
}

// TestInitDeclares checks that the examples of declared tables are those that have a key and hold no logins, that
// rowcall apply takes them, and that the next steps are told.
func TestInitDeclares(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE users (id int PRIMARY KEY, username text UNIQUE, password text); CREATE TABLE orders (id int PRIMARY KEY, total numeric);
		CREATE TABLE "Order Items" (code text NOT NULL UNIQUE); CREATE TABLE nokey (id int UNIQUE); CREATE TABLE "rowcall" (id int PRIMARY KEY);
		CREATE TABLE old_accounts (id int PRIMARY KEY, email text, password_hash text); CREATE TABLE late (id int UNIQUE DEFERRABLE, UNIQUE (id) DEFERRABLE);
		CREATE VIEW seen AS SELECT * FROM orders; CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (10); CREATE SCHEMA hidden; CREATE TABLE hidden.secrets (id int PRIMARY KEY)`)
	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_HTTP_PLAIN": "true"}
	said, _ := commandOutput(t, env, "init", "-o", file)
	for _, want := range []string{"The table of users is public.users (auth.users).", "as examples (tables): 3.", "rowcall plan --config " + file, "rowcall apply --config " + file} {
		if !strings.Contains(said, want) {
			t.Errorf("it says %q, want %q in it", said, want)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, regexp.MustCompile(`(?m)^#(  +- table|  +topics:)`).ReplaceAll(text, []byte("$1")), 0o600); err != nil {
		t.Fatal(err)
	}
	env["ROWCALL_CONFIG"] = file
	commandOutput(t, env, "apply")
	const live = `SELECT string_agg(DISTINCT tgrelid::regclass::text, ' ' ORDER BY tgrelid::regclass::text) FROM pg_trigger WHERE tgname = '0_rowcall' AND tgparentid = 0 AND tgrelid <> 'rowcall.sessions'::regclass`
	if got := db.Text(t, live); got != `"Order Items" orders parted` {
		t.Errorf("the examples make these tables live: %s", got)
	}
}

// TestInitNamesTenTables checks that a large database makes no long file.
func TestInitNamesTenTables(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `DO $$ BEGIN FOR i IN 1 .. 12 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', i); END LOOP; END $$`)
	out, _ := commandOutput(t, map[string]string{"ROWCALL_DATABASE_URL": db.URL}, "init", "-o", "-")
	if n := strings.Count(out, "  - table: public.t"); n != 10 || !strings.Contains(out, "# Tables with a key that are not listed here: 2\n") {
		t.Errorf("it names %d tables:\n%s", n, out)
	}
}

// TestInitAsARoleWithFewRights checks what init says to a role that may neither read the table nor
// create a schema, and that its advice works.
func TestInitAsARoleWithFewRights(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	role := "few_" + db.Name
	url := asNewRole(t, db, role)
	db.Exec(t, `CREATE SCHEMA hidden; CREATE TABLE hidden.users (id int PRIMARY KEY, username text, password text)`)
	dir := t.TempDir()
	env := map[string]string{"ROWCALL_DATABASE_URL": url, "ROWCALL_HTTP_ADDR": "127.0.0.1:0", "ROWCALL_CONFIG": filepath.Join(dir, "1.yaml")}
	text := foreignDatabase{users: none()}.writes(t, env, env["ROWCALL_CONFIG"])
	said := fails(t, env, "serve")
	if !strings.Contains(said, "GRANT CREATE ON DATABASE") || strings.Contains(text, rowcalltest.Password) {
		t.Errorf("serve says %q, want the GRANT; the file is\n%s", said, text)
	}
	grants := regexp.MustCompile(`(?m)^ *# (GRANT .*;)$`).FindAllStringSubmatch(text, -1)
	if len(grants) != 2 {
		t.Fatalf("the file has %d lines of grants, want 2:\n%s", len(grants), text)
	}
	for _, grant := range grants {
		db.Exec(t, grant[1])
	}
	env["ROWCALL_CONFIG"] = filepath.Join(dir, "2.yaml")
	foreignDatabase{users: config.Users{Table: "hidden.users", ID: "id", Username: "username", Password: "password", Active: "-", Staff: "-"}}.writes(t, env, env["ROWCALL_CONFIG"])
	node := start(t, env, "serve")
	node.stdout.After(t, "Rowcall serves", node.ended)
	node.end(t)
}

// TestInitRefuses checks that init replaces no file, and says what it lacks.
func TestInitRefuses(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	there := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.yaml")
	with := map[string]string{"ROWCALL_DATABASE_URL": db.URL}
	for _, r := range []refusal{
		{name: "the file is there", env: with, args: []string{"init", "-o", there}, want: []string{there, "is there already", "--output"}},
		{name: "no database", args: []string{"init", "-o", other}, want: []string{"no database is named", "ROWCALL_DATABASE_URL"}},
		{name: "an origin that is none", env: with, args: []string{"init", "-o", other, "--origin", "app.example.org"}, want: []string{"http.origins", "app.example.org"}},
		{name: "a file to read", env: with, args: []string{"init", "--config", there}, want: []string{"--config", "--output"}},
		{name: "no such folder", env: with, args: []string{"init", "-o", filepath.Join(other, "x.yaml")}, want: []string{"writing the configuration", "no such file"}},
	} {
		t.Run(r.name, r.check)
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "mine" {
		t.Errorf("the file that was there holds %q, %v", text, err)
	}
	if _, err := os.Lstat(other); err == nil {
		t.Error("a refused init has written a file")
	}
}

// TestInitToStdout checks that nothing but the file is printed.
func TestInitToStdout(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	out := &strings.Builder{}
	if err := run(t.Context(), []string{"init", "-o", "-", "--database-url", db.URL}, environment(nil), out, rowcalltest.LogTo(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(config.Sources{Default: []byte(out.String())}); err != nil || !strings.HasPrefix(out.String(), "# Configuration of Rowcall") {
		t.Errorf("%v\n%s", err, out)
	}
}

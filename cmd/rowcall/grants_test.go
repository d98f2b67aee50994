package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// granted is what grants prints.
func granted(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	out := rowcalltest.NewOutput()
	if err := run(t.Context(), append([]string{"grants"}, args...), environment(env), out, rowcalltest.LogTo(t)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// statements are the lines of a script that are no comments.
func statements(script string) (lines []string) {
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	return lines
}

const shopConfig = `
auth: {users: {table: shop.people, username: mail}}
topics: [{topic: 'orders/{customer_id:int}', allow: authenticated, access: SELECT @customer_id = @me AS allowed}]
resources: [{name: orders, table: shop."Orders", allow: authenticated}]
functions: [{name: place, function: shop.place, allow: authenticated}]
`

const shopTables = `
CREATE SCHEMA shop;
CREATE TABLE shop.people (id int PRIMARY KEY, mail text UNIQUE, password text, is_active boolean, is_staff boolean);
CREATE TABLE shop."Orders" (id int PRIMARY KEY, customer_id int);
ALTER TABLE shop."Orders" ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION shop.place(note text) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION shop.place FROM PUBLIC;
REVOKE CONNECT ON DATABASE "my shop" FROM PUBLIC`

// startShop makes database "my shop". The function returns its address for a role whose password is its name.
func startShop(t *testing.T) (shop *schematest.Database, as func(role string) string) {
	t.Helper()
	server := schematest.Private(t, schematest.Empty)
	server.Exec(t, `CREATE DATABASE "my shop"`)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.Path = "/my shop"
	shop = &schematest.Database{URL: at.String(), Name: "my shop", Cluster: server.Cluster}
	shop.Exec(t, shopTables)
	return shop, func(role string) string {
		at.User = url.UserPassword(role, role)
		return at.String()
	}
}

// TestGrants has an administrator run what grants prints, and then migrates and serves with roles that are no superusers
// and may not create roles.
func TestGrants(t *testing.T) {
	t.Parallel()
	shop, as := startShop(t)
	super := shop.URL
	const migrator, serving = `shop "owner"`, "svc@project.iam"
	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(file, []byte(shopConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ROWCALL_CONFIG": file, "ROWCALL_DATABASE_URL": super, "ROWCALL_HTTP_ADDR": "127.0.0.1:0"}
	online := granted(t, env, "--migrate", migrator, "--serve", serving)
	env["ROWCALL_DATABASE_URL"] = "postgres://" + schematest.UnusedAddress(t) + "/my%20shop"
	offline := granted(t, env, "--migrate", migrator, "--serve", serving)
	if strings.Join(statements(online), "\n") != strings.Join(statements(offline), "\n") || !strings.Contains(offline, "was not asked") {
		t.Errorf("with a database that has nothing of it yet:\n%s\nand without a database:\n%s", online, offline)
	}
	for _, statement := range statements(offline) {
		shop.Exec(t, statement)
	}
	for _, role := range []string{migrator, serving} {
		shop.Exec(t, `ALTER ROLE "`+strings.ReplaceAll(role, `"`, `""`)+`" PASSWORD '`+role+`'`)
	}
	env["ROWCALL_DATABASE_URL"], env["ROWCALL_DATABASE_MIGRATE_URL"] = as(serving), as(migrator)
	if err := run(t.Context(), []string{"migrate"}, environment(env), rowcalltest.NewOutput(), rowcalltest.LogTo(t)); err != nil {
		t.Fatal(err)
	}
	node := start(t, env, "serve", "--migrate=false")
	node.stdout.After(t, "Rowcall serves", node.ended)
	node.end(t)
	if left := granted(t, env); len(statements(left)) > 0 || !strings.Contains(left, "Nothing is missing in database my shop.") {
		t.Errorf("after all that was to be run:\n%s", left)
	}
	if said, status := examined(t, env); status != 0 {
		t.Errorf("doctor ends with %d:\n%s", status, said)
	}
	grantsOfMissing(t, shop, env, serving)
}

// grantsOfMissing takes rights away, and sees grants name those, and nothing else.
func grantsOfMissing(t *testing.T, shop *schematest.Database, env map[string]string, serving string) {
	t.Helper()
	shop.Exec(t, `REVOKE rowcall_server FROM "`+serving+`"; REVOKE UPDATE ON shop."Orders" FROM rowcall_app`)
	left := statements(granted(t, env))
	if len(left) != 2 || !strings.HasPrefix(left[0], `GRANT "rowcall_server" TO "svc@project.iam"`) && !strings.HasPrefix(left[0], `GRANT rowcall_server TO "svc@project.iam"`) || !strings.HasSuffix(left[1], `ON "shop"."Orders" TO rowcall_app;`) {
		t.Errorf("two rights are missing: got %q", left)
	}
	for _, statement := range left {
		shop.Exec(t, statement)
	}
	if left := statements(granted(t, env)); len(left) > 0 {
		t.Errorf("nothing is missing: got %q", left)
	}
}

// TestGrantsForAnotherRole lets a second role migrate what the first one owns, with a name that tries to leave a comment.
func TestGrantsForAnotherRole(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	const role = "new\n; DROP SCHEMA rowcall CASCADE; --"
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL}
	script := granted(t, env, "--migrate", role)
	if !strings.Contains(script, `GRANT "rowcall_owner" TO "new`) {
		t.Errorf("the owner of the schema is not granted:\n%s", script)
	}
	if _, err := db.Conn(t).PgConn().Exec(t.Context(), script).ReadAll(); err != nil {
		t.Error(err)
	}
	if again := granted(t, env, "--migrate", role); !strings.Contains(again, "Nothing is missing") {
		t.Errorf("after all that was to be run:\n%s", again)
	}
	if db.Text(t, `to_regnamespace('rowcall') IS NOT NULL`) != "true" {
		t.Error("the script has dropped schema rowcall")
	}
}

// TestGrantsForDeclaredTables lets the role that migrates act for the owners of declared tables, which makes the tables
// live, and the role that serves read them.
func TestGrantsForDeclaredTables(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Exec(t, `CREATE ROLE clerk; CREATE ROLE boss; CREATE ROLE stranger; CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY);
		CREATE TABLE sales."it's \ secret" (id int); ALTER TABLE sales."it's \ secret" OWNER TO stranger;
		CREATE TABLE public."Staff" (id int PRIMARY KEY); ALTER TABLE sales.orders OWNER TO clerk; ALTER TABLE public."Staff" OWNER TO boss`)
	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	const declared = "auth: {users: {table: '-'}}\ntables: [{table: 'sales.*', except: ['\"it''s \\ secret\"'], topics: [{topic: '{table}'}]}, {table: 'public.\"Staff\"', topics: [{topic: staff}]}]\n"
	if err := os.WriteFile(file, []byte(declared), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ROWCALL_CONFIG": file, "ROWCALL_DATABASE_URL": db.URL}
	script := granted(t, env, "--migrate", "app", "--serve", "node")
	for _, want := range []string{"GRANT \"clerk\" TO \"app\"", "GRANT \"boss\" TO \"app\"", "DO E'DECLARE name text;", "GRANT SELECT ON \"public\".\"Staff\" TO rowcall_server;"} {
		if !strings.Contains(script, "\n"+want) {
			t.Errorf("it lacks %s:\n%s", want, script)
		}
	}
	if strings.Contains(script, "stranger") {
		t.Errorf("the owner of a table that is excepted is granted:\n%s", script)
	}
	for _, statement := range statements(script) {
		db.Exec(t, statement)
	}
	if left := statements(granted(t, env, "--migrate", "app", "--serve", "node")); len(left) > 0 {
		t.Errorf("after all that was to be run: got %q", left)
	}
	if db.Text(t, `has_table_privilege('rowcall_server', 'sales."it''s \ secret"', 'SELECT')`) != "false" {
		t.Error("nodes may read a table that is excepted")
	}
	at, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	for variable, role := range map[string]string{"ROWCALL_DATABASE_MIGRATE_URL": "app", "ROWCALL_DATABASE_URL": "node"} {
		db.Exec(t, `ALTER ROLE `+role+` PASSWORD '`+role+`'`)
		at.User = url.UserPassword(role, role)
		env[variable] = at.String()
	}
	if err := run(t.Context(), []string{"apply"}, environment(env), rowcalltest.NewOutput(), rowcalltest.LogTo(t)); err != nil {
		t.Fatal(err)
	}
	if said, status := examined(t, env); status != 0 {
		t.Errorf("doctor ends with %d:\n%s", status, said)
	}
}

// TestGrantsMakeNoSuperuser declares a table of a superuser: the role that migrates does not become one, and a note says what
// to do instead.
func TestGrantsMakeNoSuperuser(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Exec(t, `CREATE ROLE root SUPERUSER; CREATE TABLE "Mine" (id int PRIMARY KEY); ALTER TABLE "Mine" OWNER TO root`)
	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	const declared = "auth: {users: {table: '-'}}\ntables: [{table: 'public.\"Mine\"', topics: [{topic: mine}]}]\n"
	if err := os.WriteFile(file, []byte(declared), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ROWCALL_CONFIG": file, "ROWCALL_DATABASE_URL": db.URL}
	script := granted(t, env, "--migrate", "app")
	if strings.Contains(script, `GRANT "root"`) || !strings.Contains(script, `ALTER TABLE public."Mine" OWNER TO "app"`) {
		t.Errorf("with a table of a superuser:\n%s", script)
	}
	for _, statement := range append(statements(script), `ALTER TABLE public."Mine" OWNER TO "app"`) {
		db.Exec(t, statement)
	}
	if script := granted(t, env, "--migrate", "app"); strings.Contains(script, "ALTER TABLE") || !strings.Contains(script, "Nothing is missing") {
		t.Errorf("after the owner was changed:\n%s", script)
	}
}

// TestGrantsForOwner asks for one role that owns the tables and schema rowcall, migrates and serves: nothing is missing
// that this role needs, and each statement is printed once.
func TestGrantsForOwner(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Exec(t, `CREATE ROLE shop LOGIN PASSWORD 'shop'; CREATE ROLE other LOGIN; GRANT CREATE ON DATABASE `+db.Name+` TO shop;
		CREATE TABLE orders (id int PRIMARY KEY); ALTER TABLE orders OWNER TO shop; CREATE TABLE closed (id int PRIMARY KEY)`)
	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	const declared = "auth: {users: {table: '-'}}\ntables: [{table: public.orders, topics: [{topic: orders}]}]\n"
	if err := os.WriteFile(file, []byte(declared), 0o600); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("shop", "shop")
	env := map[string]string{"ROWCALL_CONFIG": file, "ROWCALL_DATABASE_URL": at.String()}
	if err := run(t.Context(), []string{"apply"}, environment(env), rowcalltest.NewOutput(), rowcalltest.LogTo(t)); err != nil {
		t.Fatal(err)
	}
	const note = `-- Role "shop" owns schema rowcall, so it can serve without these statements.`
	script := granted(t, env)
	if !strings.Contains(script, note) || !strings.Contains(script, "\nGRANT rowcall_server TO \"shop\"") || !strings.Contains(script, "Nothing is missing") {
		t.Errorf("for the owner:\n%s", script)
	}
	if script := granted(t, env, "--migrate", "other"); strings.Count(script, `GRANT "shop" TO "other"`) != 1 {
		t.Errorf("for another role that migrates, want one GRANT of the owner:\n%s", script)
	}
	if script := granted(t, env, "--serve", "other"); strings.Contains(script, note) || strings.Contains(script, "Nothing is missing") {
		t.Errorf("for another role that serves:\n%s", script)
	}
	const closed = "auth: {users: {table: '-'}}\ntables: [{table: public.closed, topics: [{topic: closed}]}]\n"
	if err := os.WriteFile(file, []byte(closed), 0o600); err != nil {
		t.Fatal(err)
	}
	if script := granted(t, env, "--serve", "shop"); !strings.Contains(script, "Statements that are missing in database "+db.Name+": 1.") {
		t.Errorf("with a table that the owner of schema rowcall may not read:\n%s", script)
	}
}

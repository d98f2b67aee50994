package triggers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// role makes a role of the test's own, dropped when the test ends.
func role(t testing.TB, db *schematest.Database, name string) string {
	t.Helper()
	name += "_" + db.Name
	db.Exec(t, `CREATE ROLE `+name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testdeadline.Hang()) // the test's own has ended
		defer cancel()
		conn, err := pgx.Connect(ctx, db.URL)
		if err != nil {
			t.Fatalf("connect to drop role %s: %v", name, err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, `DROP OWNED BY `+name+` CASCADE; DROP ROLE `+name); err != nil {
			t.Errorf("drop role %s: %v", name, err)
		}
	})
	return name
}

// The audit of security.md, and more: no function of ours runs with its owner's rights on a path that others choose.
func TestAudit(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	for what, query := range map[string]string{
		"names another path": `SELECT proname FROM pg_proc WHERE pronamespace = 'rowcall'::regnamespace
			AND proconfig::text LIKE '%search_path=%' AND NOT proconfig::text LIKE '%search_path=pg_catalog, pg_temp%'`,
		"may be called by everybody": `SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
			WHERE p.pronamespace = 'rowcall'::regnamespace AND a.grantee = 0`,
		"may be called by others than its owner": `SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
			WHERE p.oid IN ('rowcall.set_state'::regproc, 'rowcall.ring'::regproc) AND a.grantee <> p.proowner`,
		"is open to everybody": `SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
			WHERE c.relnamespace = 'rowcall'::regnamespace AND a.grantee = 0`,
		"is not the owner's": `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'rowcall'::regnamespace AND c.relowner <> 'rowcall_owner'::regrole
			UNION ALL SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'rowcall'::regnamespace AND p.proowner <> 'rowcall_owner'::regrole`,
		"does not fire first": `SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
			WHERE p.pronamespace = 'rowcall'::regnamespace AND t.tgname::text COLLATE "C" >= '1'`,
		"does not fire always": `SELECT t.tgrelid::regclass || ' ' || p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
			WHERE p.pronamespace = 'rowcall'::regnamespace AND t.tgenabled <> 'A' AND p.proname NOT IN ('admit', 'stamp_patient')`,
		"logs in": `SELECT rolname FROM pg_roles WHERE rolname LIKE 'rowcall_%' AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb)`,
	} {
		rows, _ := d.Query(t.Context(), query)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(names) > 0 {
			t.Errorf("%s: %v %v", what, names, err)
		}
	}
}

// TestFunctionsWithoutAPathQualifyEveryName reads the text of every function that has no search_path of its own. Bodies of
// standard SQL are bound to what they call when they are made.
func TestFunctionsWithoutAPathQualifyEveryName(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	rows, _ := d.Query(t.Context(), `SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'rowcall'::regnamespace
		AND prosqlbody IS NULL AND NOT coalesce(proconfig::text, '') LIKE '%search_path=%'`)
	bodies := make(map[string]string)
	var name, body string
	if _, err := pgx.ForEachRow(rows, []any{&name, &body}, func() error { bodies[name] = body; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, always := range []string{"publish", "ring", "on_chat_messages", "on_job_postings", "on_patients", "on_dams", "on_hydrographs", "fields", "json_with_iso"} {
		if bodies[always] == "" {
			t.Errorf("%s has a search_path, which costs every writer", always)
		}
	}
	for name, body := range bodies {
		if found := schematest.Unqualified(body); len(found) > 0 {
			t.Errorf("%s leaves to the caller's search_path: %q", name, found)
		}
	}
}

// A writer without any right on schema rowcall files events all the same, and can do nothing else there.
func TestOrdinaryWriter(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d, writer := at(t, db), role(t, db, "writer")
	d.run(`GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO ` + writer)
	w := at(t, db)
	w.run(`SET SESSION AUTHORIZATION ` + writer)
	w.run(`UPDATE chat_join_requests SET status = 'admitted' WHERE id = 1;
	       INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 3, 'x'); TRUNCATE job_postings; DELETE FROM chat_rooms`)
	d.expectCounts(map[string]int{"did_alter_join_request": 2, "member_joined": 1, "room_joined": 1, "chat_message_created": 1,
		"room_left": 4, "room_deleted": 4, "join_request_deleted": 2, "chat_message_deleted": 5, "rowcall.access": 7})

	d.run(`GRANT USAGE ON SCHEMA rowcall TO ` + writer) // even then
	for _, sql := range []string{
		`SELECT rowcall.publish('a', 'x', '{}')`, `SELECT rowcall.revalidate('a')`, `SELECT rowcall.revalidate_user('1')`, `SELECT rowcall.cursor()`, `SELECT * FROM rowcall.preview()`,
		`SELECT rowcall.reset('{a}', 'truncate')`,
		`SELECT rowcall.epoch()`, `SELECT rowcall.new_epoch()`, `SELECT rowcall.flip_gate(1)`, `SELECT rowcall.keep_alive(1)`, `SELECT rowcall.ring('a')`,
		`SELECT * FROM rowcall.log`, `SELECT * FROM rowcall.log_0`, `INSERT INTO rowcall.log_0 (slot, topic, type) VALUES (0, 'a', 'x')`,
		`SELECT * FROM rowcall.sessions`, `SELECT * FROM rowcall.boot`, `UPDATE rowcall.floor SET xid = '5'`, `SELECT FROM rowcall.floor FOR KEY SHARE`, `SELECT nextval('rowcall.state')`, `SELECT setval('rowcall.state', 1)`, `SELECT rowcall.set_state(1, 1, 1)`, `SELECT rowcall.writing_slot()`,
		`CREATE TABLE rowcall.mine ()`, `CREATE TEMP TABLE mine (); CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION rowcall.on_users()`,
	} {
		if _, err := w.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("an ordinary role may %s: %v", sql, err)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	one[string](at(t, db), `SELECT rowcall.epoch()`)
	const write = `SELECT rowcall.publish('a', 'x', '{}'), rowcall.revalidate('a'), rowcall.revalidate_user('1'), rowcall.fields(ROW('\u')), rowcall.iso(now())`
	for _, c := range []struct{ role, may, mayNot string }{
		{"rowcall_publisher", write, `SELECT rowcall.cursor()`},
		{"rowcall_reader", `SELECT rowcall.cursor(), rowcall.iso(now())`, `SELECT rowcall.publish('a', 'x', '{}')`},
		{"rowcall_publisher", `SELECT 1`, `SELECT rowcall.reset('{a}', 'truncate')`},
		{"rowcall_server", `SELECT rowcall.reset(ARRAY['a/{b}'], 'schema')`, `SELECT rowcall.revalidate('a')`},
		{"rowcall_reader", `SELECT * FROM rowcall.preview()`, `SELECT * FROM rowcall.log`},
		{"rowcall_publisher", `SELECT 1`, `SELECT * FROM rowcall.preview()`},
		{"rowcall_server", `SELECT 1`, `SELECT * FROM rowcall.preview()`},
		{"rowcall_server", `SELECT rowcall.epoch(), rowcall.cursor(), rowcall.keep_alive(1)`, `SELECT rowcall.publish('a', 'x', '{}')`},
		{"rowcall_server", `SELECT FROM rowcall.log, rowcall.floor, rowcall.boot, rowcall.state, rowcall.core_migrations, rowcall.apps_migrations`, `DELETE FROM rowcall.log`},
		{"rowcall_server", `SELECT FROM rowcall.floor`, `SELECT FROM rowcall.floor FOR KEY SHARE`}, // its row is the lock of the state
		{"rowcall_server", `SELECT rowcall.flip_gate(1), rowcall.new_epoch(), pg_current_snapshot()`, `SELECT rowcall.set_state(1, 1, 1)`},
		{"rowcall_server", `INSERT INTO rowcall.sessions VALUES ('a', '5', '', now()); UPDATE rowcall.sessions SET data = 'x'; DELETE FROM rowcall.sessions WHERE true`, `TRUNCATE rowcall.sessions`},
		{"rowcall_server", `SELECT password FROM users; SELECT FROM chat_rooms, chat_room_members, chat_messages, chat_join_requests, patients, dams, hydrographs, hydrograph_points, job_postings`, `UPDATE users SET is_staff = true`},
		{"rowcall_owner", `SELECT username, first_name FROM users`, `SELECT password FROM users`},
	} {
		d := at(t, db)
		d.run(`SET SESSION AUTHORIZATION ` + c.role)
		if _, err := d.Exec(t.Context(), c.may, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Errorf("%s may not %s: %v", c.role, c.may, err)
		}
		if _, err := d.Exec(t.Context(), c.mayNot, pgx.QueryExecModeSimpleProtocol); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s may %s: %v", c.role, c.mayNot, err)
		}
	}
}

// A writer who puts functions, operators and tables of his own in front of PostgreSQL's gets none of them called.
func TestSearchPathAttack(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d, attacker := at(t, db), role(t, db, "attacker")
	d.run(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ` + attacker +
		`; GRANT CREATE, TEMPORARY ON DATABASE ` + db.Name + ` TO ` + attacker)
	a := at(t, db)
	a.run(`SET SESSION AUTHORIZATION ` + attacker)
	a.run(strings.ReplaceAll(`
		CREATE SCHEMA evil; CREATE TABLE evil.stolen (who text); GRANT ALL ON SCHEMA evil TO PUBLIC; GRANT ALL ON evil.stolen TO PUBLIC;
		CREATE FUNCTION evil.take() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN
			INSERT INTO evil.stolen VALUES (current_user);
			IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) THEN ALTER ROLE ATTACKER SUPERUSER; END IF; END $f$;
		CREATE FUNCTION evil.json_build_object(text, text) RETURNS json LANGUAGE sql AS 'SELECT evil.take(); SELECT NULL::json';
		CREATE FUNCTION evil.to_json(text) RETURNS json LANGUAGE sql AS 'SELECT evil.take(); SELECT NULL::json';
		CREATE FUNCTION evil.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT evil.take()';
		CREATE FUNCTION evil.pg_sequence_last_value(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT evil.take(); SELECT 0::bigint';
		CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT evil.take(); SELECT now()';
		CREATE FUNCTION evil.replace(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT evil.take(); SELECT $$evil$$';
		CREATE FUNCTION evil.nextval(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT evil.take(); SELECT 0::bigint';
		CREATE FUNCTION evil.glue(text, bigint) RETURNS text LANGUAGE sql AS 'SELECT evil.take(); SELECT $$evil$$';
		CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = bigint, FUNCTION = evil.glue);
		CREATE FUNCTION evil.same(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT evil.take(); SELECT false';
		CREATE OPERATOR evil.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.same);
		CREATE TEMP TABLE log_0 (x int); CREATE TEMP TABLE users (id bigint); CREATE TEMP TABLE chat_rooms (id bigint);
		CREATE FUNCTION pg_temp.to_json(text) RETURNS json LANGUAGE sql AS 'SELECT evil.take(); SELECT NULL::json';
		SET search_path = pg_temp, evil, pg_catalog, public`, "ATTACKER", attacker))
	a.run(`INSERT INTO public.chat_messages (id, room_id, sender_id, message) VALUES (70, 1, 1, 'x'); UPDATE public.chat_messages SET room_id = 2 WHERE id = 70;
	       UPDATE public.chat_join_requests SET status = 'admitted'; DELETE FROM public.chat_rooms WHERE id = 1;
	       INSERT INTO public.dams (name) VALUES ('x'); UPDATE public.patients SET first_name = 'x'; INSERT INTO public.job_postings (user_id) VALUES (1);
	       UPDATE public.users SET is_active = false`)
	if n := one[int](d, `SELECT count(*) FROM evil.stolen`); n > 0 {
		t.Errorf("functions of the writer's were called %d times", n)
	}
	if n := len(d.events()); n < 20 {
		t.Errorf("only %d events were filed", n)
	}
	if one[bool](d, `SELECT rolsuper FROM pg_roles WHERE rolname = $1`, attacker) {
		t.Error("an ordinary role became superuser")
	}
}

package schema_test

import (
	"database/sql"
	"strings"
	"testing"

	"rowcall/schema"
	"rowcall/schema/schematest"
)

// TestRightsOfNodes serves as roles with rights granted by hand. What the text says to run is enough, and everything
// that rowcall_server has for its work is asked for.
func TestRightsOfNodes(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	root, role := db.DB(t), `odd "one".`+db.Name
	quoted := `"` + strings.ReplaceAll(role, `"`, `""`) + `"`
	run(t, root, `CREATE ROLE `+quoted+` LOGIN PASSWORD `+`'`+role+`'`)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+quoted+`; DROP ROLE `+quoted) })
	node, all := as(t, db, db.Name, role), schema.Needs{Accounts: true, Apps: true}

	said := missingRights(t, node, all)
	join, grants, _ := strings.Cut(strings.TrimPrefix(said, "role "+quoted+" lacks rights that a node needs: "), ", or only what is missing: ")
	if join != "GRANT rowcall_server TO "+quoted || !strings.HasPrefix(grants, "GRANT USAGE ON SCHEMA rowcall TO ") {
		t.Fatalf("a role without rights: got %q", said)
	}
	run(t, root, grants)
	if said := missingRights(t, node, all); said != "" {
		t.Errorf("after what it said to run: got %q, want nothing", said)
	}
	const unasked = `SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM (
		SELECT relname::text FROM pg_class c, aclexplode(relacl) a WHERE relnamespace = 'rowcall'::regnamespace AND a.grantee = 'rowcall_server'::regrole
			AND NOT has_table_privilege($1, c.oid, a.privilege_type)
		UNION ALL SELECT proname FROM pg_proc p, aclexplode(proacl) a WHERE pronamespace = 'rowcall'::regnamespace AND a.grantee = 'rowcall_server'::regrole
			AND NOT has_function_privilege($1, p.oid, 'EXECUTE')) s (name)`
	if got := one[string](t, root, unasked, role); got != "cursor" { // which is for the SQL of others
		t.Errorf("rights of rowcall_server that are not asked for: got %q, want cursor alone", got)
	}

	run(t, root, `REVOKE EXECUTE ON FUNCTION rowcall.note_run FROM `+quoted+`; REVOKE SELECT ON rowcall.server_run FROM `+quoted+`; REVOKE DELETE ON rowcall.sessions FROM `+quoted)
	said = missingRights(t, node, schema.Needs{})
	if want := "GRANT EXECUTE ON FUNCTION rowcall.note_run TO " + quoted + "; GRANT SELECT ON TABLE rowcall.server_run TO " + quoted; !strings.HasSuffix(said, ": "+want) {
		t.Errorf("without two rights: got %q, want %q", said, want)
	}
	run(t, root, `ALTER ROLE `+quoted+` NOINHERIT; GRANT rowcall_server TO `+quoted)
	if said = missingRights(t, node, all); !strings.Contains(said, ": ALTER ROLE "+quoted+" INHERIT, or only") && !strings.Contains(said, "WITH INHERIT TRUE, or only") {
		t.Errorf("as a member that does not inherit: got %q, want what lets it", said)
	}
}

func missingRights(t *testing.T, db *sql.DB, n schema.Needs) string {
	t.Helper()
	said, err := schema.MissingRights(t.Context(), db, n)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

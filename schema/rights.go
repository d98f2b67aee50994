package schema

import (
	"context"
	"database/sql"
	"fmt"
)

// Needs says what a node works with beside the log.
type Needs struct {
	Accounts bool // a table of users: the node keeps logins
	Apps     bool // the example applications
}

// missingRights asks which rights a node needs in schema rowcall and its role does not have. They are those of
// rowcall_server that are used. What is not there yet is left out: the migration that makes it is pending.
const missingRights = `
WITH needed (kind, name, privilege, of) AS (
	SELECT 'TABLE', unnest('{log, floor, boot, server_run, slot, gate, alive, core_migrations}'::text[]), 'SELECT', true
	UNION ALL SELECT 'TABLE', 'sessions', unnest('{SELECT, INSERT, UPDATE, DELETE}'::text[]), $1
	UNION ALL SELECT 'TABLE', 'apps_migrations', 'SELECT', $2
	UNION ALL SELECT 'FUNCTION', unnest('{epoch, new_epoch, leave_epoch, note_run, flip_gate, keep_alive, empty_next_slot, advance_slot, log_state, utf8,
		iso, json_with_iso, json_at_utc, json_at_other_zone, with_iso, holds_instants}'::text[]), 'EXECUTE', true
	UNION ALL SELECT 'FUNCTION', 'jobs_work', 'EXECUTE', $2
), lacking AS (
	SELECT n.kind, n.name, n.privilege FROM needed n JOIN pg_catalog.pg_class c ON c.relnamespace = to_regnamespace('rowcall') AND c.relname = n.name
	WHERE n.of AND n.kind = 'TABLE' AND NOT has_table_privilege(c.oid, n.privilege)
	UNION ALL
	SELECT n.kind, n.name, n.privilege FROM needed n JOIN pg_catalog.pg_proc p ON p.pronamespace = to_regnamespace('rowcall') AND p.proname = n.name
	WHERE n.of AND n.kind = 'FUNCTION' AND NOT has_function_privilege(p.oid, n.privilege)
), grants AS (
	SELECT 1 AS place, format('GRANT USAGE ON SCHEMA rowcall TO %I', current_user) AS statement
	WHERE NOT has_schema_privilege(to_regnamespace('rowcall'), 'USAGE')
	UNION ALL
	SELECT 2, format('GRANT %s ON %s %s TO %I', privilege, kind, string_agg('rowcall.' || name, ', ' ORDER BY name), current_user)
	FROM lacking GROUP BY privilege, kind
)
SELECT current_user, coalesce((SELECT string_agg(statement, '; ' ORDER BY place, statement) FROM grants), ''),
       CASE WHEN to_regrole('rowcall_server') IS NULL THEN ''
            WHEN NOT pg_has_role('rowcall_server', 'MEMBER') THEN format('GRANT rowcall_server TO %I', current_user)
            WHEN NOT pg_has_role('rowcall_server', 'USAGE') AND current_setting('server_version_num')::integer < 160000
                THEN format('ALTER ROLE %I INHERIT', current_user)
            WHEN NOT pg_has_role('rowcall_server', 'USAGE') THEN format('GRANT rowcall_server TO %I WITH INHERIT TRUE', current_user)
            ELSE '' END`

// MissingRights says which rights in schema rowcall the role lacks that is to serve a node, and which statements mend
// that. It returns an empty text if nothing is missing.
func MissingRights(ctx context.Context, db *sql.DB, n Needs) (string, error) {
	var role, grants, join string
	if err := db.QueryRowContext(ctx, missingRights, n.Accounts, n.Apps).Scan(&role, &grants, &join); err != nil {
		return "", fmt.Errorf("look at the rights of the serving role: %w", err)
	}
	switch {
	case grants == "":
		return "", nil
	case join == "":
		return fmt.Sprintf("role %s lacks rights that a node needs: %s", quote(role), grants), nil
	}
	return fmt.Sprintf("role %s lacks rights that a node needs: %s, or only what is missing: %s", quote(role), join, grants), nil
}

package schema

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Needs says what a node works with beside the log.
type Needs struct {
	Accounts bool // a table of users: the node keeps logins
	Apps     bool // the example applications
}

// missingRights asks which rights a node needs in schema rowcall and role $3 does not have. They are those of
// rowcall_server that are used. What is not there yet is left out: the migration that makes it is pending.
const missingRights = `
WITH needed (kind, name, privilege, of) AS (
	SELECT 'TABLE', unnest('{log, floor, boot, server_run, state, core_migrations}'::text[]), 'SELECT', true
	UNION ALL SELECT 'TABLE', 'sessions', unnest('{SELECT, INSERT, UPDATE, DELETE}'::text[]), $1
	UNION ALL SELECT 'TABLE', 'apps_migrations', 'SELECT', $2
	UNION ALL SELECT 'FUNCTION', unnest('{epoch, new_epoch, leave_epoch, note_run, gate_generation, slot_rotations, files_until, flip_gate, keep_alive,
		empty_next_slot, advance_slot, log_state, utf8, reset,
		iso, json_with_iso, json_at_utc, json_at_other_zone, with_iso, parts_of, holds_instants, holds_json, json_settled,
		json_by_output, json_of_fields, json_of_rows, kernel_of, form_of, fields_of}'::text[]), 'EXECUTE', true
	UNION ALL SELECT 'FUNCTION', 'jobs_work', 'EXECUTE', $2
), lacking AS (
	SELECT n.kind, n.name, n.privilege FROM needed n JOIN pg_catalog.pg_class c ON c.relnamespace = to_regnamespace('rowcall') AND c.relname = n.name
	WHERE n.of AND n.kind = 'TABLE' AND NOT has_table_privilege($3::name, c.oid, n.privilege)
	UNION ALL
	SELECT n.kind, n.name, n.privilege FROM needed n JOIN pg_catalog.pg_proc p ON p.pronamespace = to_regnamespace('rowcall') AND p.proname = n.name
	WHERE n.of AND n.kind = 'FUNCTION' AND NOT has_function_privilege($3::name, p.oid, 'EXECUTE')
), grants AS (
	SELECT 1 AS place, format('GRANT USAGE ON SCHEMA rowcall TO %I', $3::name) AS statement
	WHERE NOT has_schema_privilege($3::name, to_regnamespace('rowcall'), 'USAGE')
	UNION ALL
	SELECT 2, format('GRANT %s ON %s %s TO %I', privilege, kind, string_agg('rowcall.' || name, ', ' ORDER BY name), $3::name)
	FROM lacking GROUP BY privilege, kind
)
SELECT coalesce((SELECT string_agg(statement, E'\n' ORDER BY place, statement) FROM grants), ''),
       CASE WHEN to_regrole('rowcall_server') IS NULL THEN ''
            WHEN NOT pg_has_role($3::name, 'rowcall_server', 'MEMBER') THEN format('GRANT rowcall_server TO %I', $3::name)
            WHEN NOT pg_has_role($3::name, 'rowcall_server', 'USAGE') AND current_setting('server_version_num')::integer < 160000
                THEN format('ALTER ROLE %I INHERIT', $3::name)
            WHEN NOT pg_has_role($3::name, 'rowcall_server', 'USAGE') THEN format('GRANT rowcall_server TO %I WITH INHERIT TRUE', $3::name)
            ELSE '' END`

// RightsGap lists the rights that a serving role does not have. Run either Join or all of Grants.
type RightsGap struct {
	Role   string
	Join   string   // the statement that gives the role all rights of rowcall_server; empty: there is no such role, or that would not help
	Grants []string // the statements that give exactly the missing rights; empty: nothing is missing
}

// ServingRights returns what a role lacks in schema rowcall to serve a node. An empty role is that of the connection.
func ServingRights(ctx context.Context, db *sql.DB, role string, n Needs) (RightsGap, error) {
	gap := RightsGap{Role: role}
	if role == "" {
		if err := db.QueryRowContext(ctx, `SELECT current_user`).Scan(&gap.Role); err != nil {
			return gap, fmt.Errorf("ask for the serving role: %w", err)
		}
	}
	var grants string
	if err := db.QueryRowContext(ctx, missingRights, n.Accounts, n.Apps, gap.Role).Scan(&grants, &gap.Join); err != nil {
		return gap, fmt.Errorf("look at the rights of the serving role: %w", err)
	}
	if grants != "" {
		gap.Grants = strings.Split(grants, "\n")
	}
	return gap, nil
}

// MissingRights says which rights in schema rowcall the role of the connection lacks to serve a node, and which
// statements mend that. It returns an empty text if nothing is missing.
func MissingRights(ctx context.Context, db *sql.DB, n Needs) (string, error) {
	gap, err := ServingRights(ctx, db, "", n)
	if err != nil || len(gap.Grants) == 0 {
		return "", err
	}
	grants := strings.Join(gap.Grants, "; ")
	if gap.Join == "" {
		return fmt.Sprintf("role %s lacks rights that a node needs: %s", quote(gap.Role), grants), nil
	}
	return fmt.Sprintf("role %s lacks rights that a node needs: %s, or only what is missing: %s", quote(gap.Role), gap.Join, grants), nil
}

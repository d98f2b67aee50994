package tables

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/triggers"
)

// Removal is what removes Rowcall from a database, in its order.
type Removal struct {
	Statements []string // SQL, each a transaction of its own
	Obstacles  []string // what must be changed by hand before: each says what to do
	Dependents []string // what belongs to somebody else, depends on schema rowcall, and is dropped with it
	Kept       []string // roles that stay, each with the reason
}

// ErrObstacles says that a removal was refused, because something else in the database needs Rowcall.
var ErrObstacles = errors.New("something in the database needs Rowcall")

// PlanRemoval lists what removes every object of Rowcall: triggers, the schema, the tables of the example applications,
// grants, and roles that no other database uses. It changes nothing.
func PlanRemoval(ctx context.Context, db *sql.DB) (Removal, error) {
	tx, err := begin(ctx, db)
	if err != nil {
		return Removal{}, err
	}
	defer tx.Rollback() // it only reads
	r, err := readRemoval(ctx, tx)
	if isDenied(err) {
		return Removal{}, explainDenied(ctx, db, err)
	}
	if err != nil {
		return Removal{}, fmt.Errorf("look for objects of Rowcall: %w", err)
	}
	return r, nil
}

func readRemoval(ctx context.Context, tx *sql.Tx) (Removal, error) {
	var r Removal
	for _, part := range []struct {
		query string
		into  *[]string
	}{
		{obstaclesQuery, &r.Obstacles}, {dependentsQuery, &r.Dependents},
		{dropTriggersQuery, &r.Statements}, {dropSchemaQuery, &r.Statements},
		{revokeQuery, &r.Statements}, {dropRolesQuery, &r.Statements}, {keptRolesQuery, &r.Kept},
	} {
		err := eachText(ctx, tx, func(text string) error {
			*part.into = append(*part.into, text)
			return nil
		}, part.query)
		if err != nil {
			return Removal{}, err
		}
	}
	return r, nil
}

// explainDenied says who may plan a removal, instead of denied, which names one object.
func explainDenied(ctx context.Context, db *sql.DB, denied error) error {
	var role string
	if err := db.QueryRowContext(ctx, `SELECT current_user`).Scan(&role); err != nil {
		return fmt.Errorf("look for objects of Rowcall: %w", denied)
	}
	return fmt.Errorf("role %q may not look into schema rowcall: run uninstall as the role that migrates (database.migrate_url), or as a superuser", role)
}

// Refusal says why Run would refuse; nil if it would not. With cascade, dependents are no reason.
func (r Removal) Refusal(cascade bool) error {
	reasons := slices.Clone(r.Obstacles)
	if !cascade {
		for _, dependent := range r.Dependents {
			reasons = append(reasons, DependentNote(dependent))
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrObstacles, strings.Join(reasons, "; "))
}

// DependentNote is a sentence about one of Dependents.
func DependentNote(dependent string) string {
	return dependent + " depends on schema rowcall, and would be dropped with it: drop it or change it first, or give --cascade"
}

// Run removes Rowcall, and with cascade its dependents. It calls done after each statement, with an error for a role that has to
// stay because something depends on it. Triggers are dropped between two writers, as they are made. Run may be called again after an error.
func (r Removal) Run(ctx context.Context, db *sql.DB, cascade bool, done func(statement string, stays error)) error {
	if err := r.Refusal(cascade); err != nil {
		return err
	}
	for _, statement := range r.Statements {
		together := []string{statement}
		if strings.HasPrefix(statement, dropSchema) {
			together = strings.Split(statement, nextStatement)
		}
		err := triggers.Replace(ctx, db, statement, together)
		if err != nil && !(strings.HasPrefix(statement, dropRole) && inUse(err)) {
			return err
		}
		done(statement, err)
	}
	return nil
}

const (
	dropRole      = "DROP ROLE "
	dropSchema    = "DROP SCHEMA rowcall CASCADE"
	nextStatement = ";\n" // in the same transaction
)

// stateDenied is the SQLSTATE for a role that lacks a right.
const stateDenied = "42501"

// isDenied reports whether a statement was refused because the role lacks a right.
func isDenied(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == stateDenied
}

// inUse reports whether a role could not be dropped because something depends on it, or because the migrating role may
// not drop roles.
func inUse(err error) bool {
	const dependents, used = "2BP01", "55006"
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (refused.Code == dependents || refused.Code == stateDenied || refused.Code == used)
}

// obstaclesQuery finds what would fail without Rowcall, and tables whose triggers the role may not drop. Functions in PL/pgSQL
// name what they call in their text alone. Tables of the example applications have triggers or policies that call functions of Rowcall, but for job_runs, which is known by its columns.
const obstaclesQuery = `
	SELECT format('function %s calls functions of schema rowcall, and would fail: DROP FUNCTION %1$s CASCADE drops it with its triggers', p.oid::regprocedure)
	FROM pg_proc p
	WHERE p.pronamespace <> ALL (ARRAY(SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('rowcall', 'pg_catalog', 'information_schema')))
	  AND p.prosrc ~* '\mrowcall\s*\.' AND to_regnamespace('rowcall') IS NOT NULL
	UNION
	SELECT format('%s belongs to role %I, and only that role drops its triggers: run uninstall as that role, or as a member of it', c.oid::regclass, r.rolname)
	FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_roles r ON r.oid = c.relowner
	WHERE p.pronamespace = to_regnamespace('rowcall') AND NOT t.tgisinternal AND t.tgparentid = 0 AND NOT pg_has_role(c.relowner, 'USAGE')
	UNION
	SELECT format('table %s has the name of a table of the example applications, but nothing of Rowcall is on it, and it would be dropped: rename it, or move it to another schema', c.oid::regclass)
	FROM unnest(` + appsTables + `) a (name) JOIN pg_class c ON c.oid = to_regclass(a.name)
	WHERE to_regclass('rowcall.apps_migrations') IS NOT NULL AND NOT EXISTS (
		SELECT FROM pg_depend d JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid AND p.pronamespace = to_regnamespace('rowcall')
		LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
		LEFT JOIN pg_policy y ON d.classid = 'pg_policy'::regclass AND y.oid = d.objid
		WHERE c.oid IN (t.tgrelid, y.polrelid))
	  AND NOT (a.name = 'public.job_runs' AND ARRAY(SELECT t.attname::text FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attnum > 0 ORDER BY t.attnum)
		= '{job_id, due_at}')
	UNION
	SELECT format('schema rowcall belongs to role %I: run uninstall as that role, or as a member of it', r.rolname)
	FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'rowcall' AND NOT pg_has_role(r.oid, 'USAGE')
	ORDER BY 1`

// dependentsQuery finds what DROP SCHEMA rowcall CASCADE would take along: what depends on objects of the schema, and what depends
// on that. Triggers that execute functions of the schema are dropped before, and are not among it; neither is what tables of the
// example applications have.
const dependentsQuery = `
	WITH RECURSIVE ours (classid, objid) AS (
		SELECT 'pg_namespace'::regclass::oid, n.oid FROM pg_namespace n WHERE n.nspname = 'rowcall'
		UNION
		SELECT d.classid, d.objid FROM ours JOIN pg_depend d ON d.refclassid = ours.classid AND d.refobjid = ours.objid
		WHERE d.deptype IN ('i', 'a') OR d.refclassid = 'pg_namespace'::regclass
	), taken (classid, objid, objsubid) AS (
		SELECT d.classid, d.objid, d.objsubid FROM ours JOIN pg_depend d ON d.refclassid = ours.classid AND d.refobjid = ours.objid
		WHERE d.deptype = 'n' AND (d.classid, d.objid) NOT IN (SELECT classid, objid FROM ours)
		  AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
			WHERE t.oid = d.objid AND p.pronamespace = to_regnamespace('rowcall')))
		  AND NOT EXISTS (SELECT FROM pg_policy y WHERE d.classid = 'pg_policy'::regclass AND y.oid = d.objid AND y.polrelid::regclass::text = ANY (` + appsTables + `))
		UNION
		SELECT d.classid, d.objid, d.objsubid FROM taken LEFT JOIN pg_rewrite r ON taken.classid = 'pg_rewrite'::regclass AND r.oid = taken.objid AND r.rulename = '_RETURN'
		JOIN pg_depend d ON d.deptype = 'n' AND (taken.objsubid = 0 OR d.refobjsubid = taken.objsubid)
			AND d.refclassid = CASE WHEN r.oid IS NULL THEN taken.classid ELSE 'pg_class'::regclass END AND d.refobjid = coalesce(r.ev_class, taken.objid)
		WHERE (d.classid, d.objid) NOT IN (SELECT classid, objid FROM ours)
	)
	SELECT DISTINCT CASE WHEN r.oid IS NULL THEN pg_describe_object(taken.classid, taken.objid, taken.objsubid) ELSE pg_describe_object('pg_class'::regclass, r.ev_class, 0) END
	FROM taken LEFT JOIN pg_rewrite r ON taken.classid = 'pg_rewrite'::regclass AND r.oid = taken.objid AND r.rulename = '_RETURN'
	WHERE NOT (taken.classid = 'pg_class'::regclass AND taken.objsubid > 0 AND EXISTS (SELECT FROM pg_class c WHERE c.oid = taken.objid AND c.relkind = 'v')) -- their rules are there
	ORDER BY 1`

// dropTriggersQuery drops the triggers on tables that stay. Those of partitions go with that of their root.
const dropTriggersQuery = `
	SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
	FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
	WHERE p.pronamespace = to_regnamespace('rowcall') AND NOT t.tgisinternal AND t.tgparentid = 0 AND c.relnamespace <> p.pronamespace
	ORDER BY t.tgrelid::regclass::text, t.tgname`

// appsTables are the tables of the example applications.
const appsTables = `ARRAY['public.job_runs', 'public.job_postings', 'public.hydrograph_points', 'public.hydrographs', 'public.dams', 'public.patients',
	'public.chat_join_requests', 'public.chat_messages', 'public.chat_room_members', 'public.chat_rooms', 'public.users']`

// roleNames are the roles that migrations create.
const roleNames = `('rowcall_owner', 'rowcall_publisher', 'rowcall_reader', 'rowcall_server', 'rowcall_app')`

// revokeQuery takes back what the roles may do outside schema rowcall.
const revokeQuery = `
	SELECT format('REVOKE ALL ON %s %s FROM %I', g.kind, g.name, r.rolname)
	FROM (
		SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name, a.grantee, c.relnamespace AS namespace
		FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
		UNION SELECT 'TABLE', c.oid::regclass::text, a.grantee, c.relnamespace
		FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN LATERAL aclexplode(t.attacl) a
		UNION SELECT 'SCHEMA', quote_ident(n.nspname), a.grantee, n.oid FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a
		UNION SELECT 'ROUTINE', p.oid::regprocedure::text, a.grantee, p.pronamespace FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
		UNION SELECT 'TYPE', format_type(t.oid, NULL), a.grantee, t.typnamespace FROM pg_type t CROSS JOIN LATERAL aclexplode(t.typacl) a
		UNION SELECT 'DATABASE', quote_ident(d.datname), a.grantee, 0 FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a WHERE d.datname = current_database()
	) g JOIN pg_roles r ON r.oid = g.grantee
	WHERE r.rolname IN ` + roleNames + ` AND g.namespace IS DISTINCT FROM to_regnamespace('rowcall')
	  AND NOT (to_regclass('rowcall.apps_migrations') IS NOT NULL AND g.name = ANY (` + appsTables + `))
	UNION ALL
	SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON %s FROM %I', o.rolname, ' IN SCHEMA ' || quote_ident(n.nspname),
		CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END, r.rolname)
	FROM pg_default_acl d JOIN pg_roles o ON o.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
	CROSS JOIN LATERAL aclexplode(d.defaclacl) a JOIN pg_roles r ON r.oid = a.grantee
	WHERE r.rolname IN ` + roleNames + `
	GROUP BY 1
	ORDER BY 1`

// dropSchemaQuery drops the schema with all that is left in it, and the tables of the example applications, where
// Rowcall has made them: functions of the schema depend on those, and its tables tell who has made them.
const dropSchemaQuery = `
	SELECT '` + dropSchema + `' || coalesce((
		SELECT '` + nextStatement + `DROP TABLE ' || string_agg(to_regclass(a.name)::text, ', ' ORDER BY a.place)
		FROM unnest(` + appsTables + `) WITH ORDINALITY a (name, place)
		WHERE to_regclass(a.name) IS NOT NULL AND to_regclass('rowcall.apps_migrations') IS NOT NULL), '')
	WHERE to_regnamespace('rowcall') IS NOT NULL`

// usedElsewhere is a condition on a role r: another database of the server has objects or grants of the role.
const usedElsewhere = `EXISTS (
	SELECT FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
	WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND d.datname <> current_database())`

// mayDropRoles is a condition on the present role.
const mayDropRoles = `(SELECT c.rolsuper OR c.rolcreaterole FROM pg_roles c WHERE c.rolname = current_user)`

// dropRolesQuery drops the roles, members before what they are members of.
const dropRolesQuery = `
	SELECT format('` + dropRole + `%I', r.rolname) FROM pg_roles r
	WHERE r.rolname IN ` + roleNames + ` AND NOT ` + usedElsewhere + ` AND ` + mayDropRoles + `
	ORDER BY r.rolname DESC`

const keptRolesQuery = `
	SELECT format('role %I stays: %s', r.rolname, CASE WHEN ` + usedElsewhere + ` THEN 'another database of the server uses it'
		ELSE 'role ' || quote_ident(current_user) || ' may not drop roles; as a superuser: DROP ROLE ' || quote_ident(r.rolname) END)
	FROM pg_roles r WHERE r.rolname IN ` + roleNames + ` AND (` + usedElsewhere + ` OR NOT ` + mayDropRoles + `)
	ORDER BY r.rolname`

package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// survey is what Migrate finds before it writes anything.
type survey struct {
	version    int    // of the server, as in server_version_num
	migrator   string // the role that migrates
	database   string
	present    string // the role that owns schema rowcall; empty where there is no such schema
	owner      string // the role that is to own it
	super      bool   // owner is a superuser
	acts       bool   // the migrating role has the rights of owner, and may become it
	inherits   bool   // the migrating role uses the rights of the roles that it is a member of
	member     bool   // the migrating role is a member of owner
	mayCreate  bool   // the migrating role may create schemas
	public     bool   // schema public is there
	mayTables  bool   // the migrating role may create tables in schema public
	ownerFinds bool   // owner may use schema public, or the migrating role may let it
}

// look reads the survey of a transaction's database. It needs no rights.
//
// The owner of schema rowcall stays its owner: functions of that role's may rest on it. A superuser's functions rest on
// nothing, and what runs with all rights had better run with few, so a superuser gives the schema to rowcall_owner.
func look(ctx context.Context, tx *sql.Tx) (survey, error) {
	const query = `
		WITH session AS (
			SELECT current_setting('server_version_num')::integer AS version, r.rolinherit,
			       CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END AS become
			FROM pg_roles r WHERE r.rolname = current_user
		), present AS (
			SELECT o.oid, o.rolname, o.rolsuper FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner WHERE n.nspname = 'rowcall'
		), chosen AS (
			SELECT r.oid, r.rolname, r.rolsuper FROM session s CROSS JOIN pg_roles r LEFT JOIN present p ON true
			WHERE r.rolname = CASE
				WHEN (p.oid IS NULL OR p.rolsuper AND pg_has_role(p.oid, 'USAGE'))
					AND pg_has_role(to_regrole('rowcall_owner'), 'USAGE') AND pg_has_role(to_regrole('rowcall_owner'), s.become)
					THEN 'rowcall_owner'
				ELSE coalesce(p.rolname, current_user) END
		)
		SELECT s.version, current_user, current_database(), coalesce(p.rolname, ''), c.rolname, c.rolsuper,
		       pg_has_role(c.oid, 'USAGE') AND pg_has_role(c.oid, s.become), s.rolinherit, pg_has_role(c.oid, 'MEMBER'),
		       has_database_privilege(current_database(), 'CREATE'), to_regnamespace('public') IS NOT NULL,
		       coalesce(has_schema_privilege(to_regnamespace('public'), 'CREATE'), false),
		       coalesce(has_schema_privilege(c.oid, to_regnamespace('public'), 'USAGE')
		           OR has_schema_privilege(to_regnamespace('public'), 'USAGE WITH GRANT OPTION'), false)
		FROM session s CROSS JOIN chosen c LEFT JOIN present p ON true`
	var s survey
	err := tx.QueryRowContext(ctx, query).Scan(&s.version, &s.migrator, &s.database, &s.present, &s.owner, &s.super,
		&s.acts, &s.inherits, &s.member, &s.mayCreate, &s.public, &s.mayTables, &s.ownerFinds)
	if err != nil {
		return survey{}, fmt.Errorf("look at the database: %w", err)
	}
	return s, nil
}

// NotOwnerError says that the migrating role may not act for the owner of what it has to change.
type NotOwnerError struct {
	Reason    string
	Statement string // the SQL that lets it
}

func (e *NotOwnerError) Error() string { return e.Reason + ", or run: " + e.Statement }

// refuseOwner says why the migrating role cannot act for the schema's owner, and which GRANT helps.
func (s survey) refuseOwner() error {
	switch {
	case s.present == "" && !s.mayCreate:
		return fmt.Errorf("role %s may not create schema rowcall in this database: GRANT CREATE ON DATABASE %s TO %s, and migrate again, or let ROWCALL_DATABASE_MIGRATE_URL name a role that may",
			quote(s.migrator), quote(s.database), quote(s.migrator))
	case !s.acts && s.super:
		return fmt.Errorf("schema rowcall belongs to the superuser %s: migrate once as that role, which gives the schema to rowcall_owner, then run: %s",
			quote(s.owner), s.grant("rowcall_owner"))
	case !s.acts:
		return &NotOwnerError{fmt.Sprintf("schema rowcall belongs to role %s, which role %s may not act for: migrate as %s or as a superuser",
			quote(s.owner), quote(s.migrator), quote(s.owner)), s.grant(s.owner)}
	}
	return nil
}

// grant is the statement that lets the migrating role act for another one.
func (s survey) grant(role string) string {
	switch {
	case s.version >= 160000:
		return fmt.Sprintf("GRANT %s TO %s WITH INHERIT TRUE, SET TRUE", quote(role), quote(s.migrator))
	case s.member && !s.inherits:
		return fmt.Sprintf("ALTER ROLE %s INHERIT", quote(s.migrator))
	}
	return fmt.Sprintf("GRANT %s TO %s", quote(role), quote(s.migrator))
}

// refuseApps says why the tables of the four apps cannot be made here. progress is that of their history.
func (s survey) refuseApps(p progress) error {
	switch {
	case len(p.foreign) > 0:
		return fmt.Errorf("the example applications make tables of their own in schema public, where Rowcall did not make what is there already: %s. "+
			"Set apps: false, and auth.users.table to the name of your table of users, or to \"-\" where there is none", list(p.foreign))
	case len(p.gone) > 0:
		return fmt.Errorf("tables of the example applications are gone from schema public: %s. Restore them, or set apps: false", list(p.gone))
	case !s.public:
		return errors.New("the tables of the example applications go into schema public, which is not there: CREATE SCHEMA public, or set apps: false")
	case !s.ownerFinds:
		return fmt.Errorf("role %s, which owns schema rowcall, may not use schema public, where the tables of the example applications are: "+
			"GRANT USAGE ON SCHEMA public TO %s, or set apps: false", quote(s.owner), quote(s.owner))
	case p.wanting && !s.mayTables:
		return fmt.Errorf("role %s may not create the tables of the example applications: GRANT CREATE ON SCHEMA public TO %s, or set apps: false",
			quote(s.migrator), quote(s.migrator))
	case p.pending && p.stranger != "":
		return &NotOwnerError{fmt.Sprintf("tables of the example applications belong to role %s, which role %s may not act for: migrate as %s or as a superuser",
			quote(p.stranger), quote(s.migrator), quote(p.stranger)), survey{version: s.version, migrator: s.migrator, inherits: true}.grant(p.stranger)}
	}
	return nil
}

// refuseCore says why the core's tables cannot be made here.
func (s survey) refuseCore(p progress) error {
	if len(p.foreign) > 0 {
		return fmt.Errorf("schema rowcall is there, and Rowcall did not make what is in it: %s. Rename that schema, or use another database", list(p.foreign))
	}
	return nil
}

// settleSchema creates schema rowcall, or gives it to the role that is to own it.
func (s survey) settleSchema(ctx context.Context, tx *sql.Tx) error {
	statement := ""
	switch {
	case s.present == "":
		statement = "CREATE SCHEMA rowcall AUTHORIZATION " + quote(s.owner)
	case s.present != s.owner:
		statement = "ALTER SCHEMA rowcall OWNER TO " + quote(s.owner)
	default:
		return nil
	}
	if _, err := tx.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// refuse returns the first reason not to migrate this database.
func (s survey) refuse(ctx context.Context, tx *sql.Tx, apps bool) error {
	if err := s.refuseOwner(); err != nil {
		return err
	}
	for _, h := range histories(apps) {
		p, err := h.progress(ctx, tx)
		if err != nil {
			return err
		}
		if h.schema == "rowcall" {
			err = s.refuseCore(p)
		} else {
			err = s.refuseApps(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// quote writes a name as an identifier of SQL.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// list names things in an order of their own.
func list(names []string) string { return strings.Join(slices.Sorted(slices.Values(names)), ", ") }

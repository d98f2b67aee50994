package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/cmd/internal/node"
	"rowcall/schema"
)

func roleLooks() []look {
	return []look{
		{"the owners in schema rowcall", true, lookAtOwners},
		{"the roles of Rowcall", true, lookAtRoles},
		{"the rights of the roles that serve", true, lookAtServingRights},
		{"the rights of the role that migrates", false, lookAtMigratingRights},
	}
}

// lookAtOwners finds a schema of a superuser, and tables and sequences of other roles than the schema's owner.
func lookAtOwners(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const schemaOwner = `SELECT o.rolname::text, o.rolsuper FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner WHERE n.nspname = 'rowcall'`
	var owner string
	var super bool
	if err := tx.QueryRow(ctx, schemaOwner).Scan(&owner, &super); err != nil {
		return nil, err
	}
	var found []Finding
	if super {
		found = append(found, finding(SchemaSuperuser, "", "rowcall", "schema rowcall belongs to the superuser "+quote(owner)+", so its functions run with all rights",
			migrateCommand+" as a superuser, which gives the schema to rowcall_owner"))
	}
	const others = `
		SELECT format('rowcall.%I', c.relname) FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
		WHERE n.nspname = 'rowcall' AND c.relkind IN ('r', 'p', 'S') AND c.relowner <> n.nspowner ORDER BY 1`
	names, err := queryRows(ctx, tx, pgx.RowTo[string], others)
	for _, name := range names {
		f := finding(SchemaOwner, name, "", name+" does not belong to "+quote(owner)+", the owner of schema rowcall: functions of the schema may lack rights to it", migrateCommand)
		f.repair = repairMigrate
		found = append(found, f)
	}
	return found, err
}

// lookAtRoles finds roles that are missing or not set up.
func lookAtRoles(ctx context.Context, e *examination, _ pgx.Tx) ([]Finding, error) {
	db := e.ways[0].SQL()
	defer db.Close()
	missing, err := schema.MissingRoles(ctx, db)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return []Finding{ofMissingRoles(missing)}, nil
	}
	joined, err := schema.ServerMayBecomeApp(ctx, db)
	if err != nil || joined {
		return nil, err
	}
	return []Finding{finding(RoleServer, "", "rowcall_server", "members of role rowcall_server may not become rowcall_app, or have its rights without becoming it: resources and functions cannot be served, or not safely",
		"ALTER ROLE rowcall_server NOINHERIT; "+schema.JoinApp)}, nil
}

// ofMissingRoles is one finding of all roles that are missing.
func ofMissingRoles(missing []schema.GrantedRole) Finding {
	var names, costs, statements []string
	for _, r := range missing {
		names = append(names, r.Name)
		costs = append(costs, "without "+r.Name+" "+r.WithoutIt)
		statements = append(statements, r.Statement()+"; ")
	}
	subject := "role " + names[0] + " is not there: "
	if len(names) > 1 {
		subject = "roles " + strings.Join(names, ", ") + " are not there: "
	}
	return finding(RoleMissing, "", strings.Join(names, ", "), subject+strings.Join(costs, "; "),
		"as a superuser: "+strings.Join(statements, "")+"then "+migrateCommand+" (rowcall grants prints all of it)")
}

// lookAtServingRights compares the roles of database.url and database.direct_url with what a node needs.
func lookAtServingRights(ctx context.Context, e *examination, _ pgx.Tx) ([]Finding, error) {
	d := e.config.Database
	var found []Finding
	seen := map[string]bool{}
	for dsn, needs := range map[*node.Way]schema.Needs{e.way(d.Direct()): {}, e.way(d.URL): node.Needs(e.config)} {
		if dsn == nil || seen[dsn.User] && needs == (schema.Needs{}) {
			continue
		}
		seen[dsn.User] = true
		more, err := servingRights(ctx, dsn, needs)
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func servingRights(ctx context.Context, way *node.Way, needs schema.Needs) ([]Finding, error) {
	db := way.SQL()
	defer db.Close()
	gap, err := schema.ServingRights(ctx, db, "", needs)
	if err != nil {
		return nil, err
	}
	if len(gap.Grants) == 0 {
		return nil, nil
	}
	message := fmt.Sprintf("role %s of %s lacks rights that a node needs", quote(gap.Role), way.Setting)
	remedy := strings.Join(gap.Grants, "; ")
	if gap.Join != "" {
		message, remedy = message+". Only what is missing: "+remedy, gap.Join
	}
	return []Finding{finding(RightsServe, "", gap.Role, message, remedy)}, nil
}

// lookAtMigratingRights asks whether the role that migrates may do it, where the configuration names one or a migration
// is due.
func lookAtMigratingRights(ctx context.Context, e *examination, _ pgx.Tx) ([]Finding, error) {
	way := e.way(e.config.Database.Migrate())
	due := false
	for _, f := range e.findings {
		due = due || f.Code == SchemaMissing || f.Code == SchemaPending
	}
	if way == nil || e.config.Database.MigrateURL == "" && !due {
		return nil, nil
	}
	db := way.SQL()
	defer db.Close()
	refused := schema.MayMigrate(ctx, db, e.config.Apps)
	if refused == nil || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	remedy := "rowcall grants --migrate " + way.User
	if notOwner, ok := errors.AsType[*schema.NotOwnerError](refused); ok {
		remedy = notOwner.Statement
	}
	return []Finding{finding(RightsMigrate, "", way.User, "the role of "+way.Setting+" may not migrate: "+refused.Error(), remedy)}, nil
}

package schema

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"log/slog"
)

//go:embed roles/*.sql
var roles embed.FS

// prepareRoles creates the roles and the schema, where the migrating role may. Where it may not it owns the
// schema itself, which one line of the log says.
func prepareRoles(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	if err := runFile(ctx, db, roles, "roles/prepare.sql"); err != nil {
		return err
	}
	const query = `
		SELECT coalesce(pg_has_role(to_regrole('rowcall_owner'), 'USAGE'), false)
		   AND to_regrole('rowcall_publisher') IS NOT NULL
		   AND to_regrole('rowcall_reader') IS NOT NULL
		   AND to_regrole('rowcall_server') IS NOT NULL
		   AND to_regrole('rowcall_app') IS NOT NULL, current_user`
	var complete bool
	var migrator string
	if err := db.QueryRowContext(ctx, query).Scan(&complete, &migrator); err != nil {
		return fmt.Errorf("look for the roles: %w", err)
	}
	if !complete {
		log.WarnContext(ctx, "roles left out, the migrating role may not create them", "role", migrator)
	}
	return nil
}

// settleRights gives the schema to its owner and everybody else their rights.
func settleRights(ctx context.Context, db *sql.DB, apps bool) error {
	if err := runFile(ctx, db, roles, "roles/rights.sql"); err != nil {
		return err
	}
	if !apps {
		return nil
	}
	for _, name := range []string{"roles/apps.sql", "roles/policies.sql", "roles/staff.sql"} {
		if err := runFile(ctx, db, roles, name); err != nil {
			return err
		}
	}
	return nil
}

package schema

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
)

//go:embed roles/*.sql
var roles embed.FS

// prepare creates the roles and the schema. It refuses a database before it has written anything. It returns the role
// that owns the schema.
func prepare(ctx context.Context, db *sql.DB, o Options) (owner string, err error) {
	err = inTransaction(ctx, db, func(tx *sql.Tx) error {
		if err := runFile(ctx, tx, roles, "roles/prepare.sql"); err != nil {
			return err
		}
		found, err := look(ctx, tx)
		if err != nil {
			return err
		}
		owner = found.owner
		if err := found.refuse(ctx, tx, o.Apps); err != nil {
			return err
		}
		if err := found.settleSchema(ctx, tx); err != nil {
			return err
		}
		if err := runFile(ctx, tx, roles, "roles/owner.sql"); err != nil {
			return err
		}
		if err := createTables(ctx, tx, owner, o.Apps); err != nil {
			return err
		}
		return found.settleMark(ctx, tx, o.Watch) // as the owner
	})
	return owner, err
}

// createTables creates the histories' own tables.
func createTables(ctx context.Context, tx *sql.Tx, owner string, apps bool) error {
	if _, err := tx.ExecContext(ctx, `SELECT set_config('role', $1, true)`, owner); err != nil {
		return fmt.Errorf("act as %s: %w", owner, err)
	}
	for _, h := range histories(apps) {
		if err := h.createTable(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// settleRights gives everybody their rights.
func settleRights(ctx context.Context, db *sql.DB, apps bool) error {
	names := []string{"roles/owner.sql", "roles/rights.sql"}
	if apps {
		names = append(names, "roles/apps.sql", "roles/policies.sql", "roles/staff.sql")
	}
	return runFiles(ctx, db, roles, names)
}

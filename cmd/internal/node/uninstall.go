package node

import (
	"context"
	"fmt"

	"rowcall/config"
	"rowcall/schema"
	"rowcall/triggers/tables"
)

// PlanRemoval lists what would remove Rowcall from the database.
func PlanRemoval(ctx context.Context, c *config.Config) (tables.Removal, error) {
	db, err := openDatabase(ctx, c.Database.Migrate(), c.Database)
	if err != nil {
		return tables.Removal{}, err
	}
	defer db.Close()
	return tables.PlanRemoval(ctx, db)
}

// Uninstall removes Rowcall from the database, with cascade also what depends on it, and calls done after each statement, with an error for a role that has to
// stay. No other node migrates meanwhile.
func Uninstall(ctx context.Context, c *config.Config, cascade bool, done func(statement string, stays error)) error {
	db, err := openDatabase(ctx, c.Database.Migrate(), c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	err = schema.WithLock(ctx, db, func(ctx context.Context) error {
		r, err := tables.PlanRemoval(ctx, db)
		if err != nil {
			return err
		}
		return r.Run(ctx, db, cascade, done)
	})
	if err != nil {
		return fmt.Errorf("uninstall: %w", err)
	}
	return nil
}

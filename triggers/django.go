package triggers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgconn"
)

// watchDjango puts triggers on the table of a Django site's sessions. They spare its users a minute in
// which sockets outlive a logout, and are worth no more than that: where the table is not there yet, or
// the migrating role may not, the log says so and all else is installed.
func watchDjango(ctx context.Context, db *sql.DB, name string, log *slog.Logger) error {
	table, err := findTable(ctx, db, name)
	if err != nil {
		return err
	}
	if table == "" {
		log.WarnContext(ctx, "Django's table of sessions is not there; run its migrations, then rowcall migrate", "table", name)
		return nil
	}
	var wanted script
	if err := wanted.read("django/sessions.sql"); err != nil {
		return err
	}
	err = installTriggers(ctx, db, wanted.on("{sessions}", table), log)
	const insufficientPrivilege = "42501"
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == insufficientPrivilege {
		log.WarnContext(ctx, "Django's table of sessions gets no trigger, the migrating role may not create one: sockets outlive a logout by up to a minute", "table", table)
		return nil
	}
	return err
}

// findTable returns the name of a table with its schema, as SQL spells it; empty if there is none.
func findTable(ctx context.Context, db *sql.DB, name string) (string, error) {
	var table string
	err := db.QueryRowContext(ctx, `
		SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = to_regclass($1)`, name).Scan(&table)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for Django's table of sessions: %w", err)
	}
	return table, nil
}

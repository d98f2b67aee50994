package triggers

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
)

// installIdentities lets the tables of the log be part of a publication. PostgreSQL refuses UPDATE and DELETE on a
// published table without a replica identity, and a publication FOR ALL TABLES has these tables in it: retention and new
// histories would fail. The identity is FULL, all columns, which costs nothing while rows are only inserted. A table that
// writers hold for long is left as it is, until the next installation.
func installIdentities(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	const query = `
		SELECT c.relname, format('ALTER TABLE rowcall.%I REPLICA IDENTITY FULL', c.relname)
		FROM pg_class c
		WHERE c.relnamespace = to_regnamespace('rowcall') AND c.relname ~ '^(log_[0-9]+|floor)$' AND c.relkind = 'r' AND c.relreplident <> 'f'`
	tx, err := begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.Rollback() // it only reads
	wanted, err := pairs(ctx, tx, query)
	if err != nil {
		return fmt.Errorf("read the replica identities of the log: %w", err)
	}
	if err := tx.Rollback(); err != nil {
		return fmt.Errorf("end the reading of replica identities: %w", err)
	}
	for table, statement := range wanted {
		if err := Replace(ctx, db, "set the replica identity of rowcall."+table, []string{becomeOwnerSQL, statement}); err != nil {
			log.WarnContext(ctx, "a table of the log cannot be part of a publication; migrate again", "table", table, "err", err)
		}
	}
	return ctx.Err()
}

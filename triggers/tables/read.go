package tables

import (
	"context"
	"database/sql"
	"fmt"
)

// begin opens a transaction that only reads, in one snapshot, and in which names mean PostgreSQL's own things.
func begin(ctx context.Context, db *sql.DB) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("begin to read the catalog: %w", err)
	}
	const pinSettingsSQL = `
		SELECT set_config('search_path', 'pg_catalog, pg_temp', true),
		       set_config('quote_all_identifiers', 'off', true),
		       set_config('jit', 'off', true)` // compiling a query of the catalog takes longer than running it
	if _, err := tx.ExecContext(ctx, pinSettingsSQL); err != nil {
		tx.Rollback()
		return nil, fmt.Errorf("pin the session's settings: %w", err)
	}
	return tx, nil
}

// eachText calls f with the text of each row of a query with one column.
func eachText(ctx context.Context, tx *sql.Tx, f func(text string) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if err := f(text); err != nil {
			return err
		}
	}
	return rows.Err()
}

package tables

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"

	"rowcall/config/rules"
)

// fingerprintQuery asks for the text that Fingerprint returns.
//
//go:embed fingerprint.sql
var fingerprintQuery string

// Fingerprint returns a text that changes whenever something changes in the catalog that could make PlanDeclared find
// differences, or find none any more, but for the rights of the role that applies. docs/adr/0015 says what it costs.
func Fingerprint(ctx context.Context, db *sql.DB, declared []rules.Table) (string, error) {
	tx, err := begin(ctx, db)
	if err != nil {
		return "", err
	}
	defer tx.Rollback() // it only reads
	// The planner cannot know how few rows a recursive query has, and would read the whole of each catalog.
	const byIndex = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`
	if _, err := tx.ExecContext(ctx, byIndex); err != nil {
		return "", fmt.Errorf("pin how the catalog is read: %w", err)
	}
	var fingerprint string
	if err := tx.QueryRowContext(ctx, fingerprintQuery, declaredNames(declared)).Scan(&fingerprint); err != nil {
		return "", fmt.Errorf("read the fingerprint of declared tables: %w", err)
	}
	return fingerprint, nil
}

package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Why a database cannot be used at all.
var (
	ErrTooOld  = errors.New("PostgreSQL 14 or newer is needed") // upgrade the server
	ErrStandby = errors.New("the server is a standby")          // connect to the primary
)

const oldestServer = 140000 // xid8 came with 13, CREATE OR REPLACE TRIGGER with 14

// Check refuses a server that Rowcall cannot work with, in a sentence that says what to do.
func Check(ctx context.Context, db *sql.DB) error {
	const query = `SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery()`
	var number int
	var version string
	var standby bool
	if err := db.QueryRowContext(ctx, query).Scan(&number, &version, &standby); err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	return judge(number, version, standby)
}

func judge(number int, version string, standby bool) error {
	if number < oldestServer {
		return fmt.Errorf("the server is PostgreSQL %s: %w", version, ErrTooOld)
	}
	if standby {
		return fmt.Errorf("%w: its snapshots do not serve a log; connect to the primary", ErrStandby)
	}
	return nil
}

package triggers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	lockTimeout = "100ms" // how long writers may have to wait behind a replacement
	lockTries   = 300     // how often it is tried, up to half a second apart
)

// Replace runs statements that make or replace triggers, in one transaction. They hold the table's lock only between two
// writers' transactions; a writer waits lockTimeout at most. Replace gives up after lockTries, one to two minutes. Its
// errors begin with what, such as "install trigger x".
func Replace(ctx context.Context, db *sql.DB, what string, statements []string) error {
	for try := 1; ; try++ {
		err := replaceOnce(ctx, db, statements)
		if err == nil {
			return nil
		}
		if !isLocked(err) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if try == lockTries {
			return fmt.Errorf("%s: other transactions used the table at all of %d tries: find the session in pg_locks, end its transaction or let it end, and run this again: %w", what, lockTries, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for a lock: %s: %w", what, ctx.Err())
		case <-time.After(rand.N(500 * time.Millisecond)):
		}
	}
}

func replaceOnce(ctx context.Context, db *sql.DB, statements []string) error {
	tx, err := begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, "SET LOCAL lock_timeout = '"+lockTimeout+"'"); err != nil {
		return fmt.Errorf("bound the wait for the table: %w", err)
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// isLocked reports whether somebody else held the table.
func isLocked(err error) bool {
	const lockNotAvailable, deadlock = "55P03", "40P01"
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == lockNotAvailable || refused.Code == deadlock)
}

package triggers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	lockTimeout = "100ms" // how long writers may have to wait behind a replacement
	lockTries   = 300     // how often it is tried, up to half a second apart
)

// installTriggers makes those triggers that are not there as wanted. A trigger that was switched off by
// hand is switched on again.
func installTriggers(ctx context.Context, db *sql.DB, wanted []trigger, log *slog.Logger) error {
	present, err := installed(ctx, db)
	if err != nil {
		return err
	}
	count := 0
	for _, t := range wanted {
		if present[t.definition] == t.mode() {
			continue
		}
		if err := t.replacePatiently(ctx, db); err != nil {
			return err
		}
		log.DebugContext(ctx, "trigger installed", "trigger", t.definition)
		count++
	}
	if count > 0 {
		log.InfoContext(ctx, "triggers installed", "count", count)
	}
	return nil
}

// mode is how pg_trigger.tgenabled spells when the trigger fires.
func (t trigger) mode() string {
	if t.always {
		return "A"
	}
	return "O"
}

// installed reads the triggers that call our functions, by their definitions. It locks no table.
func installed(ctx context.Context, db *sql.DB) (map[string]string, error) {
	tx, err := begin(ctx, db)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only reads
	const query = `
		SELECT pg_get_triggerdef(t.oid), t.tgenabled::text
		FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
		WHERE p.pronamespace = to_regnamespace('rowcall') AND NOT t.tgisinternal`
	present, err := pairs(ctx, tx, query)
	if err != nil {
		return nil, fmt.Errorf("read triggers: %w", err)
	}
	return present, nil
}

// replacePatiently tries until it finds a moment in which nobody holds the table for long.
func (t trigger) replacePatiently(ctx context.Context, db *sql.DB) error {
	for try := 1; ; try++ {
		err := t.replace(ctx, db)
		if err == nil {
			return nil
		}
		if try == lockTries || !isLocked(err) {
			return fmt.Errorf("install trigger %s: %w", t.definition, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait to install trigger %s: %w", t.definition, ctx.Err())
		case <-time.After(rand.N(500 * time.Millisecond)):
		}
	}
}

func (t trigger) replace(ctx context.Context, db *sql.DB) error {
	tx, err := begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, "SET LOCAL lock_timeout = '"+lockTimeout+"'"); err != nil {
		return fmt.Errorf("bound the wait for the table: %w", err)
	}
	for _, statement := range t.statements {
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

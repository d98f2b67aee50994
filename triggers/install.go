package triggers

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
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
		if err := Replace(ctx, db, "install trigger "+t.definition, t.statements); err != nil {
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

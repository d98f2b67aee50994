package schema

import (
	"context"
	"database/sql"
	"fmt"
)

// watchMark is the comment on a schema that rowcall watch has made.
const watchMark = "Made by rowcall watch, which may remove it again. rowcall migrate makes it permanent."

// IsTemporary reports whether schema rowcall was made by rowcall watch, and migrated by no other command since. Such a schema
// may be removed again.
func IsTemporary(ctx context.Context, db *sql.DB) (bool, error) { return isTemporary(ctx, db) }

func isTemporary(ctx context.Context, q queryer) (bool, error) {
	const query = `SELECT coalesce(obj_description(to_regnamespace('rowcall'), 'pg_namespace') = $1, false)`
	var marked bool
	if err := q.QueryRowContext(ctx, query, watchMark).Scan(&marked); err != nil {
		return false, fmt.Errorf("read the comment on schema rowcall: %w", err)
	}
	return marked, nil
}

// settleMark marks the schema if it is made for rowcall watch, and removes the mark for any other command. The transaction is
// the one that makes the schema, so that a process that dies leaves no schema of unknown origin.
func (s survey) settleMark(ctx context.Context, tx *sql.Tx, watch bool) error {
	marked, err := isTemporary(ctx, tx)
	if err != nil {
		return err
	}
	statement := ""
	switch {
	case watch && s.present == "":
		statement = "COMMENT ON SCHEMA rowcall IS '" + watchMark + "'"
	case !watch && marked:
		statement = "COMMENT ON SCHEMA rowcall IS NULL"
	default:
		return nil
	}
	if _, err := tx.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("comment on schema rowcall: %w", err)
	}
	return nil
}

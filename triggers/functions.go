package triggers

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

// installFunctions runs the statements in one transaction, and gives it up if they change nothing:
// sessions then keep the plans they have. Only the database can say what a definition amounts to, and a
// function that is replaced makes nobody wait.
func installFunctions(ctx context.Context, db *sql.DB, statements []string, log *slog.Logger) error {
	tx, err := begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing

	before, err := functions(ctx, tx)
	if err != nil {
		return err
	}
	if err := becomeOwner(ctx, tx); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create function: %w: %.80s", err, statement)
		}
	}
	after, err := functions(ctx, tx)
	if err != nil {
		return err
	}
	changed := changes(before, after)
	if len(changed) == 0 {
		return nil
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit functions: %w", err)
	}
	log.InfoContext(ctx, "functions installed", "count", len(changed))
	for _, function := range changed {
		log.DebugContext(ctx, "function installed", "function", function)
	}
	return nil
}

// begin opens a transaction in which names mean the same for every migrating role, and in which creating a
// function looks at no table that its body names: that would lock the table.
func begin(ctx context.Context, db *sql.DB) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin an installation: %w", err)
	}
	const settle = `
		SELECT set_config('search_path', 'pg_catalog, pg_temp', true),
		       set_config('quote_all_identifiers', 'off', true),
		       set_config('check_function_bodies', 'off', true)`
	if _, err := tx.ExecContext(ctx, settle); err != nil {
		tx.Rollback()
		return nil, fmt.Errorf("pin the session's settings: %w", err)
	}
	return tx, nil
}

const becomeOwnerSQL = `
	SELECT set_config('role', o.rolname, true)
	FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
	WHERE n.nspname = 'rowcall' AND o.rolname <> current_user AND pg_has_role(o.oid, 'MEMBER')`

// becomeOwner creates functions as the role that owns the schema, where the migrating role may. The name goes to
// set_config as it is in the catalog: quoted, it would name another role.
func becomeOwner(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, becomeOwnerSQL); err != nil {
		return fmt.Errorf("become the owner of schema rowcall: %w", err)
	}
	return nil
}

// functions describes every function of the schema by all that an installation may change.
func functions(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	const query = `
		SELECT p.oid::regprocedure::text, concat_ws(' ', pg_get_functiondef(p.oid), p.proowner::regrole, p.proacl)
		FROM pg_proc p WHERE p.pronamespace = to_regnamespace('rowcall') AND p.prokind = 'f'`
	found, err := pairs(ctx, tx, query)
	if err != nil {
		return nil, fmt.Errorf("read functions: %w", err)
	}
	return found, nil
}

// pairs reads rows of two texts, the second by the first.
func pairs(ctx context.Context, tx *sql.Tx, query string) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]string)
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, rows.Err()
}

// changes names what is new or different.
func changes(before, after map[string]string) []string {
	same := func(name, state string) bool { return before[name] == state }
	maps.DeleteFunc(after, same)
	return slices.Sorted(maps.Keys(after))
}

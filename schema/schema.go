// Package schema owns the tables that Rowcall needs, and their past: numbered migrations that are
// never edited once released. core holds the event log and the sessions, and is all that a user's own
// database gets; apps holds the tables of the four shipped apps.
//
// The package writes no functions and no triggers: those have only a present, and belong to package
// triggers.
package schema

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
)

// Options are what a migration may be told; the zero value migrates the core alone.
type Options struct {
	Apps    bool         // also the tables of the four apps
	Samples bool         // with Apps: rows to try out, where the apps' tables are empty
	Watch   bool         // a newly created schema is marked as removable by rowcall watch; without Watch, an existing mark is removed
	Logger  *slog.Logger // slog.Default()
}

func (o Options) logger() *slog.Logger { return cmp.Or(o.Logger, slog.Default()) }

// Migrate brings the database's tables, roles and rights up to this version. It may be called by
// several nodes at once and any number of times. db must allow two connections: one holds the lock.
func Migrate(ctx context.Context, db *sql.DB, o Options) error {
	return WithLock(ctx, db, func(ctx context.Context) error {
		return migrate(ctx, db, o)
	})
}

func migrate(ctx context.Context, db *sql.DB, o Options) error {
	owner, err := prepare(ctx, db, o)
	if err != nil {
		return err
	}
	if err := warnOfRoles(ctx, db, o.logger()); err != nil {
		return err
	}
	for _, h := range histories(o.Apps) {
		if err := h.up(ctx, db, h.actor(owner), o.logger()); err != nil {
			return err
		}
	}
	if err := settleRights(ctx, db, o.Apps); err != nil {
		return err
	}
	if o.Apps && o.Samples {
		return loadSamples(ctx, db)
	}
	return nil
}

// Pending reports whether Migrate would apply a migration. It writes nothing, and needs no rights but
// those of rowcall_server.
func Pending(ctx context.Context, db *sql.DB, apps bool) (bool, error) {
	for _, h := range histories(apps) {
		pending, err := h.pending(ctx, db)
		if err != nil || pending {
			return pending, err
		}
	}
	return false, nil
}

// runFiles executes the statements of embedded files, each file in a transaction of its own.
func runFiles(ctx context.Context, db *sql.DB, files fs.FS, names []string) error {
	for _, name := range names {
		err := inTransaction(ctx, db, func(tx *sql.Tx) error { return runFile(ctx, tx, files, name) })
		if err != nil {
			return err
		}
	}
	return nil
}

// runFile executes the statements of an embedded file.
func runFile(ctx context.Context, tx *sql.Tx, files fs.FS, name string) error {
	script, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if _, err := tx.ExecContext(ctx, string(script)); err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	return nil
}

// inTransaction calls f with a transaction in which names mean PostgreSQL's own things, whatever others have put on
// the migrating role's search_path, and commits what f has done.
func inTransaction(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer tx.Rollback() // after a commit it does nothing
	const pin = `SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)`
	if _, err := tx.ExecContext(ctx, pin); err != nil {
		return fmt.Errorf("pin the search_path: %w", err)
	}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

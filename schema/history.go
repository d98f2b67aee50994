package schema

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

//go:embed core/*.sql apps/*.sql
var migrations embed.FS

// history is one line of migrations with its own table of what has been applied.
type history struct {
	folder string // in migrations
	table  string // in schema rowcall, where nothing else is kept
	schema string // in which it creates its tables
}

func histories(apps bool) []history {
	all := []history{{"core", "rowcall.core_migrations", "rowcall"}}
	if apps {
		all = append(all, history{"apps", "rowcall.apps_migrations", "public"})
	}
	return all
}

// actor is the role that applies the migrations: the owner of schema rowcall for what is in it, else the migrating role.
func (h history) actor(owner string) string {
	if h.schema == "rowcall" {
		return owner
	}
	return ""
}

// up applies what has not been applied, as the given role, or as the migrating role without one. Each migration is a
// transaction of its own.
func (h history) up(ctx context.Context, db *sql.DB, role string, log *slog.Logger) error {
	provider, err := h.provider(db, role)
	if err != nil {
		return err
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", h.folder, err)
	}
	for _, m := range applied {
		log.InfoContext(ctx, "migration applied", "history", h.folder, "file", m.Source.Path, "took", m.Duration)
	}
	return nil
}

// pending asks first whether the table is there: the provider would create it.
func (h history) pending(ctx context.Context, db *sql.DB) (bool, error) {
	known, err := h.known(ctx, db)
	if err != nil || !known {
		return true, err
	}
	provider, err := h.provider(db, "")
	if err != nil {
		return false, err
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("compare %s with %s: %w", h.folder, h.table, err)
	}
	return pending, nil
}

// createTable creates the history's own table, as the owner of schema rowcall. goose would create it as the migrating
// role, which a later one need not be.
func (h history) createTable(ctx context.Context, tx *sql.Tx) error {
	known, err := h.known(ctx, tx)
	if err != nil || known {
		return err
	}
	store, err := database.NewStore(goose.DialectPostgres, h.table)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", h.table, err)
	}
	if err := store.CreateVersionTable(ctx, tx); err != nil {
		return fmt.Errorf("create %s: %w", h.table, err)
	}
	if err := store.Insert(ctx, tx, database.InsertRequest{Version: 0}); err != nil { // goose wants a first row
		return fmt.Errorf("begin %s: %w", h.table, err)
	}
	return nil
}

// known reports whether the history's own table is there.
func (h history) known(ctx context.Context, q queryer) (bool, error) {
	const exists = `SELECT to_regclass($1) IS NOT NULL`
	var known bool
	if err := q.QueryRowContext(ctx, exists, h.table).Scan(&known); err != nil {
		return false, fmt.Errorf("look for %s: %w", h.table, err)
	}
	return known, nil
}

// queryer is a database or a transaction in it.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// provider locks once more, on the connection that migrates: the lock of WithLock is on another one,
// which may be lost while this one works on.
func (h history) provider(db *sql.DB, role string) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, h.folder)
	if err != nil {
		return nil, fmt.Errorf("open migrations %s: %w", h.folder, err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("prepare the lock of %s: %w", h.folder, err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(h.table),
		goose.WithSessionLocker(actingLocker{locker, role}),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations %s: %w", h.folder, err)
	}
	return provider, nil
}

// actingLocker is the place where goose lets us prepare the connection that migrates. While it holds the lock, names
// mean PostgreSQL's own things, whatever others have put on the migrating role's search_path, and the connection acts
// as a role.
type actingLocker struct {
	lock.SessionLocker
	role string // empty for the migrating role
}

// SessionLock takes the lock and prepares the connection.
func (l actingLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if err := l.SessionLocker.SessionLock(ctx, conn); err != nil {
		return err
	}
	const settle = `
		SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
		       CASE WHEN $1 <> '' THEN pg_catalog.set_config('role', $1, false) END`
	if _, err := conn.ExecContext(ctx, settle, l.role); err != nil {
		return errors.Join(fmt.Errorf("act as %s: %w", l.role, err), l.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	return nil
}

// SessionUnlock gives the connection back as it was.
func (l actingLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `RESET role; RESET search_path`)
	return errors.Join(err, l.SessionLocker.SessionUnlock(ctx, conn))
}

package schema

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed core/*.sql apps/*.sql
var migrations embed.FS

// history is one line of migrations with its own table of what has been applied.
type history struct {
	folder string // in migrations
	table  string // in schema rowcall, where the migrating role has no other use for it
}

func histories(apps bool) []history {
	all := []history{{"core", "rowcall.core_migrations"}}
	if apps {
		all = append(all, history{"apps", "rowcall.apps_migrations"})
	}
	return all
}

// up applies what has not been applied. Each migration is a transaction of its own.
func (h history) up(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	provider, err := h.provider(db)
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
	const exists = `SELECT to_regclass($1) IS NOT NULL`
	var known bool
	if err := db.QueryRowContext(ctx, exists, h.table).Scan(&known); err != nil {
		return false, fmt.Errorf("look for %s: %w", h.table, err)
	}
	if !known {
		return true, nil
	}
	provider, err := h.provider(db)
	if err != nil {
		return false, err
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("compare %s with %s: %w", h.folder, h.table, err)
	}
	return pending, nil
}

// provider locks once more, on the connection that migrates: the lock of WithLock is on another one,
// which may be lost while this one works on.
func (h history) provider(db *sql.DB) (*goose.Provider, error) {
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
		goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations %s: %w", h.folder, err)
	}
	return provider, nil
}

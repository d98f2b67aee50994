package node

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"rowcall/api/problem"
	"rowcall/config"
	"rowcall/schema"
	"rowcall/triggers"
)

// Migrate brings schema and triggers up to date, and loads the sample rows where samples says so and
// there are none. Several nodes may call it at the same time: they take turns.
func Migrate(ctx context.Context, c *config.Config, samples bool, log *slog.Logger) error {
	db, err := openDatabase(ctx, c.Database.Migrate(), c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	return explainMigrate(migrate(ctx, db, schema.Options{Apps: c.Apps, Samples: samples, Logger: log}, djangoSessionsTable(c.Auth.Django)))
}

// migrate brings schema and triggers up to date. django is the table of sessions of a Django site; empty if there is none.
func migrate(ctx context.Context, db *sql.DB, o schema.Options, django string) error {
	return schema.WithLock(ctx, db, func(ctx context.Context) error {
		if err := schema.Migrate(ctx, db, o); err != nil {
			return err
		}
		return triggers.Install(ctx, db, triggers.Options{Apps: o.Apps, Django: django, Logger: o.Logger})
	})
}

// RequireMigrated returns an error if the database is not up to date.
func RequireMigrated(ctx context.Context, c *config.Config) error {
	db, err := openDatabase(ctx, c.Database.Direct(), c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	pending, err := schema.Pending(ctx, db, c.Apps)
	if isDenied(err) {
		return explainDenied(ctx, db, needs(c), err)
	}
	if err != nil {
		return fmt.Errorf("look whether the database is up to date: %w", err)
	}
	if pending {
		return errors.New("the database is not up to date: run rowcall migrate first")
	}
	temporary, err := schema.IsTemporary(ctx, db)
	if temporary {
		return errors.New("schema rowcall was installed by rowcall watch, which may remove it again: run rowcall migrate first")
	}
	return err
}

// openDatabase opens a database for migrations. It refuses a server that Rowcall cannot work with.
func openDatabase(ctx context.Context, dsn config.DSN, d config.Database) (*sql.DB, error) {
	server, err := findSessions(ctx, dsn, d)
	if err != nil {
		return nil, err
	}
	c := server.ConnConfig(nil)
	db := stdlib.OpenDB(*c)
	if err := schema.Check(ctx, db); err != nil {
		db.Close()
		return nil, explainServer(err, c)
	}
	return db, nil
}

// explainServer says what to do about a server that Rowcall cannot work with.
func explainServer(err error, c *pgx.ConnConfig) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, schema.ErrTooOld):
		return fmt.Errorf("the database at %s is too old: %w: upgrade it, or name another in database.url (ROWCALL_DATABASE_URL)", addressOf(c), err)
	case errors.Is(err, schema.ErrStandby):
		return fmt.Errorf("the database at %s cannot be served from: %w: name the primary in database.url (ROWCALL_DATABASE_URL)", addressOf(c), err)
	}
	return fmt.Errorf("look at the database at %s: %s", addressOf(c), causeOf(err))
}

// explainMigrate says what to do about a role that may not migrate.
func explainMigrate(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && isDenied(err) {
		return fmt.Errorf("the database's user may not change its schema (%s): let ROWCALL_DATABASE_MIGRATE_URL name one who may, or run rowcall migrate as such a user and serve with --migrate=false", refused.Message)
	}
	return err
}

// explainPlan says which role may plan, instead of the refusal of the first object that the role may not read.
func explainPlan(ctx context.Context, db *sql.DB, err error) error {
	var role string
	if !isDenied(err) || db.QueryRowContext(ctx, `SELECT current_user`).Scan(&role) != nil {
		return err
	}
	return fmt.Errorf("role %q may not read schema rowcall: name the role that migrates in database.migrate_url, or run what rowcall grants --migrate %s prints", role, role)
}

// isDenied reports whether the database refused a statement because the role lacks a right.
func isDenied(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == problem.StateDenied
}

// explainDenied says which rights a role lacks that is to serve, instead of denied, which names the first.
func explainDenied(ctx context.Context, db *sql.DB, n schema.Needs, denied error) error {
	missing, err := schema.MissingRights(ctx, db, n)
	switch {
	case err != nil:
		return err
	case missing == "":
		return denied
	}
	return errors.New(missing)
}

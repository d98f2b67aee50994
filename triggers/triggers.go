// Package triggers owns the functions and triggers by which the database tells of its changes. They have
// only a present: the SQL files here say what should be there, and Install makes it so.
//
// core holds what every database gets, in schema rowcall; apps holds the triggers of the four shipped apps;
// django those on the sessions of a Django site, whose table is named by a setting.
// A file is a list of statements, each ending with a semicolon at the end of a line: CREATE OR REPLACE
// FUNCTION, and CREATE OR REPLACE TRIGGER with an ALTER TABLE behind it where it fires always. Triggers are
// written in PostgreSQL's own order, INSERT OR DELETE OR UPDATE, so that they compare equal to what it keeps.
package triggers

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
)

//go:embed core/*.sql apps/*.sql django/*.sql
var files embed.FS

// rights says who may call the functions; it is run last of all.
const rights = "core/rights.sql"

// Options are what an installation may be told; the zero value installs the core alone.
type Options struct {
	Apps   bool         // also the triggers of the four apps, whose tables must be there
	Django string       // the table of a Django site's sessions, spelled as in SQL, with or without a schema; empty: none
	Logger *slog.Logger // slog.Default()
}

func (o Options) logger() *slog.Logger { return cmp.Or(o.Logger, slog.Default()) }

// Install brings functions, triggers and their rights up to this version. What is there already and
// equal is left alone, without a lock; a trigger that differs is replaced between two writers, who never
// wait for it longer than lockTimeout. Two installations must not run at once: see schema.WithLock.
func Install(ctx context.Context, db *sql.DB, o Options) error {
	wanted, err := load(o)
	if err != nil {
		return err
	}
	if err := installFunctions(ctx, db, wanted.functions, o.logger()); err != nil {
		return err
	}
	if err := installIdentities(ctx, db, o.logger()); err != nil {
		return err
	}
	if err := installTriggers(ctx, db, wanted.triggers, o.logger()); err != nil || o.Django == "" {
		return err
	}
	return watchDjango(ctx, db, o.Django, o.logger())
}

// load reads the files: all functions, then rights; and all triggers on tables that are known to be there.
func load(o Options) (script, error) {
	patterns := []string{"core/*.sql"}
	if o.Apps {
		patterns = append(patterns, "apps/*.sql")
	}
	var all script
	for _, pattern := range patterns {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return script{}, fmt.Errorf("list %s: %w", pattern, err)
		}
		for _, name := range names {
			if name == rights {
				continue
			}
			if err := all.read(name); err != nil {
				return script{}, err
			}
		}
	}
	if o.Django != "" {
		var django script
		if err := django.read("django/sessions.sql"); err != nil {
			return script{}, err
		}
		all.functions = append(all.functions, django.functions...)
	}
	return all, all.read(rights)
}

package node

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"rowcall/config"
	"rowcall/schema"
	"rowcall/triggers/tables"
)

// Watch is what rowcall watch has made live, and follows. Close it afterwards.
type Watch struct {
	config  *config.Config
	db      *sql.DB
	holding *sql.Conn // shares the locks of the tables; nil before they are live
	say     func(line string)
	began   bool // Attach has changed the database
}

// OpenWatch opens the database for rowcall watch. say is told, in lines for a person, what is done and what is waited for.
func OpenWatch(ctx context.Context, c *config.Config, say func(line string)) (*Watch, error) {
	db, err := openDatabase(ctx, c.Database.Migrate(), c.Database)
	if err != nil {
		return nil, err
	}
	return &Watch{config: c, db: db, say: say}, nil
}

// Began reports whether Attach has changed the database, or found everything made.
func (w *Watch) Began() bool { return w.began }

// Close gives the tables back to other watches, and closes the connections. It removes nothing.
func (w *Watch) Close() { w.db.Close() }

// Attach makes tables live and sets them as the tables of the configuration. The error says what to do; nothing was changed
// if a table cannot be watched.
func (w *Watch) Attach(ctx context.Context, names []string, o tables.WatchOptions) error {
	return w.locked(ctx, func(ctx context.Context) error {
		install, err := w.checkSchema(ctx)
		if err != nil {
			return err
		}
		o.LeftOut = func(reason string) { w.say("Left out: " + reason + ".") }
		declared, err := tables.DeclareForWatch(ctx, w.db, names, o)
		if err != nil {
			return err
		}
		changes, err := tables.PlanDeclared(ctx, w.db, declared)
		if err != nil {
			return misfitOf(err)
		}
		if err := w.checkOthers(ctx, changes); err != nil {
			return err
		}
		w.config.Tables, w.config.TablesApply = declared, true
		for _, note := range changes.Notes {
			w.say("Note: " + note + ".")
		}
		w.began = true
		if install {
			if err := w.install(ctx); err != nil {
				return err
			}
		}
		if w.holding, err = w.db.Conn(ctx); err != nil {
			return fmt.Errorf("connect to share the tables with other watches: %w", err)
		}
		if err := tables.HoldForWatch(ctx, w.holding, declared); err != nil {
			return err
		}
		return w.apply(ctx)
	})
}

// locked calls f while no other node changes schema or triggers, and says so if that takes long.
func (w *Watch) locked(ctx context.Context, f func(context.Context) error) error {
	turn := make(chan struct{})
	waiting := time.AfterFunc(time.Second, func() {
		defer close(turn)
		w.say("Waiting for another process that changes schema rowcall.")
	})
	defer waiting.Stop()
	return schema.WithLock(ctx, w.db, func(ctx context.Context) error {
		if !waiting.Stop() {
			<-turn
		}
		return f(ctx)
	})
}

// checkSchema reports whether schema rowcall has to be installed, or to be completed where an earlier watch was killed. It
// refuses a schema of another version.
func (w *Watch) checkSchema(ctx context.Context) (install bool, err error) {
	state, err := schema.Compare(ctx, w.db, false)
	if err != nil {
		return false, explainPlan(ctx, w.db, err)
	}
	own, err := schema.IsTemporary(ctx, w.db)
	switch {
	case err != nil:
		return false, err
	case len(state.Unknown) > 0:
		return false, fmt.Errorf("schema rowcall in this database is of a newer version of Rowcall (migration %s): use that version", state.Unknown[0])
	case state.Missing, own:
		return true, nil
	case len(state.Pending) > 0:
		return false, fmt.Errorf("schema rowcall in this database is of an older version of Rowcall (migration %s is missing): run rowcall migrate first", state.Pending[0])
	}
	return false, nil
}

// checkOthers refuses to change what another rowcall watch follows.
func (w *Watch) checkOthers(ctx context.Context, changes tables.Changes) error {
	for _, c := range changes.Changes {
		if !c.Has(tables.DeclarationDiffers) && !c.Has(tables.ColumnsDiffer) {
			continue
		}
		used, err := c.IsFollowed(ctx, w.db)
		if err != nil {
			return err
		}
		if used {
			return fmt.Errorf("another rowcall watch follows %s, with another topic or with other columns: stop that one, or give the same --topic", c.Table)
		}
	}
	return nil
}

// install installs schema rowcall, marked as one that may be removed again.
func (w *Watch) install(ctx context.Context) error {
	err := noticing(time.Second, func() { w.say("Installing schema rowcall.") }, func() error {
		return migrate(ctx, w.db, schema.Options{Watch: true, Logger: slog.New(slog.DiscardHandler)}, "")
	})
	return explainMigrate(err)
}

// apply makes the tables of the configuration live.
func (w *Watch) apply(ctx context.Context) error {
	changes, err := tables.PlanDeclared(ctx, w.db, w.config.Tables)
	if err != nil {
		return misfitOf(err)
	}
	return w.change(ctx, changes.Changes)
}

// change makes changes, and says what was done.
func (w *Watch) change(ctx context.Context, changes []tables.Change) error {
	return applyEach(ctx, w.db, changes, ApplyProgress{
		Waits: func(c tables.Change) { w.say(c.Table + ": " + WaitsForLock) },
		Done: func(c tables.Change) {
			for _, d := range c.Differences {
				w.say(c.Table + ": " + d.Done())
			}
		},
	})
}

// Detach removes what this watch and earlier ones have made, but for tables that another watch follows: triggers and
// functions, and schema rowcall if a watch has installed it and nothing else is in it. It may be called again after an error.
func (w *Watch) Detach(ctx context.Context) error {
	if w.holding != nil {
		if _, err := w.holding.ExecContext(ctx, `SELECT pg_advisory_unlock_all()`); err != nil {
			return fmt.Errorf("give the tables back: %w", err)
		}
	}
	return w.locked(ctx, func(ctx context.Context) error {
		removals, others, err := tables.Unwatch(ctx, w.db)
		if err != nil {
			return explainPlan(ctx, w.db, err)
		}
		var unused []tables.Change
		for _, c := range removals {
			used, err := c.IsFollowed(ctx, w.db)
			switch {
			case err != nil:
				return err
			case used:
				w.say(c.Table + " stays live: another rowcall watch follows it.")
			default:
				unused = append(unused, c)
			}
		}
		if err := w.change(ctx, unused); err != nil {
			return err
		}
		return w.removeSchema(ctx, others || len(unused) < len(removals))
	})
}

// removeSchema removes schema rowcall if a watch has installed it, and nobody needs it.
func (w *Watch) removeSchema(ctx context.Context, inUse bool) error {
	own, err := schema.IsTemporary(ctx, w.db)
	if err != nil || !own {
		return err
	}
	if !inUse {
		if inUse, err = tables.AnyWatch(ctx, w.db); err != nil {
			return err
		}
	}
	if inUse {
		w.say("Schema rowcall stays: it is in use.")
		return nil
	}
	r, err := tables.PlanRemoval(ctx, w.db)
	if err != nil {
		return err
	}
	if refusal := r.Refusal(false); refusal != nil {
		w.say(fmt.Sprintf("Schema rowcall stays: %v. Afterwards run rowcall uninstall.", refusal))
		return nil
	}
	waits := func() { w.say("Removing schema rowcall.") }
	err = noticing(time.Second, waits, func() error {
		return r.Run(ctx, w.db, false, func(statement string, stays error) {
			if stays != nil {
				w.say(fmt.Sprintf("stays: %v", stays))
			}
		})
	})
	if err == nil {
		w.say("Schema rowcall was removed.")
	}
	return err
}

package node

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"rowcall/config"
	"rowcall/schema"
	"rowcall/triggers/tables"
)

// TablePlan is what applying the declarations of tables would change.
type TablePlan struct {
	Migrate bool `json:"migrate"` // Rowcall's own schema is not there, or not up to date
	tables.Changes
}

// Empty reports whether nothing would change.
func (p TablePlan) Empty() bool { return !p.Migrate && p.Changes.Empty() }

// PlanTables compares the database with the declarations of tables. It changes nothing.
func PlanTables(ctx context.Context, c *config.Config) (TablePlan, error) {
	db, err := openDatabase(ctx, c.Database.Migrate(), c.Database)
	if err != nil {
		return TablePlan{}, err
	}
	defer db.Close()
	pending, err := schema.Pending(ctx, db, c.Apps)
	if err != nil {
		return TablePlan{}, explainPlan(ctx, db, err)
	}
	changes, err := tables.PlanDeclared(ctx, db, c.Tables)
	return TablePlan{pending, changes}, explainPlan(ctx, db, misfitOf(err))
}

// WaitsForLock is logged while a table cannot be changed because somebody holds it.
const WaitsForLock = "waiting for a lock: another transaction uses the table"

// ApplyProgress is told how applying goes on. Each function may be nil.
type ApplyProgress struct {
	Migrated func()              // Rowcall's own schema was installed or brought up to date; not called if it was so before
	Waits    func(tables.Change) // a table takes longer than a second, because somebody holds it
	Done     func(tables.Change)
}

// ApplyTables brings Rowcall's own schema up to date, and makes the tables as they are declared. With prune, tables that
// are not declared any more lose their triggers.
func ApplyTables(ctx context.Context, c *config.Config, prune bool, progress ApplyProgress, log *slog.Logger) error {
	plan, err := PlanTables(ctx, c)
	if err != nil {
		return err // before anything is changed
	}
	if err := Migrate(ctx, c, false, log); err != nil {
		return err
	}
	if plan.Migrate && progress.Migrated != nil {
		progress.Migrated()
	}
	db, err := openDatabase(ctx, c.Database.Migrate(), c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	return schema.WithLock(ctx, db, func(ctx context.Context) error {
		changes, err := tables.PlanDeclared(ctx, db, c.Tables)
		if err != nil {
			return misfitOf(err)
		}
		if prune {
			changes = changes.Prune()
		}
		return applyEach(ctx, db, changes.Changes, progress)
	})
}

// applyEach makes changes one after the other, and tells which one waits.
func applyEach(ctx context.Context, db *sql.DB, changes []tables.Change, progress ApplyProgress) error {
	for _, change := range changes {
		err := noticing(time.Second, func() { tell(progress.Waits, change) }, func() error {
			return tables.Apply(ctx, db, tables.Changes{Changes: []tables.Change{change}}, func(done tables.Change) { tell(progress.Done, done) })
		})
		if err != nil && errors.Is(err, context.Canceled) {
			return ctx.Err()
		}
		if err != nil {
			return explainMigrate(err)
		}
	}
	return nil
}

func tell(f func(tables.Change), change tables.Change) {
	if f != nil {
		f(change)
	}
}

// noticing calls notice if work takes longer than patience. Both have ended when it returns.
func noticing(patience time.Duration, notice func(), work func() error) error {
	noticed := make(chan struct{})
	timer := time.AfterFunc(patience, func() {
		defer close(noticed)
		notice()
	})
	err := work()
	if !timer.Stop() {
		<-noticed
	}
	return err
}

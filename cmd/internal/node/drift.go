package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/schema"
	"rowcall/triggers/tables"
)

// checkTables returns an error that says in which declared tables the database differs from the
// declarations, and what to do.
func checkTables(ctx context.Context, c *config.Config) error {
	plan, err := PlanTables(ctx, c)
	if err != nil {
		return misfitOr(err, "comparing declared tables with the database")
	}
	if plan.Empty() {
		return nil
	}
	var differences []string
	for _, change := range plan.Changes.Changes {
		differences = append(differences, change.Table+" "+strings.Join(change.What(), ", "))
	}
	if plan.Migrate {
		differences = append(differences, "schema rowcall is not up to date")
	}
	return fmt.Errorf("rowcall apply would change: %s", strings.Join(differences, "; "))
}

// tablesItems returns the setting that fits while the declared tables are live as they are declared. With
// tables_apply, what differs is repaired, but never so that more columns leave the database than before.
func (n *Node) tablesItems(c *config.Config) []*upkeep.Item {
	if len(c.Tables) == 0 {
		return nil
	}
	return []*upkeep.Item{upkeep.NewFingerprintedItem("tables", "declared tables", n.tablesFingerprint(c), func(ctx context.Context, _ bool) (bool, error) {
		differs := checkTables(ctx, c)
		if differs == nil || !c.TablesApply || errors.Is(differs, problem.ErrUnavailable) {
			return false, differs
		}
		if err := repairTables(ctx, c, n.log); err != nil {
			return false, unrepaired(differs, err)
		}
		return true, checkTables(ctx, c)
	})}
}

// tablesFingerprint returns what tells that the catalog has changed where declared tables are concerned.
func (n *Node) tablesFingerprint(c *config.Config) upkeep.Fingerprint {
	return func(ctx context.Context) (string, error) {
		db := n.pool.SQL()
		defer db.Close()
		return tables.Fingerprint(ctx, db, c.Tables)
	}
}

// unrepaired is the error of tables that differ from their declarations and were not repaired. Where that may work soon,
// because a table is locked for example, it is upkeep.ErrUnfinished.
func unrepaired(differs, reason error) error {
	if _, ok := errors.AsType[rules.Problems](reason); ok {
		return misfitOf(reason)
	}
	return fmt.Errorf("%w; %w: %v", differs, upkeep.ErrUnfinished, reason) // not its kind: the database may have been away for a moment
}

// repairTables makes declared tables live again with the columns with which they were applied.
func repairTables(ctx context.Context, c *config.Config, log *slog.Logger) error {
	db, err := openDatabase(ctx, c.Database.Migrate(), c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	return schema.WithLock(ctx, db, func(ctx context.Context) error {
		changes, err := tables.PlanRepairs(ctx, db, c.Tables)
		if err != nil {
			return err
		}
		return tables.Apply(ctx, db, changes, func(done tables.Change) {
			log.Warn("a declared table was repaired: its events were missing or not as declared", "table", done.Table, "what", strings.Join(done.What(), "; "), "reset", done.Reset)
		})
	})
}

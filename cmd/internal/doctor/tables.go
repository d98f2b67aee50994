package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/schema"
	"rowcall/triggers/tables"
)

const applyCommand = "rowcall apply; rowcall plan prints its SQL"

// lookAtDeclared compares declared tables with their functions and triggers, as rowcall plan does.
func lookAtDeclared(ctx context.Context, e *examination, _ pgx.Tx) ([]Finding, error) {
	way := e.way(e.config.Database.Migrate())
	if way == nil || e.hasCode(SchemaPending) || e.hasCode(SchemaNewer) {
		return nil, nil // apply would migrate first
	}
	db := way.SQL()
	defer db.Close()
	changes, err := tables.PlanDeclared(ctx, db, e.config.Tables)
	var found []Finding
	for _, c := range changes.Changes {
		found = append(found, ofChange(c)...)
	}
	for _, c := range changes.Undeclared {
		if c.Has(tables.LiveByWatch) {
			found = append(found, finding(TableWatched, c.Table, "", "table "+c.Table+" was made live by rowcall watch, and its changes are filed", "rowcall watch --detach"))
			continue
		}
		found = append(found, finding(TableUndeclared, c.Table, "", "table "+c.Table+" is not declared any more, and its changes are still filed", "rowcall apply --prune"))
	}
	problems, ok := errors.AsType[rules.Problems](err)
	for _, p := range problems {
		found = append(found, ofProblem(p))
	}
	if ok {
		err = nil
	}
	return found, err
}

// ofProblem makes a finding of a declaration that does not fit the database, or cannot be applied.
func ofProblem(p rules.Problem) Finding {
	if refused, ok := errors.AsType[*tables.NotOwnerError](p.Cause); ok {
		return finding(TableUnfit, refused.Table, p.Key, "the declaration "+p.Key+" cannot be applied: "+p.Text,
			fmt.Sprintf("%s, or run rowcall apply as %s", refused.Statement, quote(refused.Owner)))
	}
	return finding(TableUnfit, "", p.Key, p.Key+" does not fit the database: "+p.Text, "change the declaration, or the table")
}

// ofChange makes a finding of each thing that a table needs.
func ofChange(c tables.Change) []Finding {
	var found []Finding
	for _, d := range c.Differences {
		f := ofDifference(c.Table, d)
		if isRepair(c) {
			f.repair = repairTables
		}
		found = append(found, f)
	}
	return found
}

// ofDifference makes a finding of one thing.
func ofDifference(table string, d tables.Difference) Finding {
	code := codeOfKind(d.Kind)
	if d.Trigger == "" {
		return finding(code, table, "", "table "+table+" "+d.String(), applyCommand)
	}
	if d.Partition != "" {
		table = d.Partition
	}
	if d.Elsewhere != "" {
		table = d.Elsewhere
	}
	trigger := quote(d.Trigger)
	return finding(code, table, trigger, fmt.Sprintf("trigger %s on %s %s", trigger, table, d.Verdict()), applyCommand)
}

// codeOfKind is the code of a kind of difference.
func codeOfKind(k tables.Kind) string {
	return map[tables.Kind]string{
		tables.NotLive: TableNotLive, tables.Undeclared: TableUndeclared, tables.LiveByWatch: TableWatched, tables.NowDeclared: TableWatched,
		tables.CommentChanged: FunctionOutdated, tables.VersionDiffers: FunctionOutdated, tables.FunctionChanged: FunctionOutdated,
		tables.ColumnsDiffer: TableColumns, tables.DeclarationDiffers: TableColumns, tables.PartitionsDiffer: TablePartitions,
		tables.TriggerMissing: TriggerMissing, tables.TriggerDisabled: TriggerDisabled, tables.TriggerReplicaOnly: TriggerDisabled,
		tables.TriggerNotAlways: TriggerNotAlways, tables.TriggerStray: TriggerReplaced,
	}[k]
}

// isRepair reports whether a change only restores what was applied before. Which columns leave is a decision, and nobody
// knows which did where the comment on the function was changed.
func isRepair(c tables.Change) bool {
	return !c.Has(tables.NotLive) && !c.Has(tables.CommentChanged) && !c.Has(tables.ColumnsDiffer) && !c.Has(tables.DeclarationDiffers)
}

// fixTables makes those tables as declared whose change is a repair, and returns their names.
func fixTables(ctx context.Context, c *config.Config) (done []string, err error) {
	way, err := node.FindWay(ctx, "database.migrate_url", c.Database.Migrate())
	if err != nil {
		return nil, err
	}
	db := way.SQLToRepair()
	defer db.Close()
	err = schema.WithLock(ctx, db, func(ctx context.Context) error {
		changes, err := tables.PlanRepairs(ctx, db, c.Tables)
		if err != nil {
			return err
		}
		var repairs tables.Changes
		for _, change := range changes.Changes {
			if isRepair(change) {
				repairs.Changes = append(repairs.Changes, change)
			}
		}
		return tables.Apply(ctx, db, repairs, func(change tables.Change) { done = append(done, change.Table) })
	})
	return done, err
}

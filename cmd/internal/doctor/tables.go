package doctor

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"

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
	changes, err := planTables(ctx, db, e.config)
	var found []Finding
	for _, c := range changes.Changes {
		found = append(found, ofChange(c)...)
	}
	for _, c := range changes.Undeclared {
		found = append(found, finding(TableUndeclared, c.Table, "", "table "+c.Table+" is not declared any more, and its changes are still filed", "rowcall apply --prune"))
	}
	problems, ok := errors.AsType[rules.Problems](err)
	for _, p := range problems {
		if strings.Contains(p.Text, "may not make triggers") && e.config.Database.MigrateURL == "" {
			e.denied = append(e.denied, "whether "+p.Key+" is live as it is declared")
			continue
		}
		found = append(found, finding(TableUnfit, "", p.Key, p.Key+" does not fit the database: "+p.Text, "change the declaration, or the table"))
	}
	if ok {
		err = nil
	}
	return found, err
}

func planTables(ctx context.Context, db *sql.DB, c *config.Config) (tables.Changes, error) {
	declared, err := tables.Resolve(ctx, db, c.Tables)
	if err != nil {
		return tables.Changes{}, err
	}
	return tables.Plan(ctx, db, declared)
}

// ofChange makes a finding of each thing that a table needs.
func ofChange(c tables.Change) []Finding {
	aboutTrigger := regexp.MustCompile(`^trigger (\S+)(?: of partition (.+?))? (?:is|does|fires) `)
	var found []Finding
	for _, what := range c.What {
		f := finding(codeOfChange(what), c.Table, "", "table "+c.Table+" "+what, applyCommand)
		if named := aboutTrigger.FindStringSubmatch(what); named != nil {
			f.Object, f.Message = quote(named[1]), "declared table "+c.Table+": "+what
			if named[2] != "" {
				f.Table = named[2]
			}
		}
		if isRepair(c) {
			f.repair = repairTables
		}
		found = append(found, f)
	}
	return found
}

// codeOfChange tells by the words of a plan what has happened to a table.
func codeOfChange(what string) string {
	for _, c := range []struct{ begins, has, code string }{
		{"is not live", "", TableNotLive},
		{"has columns", "", TableColumns},
		{"is declared in another way", "", TableColumns},
		{"has other partitions", "", TablePartitions},
		{"has a function", "", FunctionOutdated},
		{"trigger ", " is missing", TriggerMissing},
		{"trigger ", " is disabled", TriggerDisabled},
		{"trigger ", " for replicated rows", TriggerNotAlways},
	} {
		if strings.HasPrefix(what, c.begins) && strings.Contains(what, c.has) {
			return c.code
		}
	}
	return TableDiffers
}

// isRepair reports whether a change only restores what was applied before. Which columns leave is a decision.
func isRepair(c tables.Change) bool {
	for _, what := range c.What {
		switch codeOfChange(what) {
		case TableNotLive, TableColumns, TableDiffers:
			return false
		}
	}
	return true
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
		changes, err := planTables(ctx, db, c)
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

package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/cmd/internal/node"
	"rowcall/schema"
	"rowcall/triggers"
)

const migrateCommand = "rowcall migrate"

// lookAtSchema compares the tables of schema rowcall with this version.
func lookAtSchema(ctx context.Context, e *examination, _ pgx.Tx) ([]Finding, error) {
	if e.version < 140000 {
		return nil, nil
	}
	db := e.ways[0].SQL()
	defer db.Close()
	state, err := schema.Compare(ctx, db, e.config.Apps)
	if err != nil {
		return nil, err
	}
	if state.Missing {
		return []Finding{finding(SchemaMissing, "", "rowcall", "schema rowcall is not there: no event is filed, and nodes do not start with --migrate=false", migrateCommand)}, nil
	}
	var found []Finding
	if len(state.Pending) > 0 {
		f := finding(SchemaPending, "", "rowcall", "migrations wait to be applied: "+strings.Join(state.Pending, ", "), migrateCommand)
		f.repair = repairMigrate
		found = append(found, f)
	}
	if len(state.Unknown) > 0 {
		found = append(found, finding(SchemaNewer, "", "rowcall", "a newer version of Rowcall has migrated this database: "+strings.Join(state.Unknown, ", ")+" is unknown to this version",
			"run a version that is at least as new as that which migrated"))
	}
	for _, name := range state.Gone {
		found = append(found, finding(SchemaIncomplete, name, "", name+" is not there, though the migration that makes it was applied: a restore may have stopped half-way",
			"restore the dump completely; or drop schema rowcall and run "+migrateCommand+", which loses the events in the log"))
	}
	return found, nil
}

// triggerLooks are about functions and triggers.
func triggerLooks() []look {
	return []look{
		{"functions and triggers of Rowcall", true, lookAtInstalled},
		{"declared tables", true, lookAtDeclared},
		{"triggers that file events", true, lookAtFilingTriggers},
	}
}

// lookAtInstalled compares functions and triggers with this version.
func lookAtInstalled(ctx context.Context, e *examination, _ pgx.Tx) ([]Finding, error) {
	if e.hasCode(SchemaNewer) {
		return nil, nil // a newer version has other functions
	}
	db := e.ways[0].SQL()
	defer db.Close()
	differences, err := triggers.Compare(ctx, db, triggers.Options{Apps: e.config.Apps, Django: node.DjangoSessions(e.config)})
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, d := range differences {
		f := finding(codeOf(d.Fault), d.Table, d.Object, describe(d), migrateCommand)
		if d.Fault != triggers.TableMissing {
			f.repair = repairMigrate
		}
		found = append(found, f)
	}
	return found, nil
}

// codeOf is the code of a fault.
func codeOf(f triggers.Fault) string {
	return map[triggers.Fault]string{
		triggers.FunctionMissing: FunctionMissing, triggers.FunctionOutdated: FunctionOutdated, triggers.FunctionSettings: FunctionSettings,
		triggers.FunctionSecurity: FunctionSecurity, triggers.FunctionOwner: FunctionOwner, triggers.FunctionPublic: FunctionPublic,
		triggers.TriggerMissing: TriggerMissing, triggers.TriggerDisabled: TriggerDisabled, triggers.TriggerReplaced: TriggerReplaced,
		triggers.TriggerOutdated: TriggerOutdated, triggers.TriggerReplicaOnly: TriggerDisabled, triggers.TriggerMode: TriggerNotAlways, triggers.TableMissing: SchemaIncomplete,
	}[f]
}

func describe(d triggers.Difference) string {
	on := fmt.Sprintf("trigger %s on %s", d.Object, d.Table)
	switch d.Fault {
	case triggers.FunctionMissing:
		return "function " + d.Object + " is not there"
	case triggers.FunctionOutdated:
		return "function " + d.Object + " is not the one of this version"
	case triggers.FunctionSettings:
		return fmt.Sprintf("function %s runs with %q instead of %q: the names in it may mean objects of others", d.Object, d.Found, d.Wanted)
	case triggers.FunctionSecurity:
		return fmt.Sprintf("function %s is %s instead of %s", d.Object, d.Found, d.Wanted)
	case triggers.FunctionOwner:
		return "function " + d.Object + " belongs to another role than schema rowcall, and runs with the rights of that role"
	case triggers.FunctionPublic:
		return "everybody may call function " + d.Object
	case triggers.TriggerMissing:
		return on + " is not there: changes of the table file no events"
	case triggers.TriggerDisabled:
		return on + " is disabled: changes of the table file no events"
	case triggers.TriggerReplicaOnly:
		return on + " fires for replicated rows only: ordinary changes file no events"
	case triggers.TriggerReplaced:
		return on + " calls another function: " + d.Found
	case triggers.TriggerOutdated:
		return on + " is not the one of this version: " + d.Found
	case triggers.TableMissing:
		return "table " + d.Table + " of the example applications is not there"
	}
	return on + " does not fire as it should while replication applies rows or session_replication_role is replica; pg_restore --disable-triggers leaves triggers like this"
}

package triggers

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// triggerKey is the table and the name of a trigger.
type triggerKey struct{ table, name string }

// keyOf reads the key of the trigger from a definition that pg_get_triggerdef has written.
func keyOf(definition string) triggerKey {
	const name = `(?:"(?:[^"]|"")+"|\w+)`
	parts := regexp.MustCompile(`^CREATE TRIGGER (` + name + `) .* ON (` + name + `\.` + name + `) `).FindStringSubmatch(definition)
	if parts == nil {
		return triggerKey{}
	}
	return triggerKey{table: parts[2], name: parts[1]}
}

// call is the part of a definition that names the function and its arguments.
func call(definition string) string {
	_, called, _ := strings.Cut(definition, " EXECUTE FUNCTION ")
	return called
}

// present is what there is at the tables of the wanted triggers.
type present struct {
	tables      map[string]bool // that are there
	definitions map[triggerKey]string
	modes       map[triggerKey]string
}

// presentTriggers reads the triggers with our names. To write the definition of a trigger that has a condition,
// PostgreSQL locks the table; none of ours has one.
func presentTriggers(ctx context.Context, tx *sql.Tx, wanted []trigger) (present, error) {
	const query = `
		SELECT format('%I.%I', n.nspname, c.relname), coalesce(quote_ident(t.tgname), ''), coalesce(t.tgenabled::text, ''),
		       CASE WHEN t.oid IS NULL THEN '' WHEN t.tgqual IS NULL THEN pg_get_triggerdef(t.oid)
		            ELSE format('a trigger with a condition, EXECUTE FUNCTION %s()', t.tgfoid::regproc) END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND starts_with(t.tgname, '0_rowcall')
		WHERE c.relkind IN ('r', 'p') AND format('%I.%I', n.nspname, c.relname) = ANY ($1)`
	var tables []string
	for _, t := range wanted {
		tables = append(tables, keyOf(t.definition).table)
	}
	all := present{tables: map[string]bool{}, definitions: map[triggerKey]string{}, modes: map[triggerKey]string{}}
	rows, err := tx.QueryContext(ctx, query, tables)
	if err != nil {
		return all, fmt.Errorf("read triggers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at triggerKey
		var mode, definition string
		if err := rows.Scan(&at.table, &at.name, &mode, &definition); err != nil {
			return all, fmt.Errorf("read triggers: %w", err)
		}
		all.tables[at.table] = true
		all.definitions[at], all.modes[at] = definition, mode
	}
	return all, rows.Err()
}

func compareTriggers(ctx context.Context, tx *sql.Tx, wanted []trigger) ([]Difference, error) {
	here, err := presentTriggers(ctx, tx, wanted)
	if err != nil {
		return nil, err
	}
	var all []Difference
	for _, t := range wanted {
		at := keyOf(t.definition)
		found, there := here.definitions[at]
		d := Difference{Table: at.table, Object: at.name, Found: found, Wanted: t.definition}
		switch {
		case !here.tables[at.table]:
			d.Fault = TableMissing
		case !there:
			d.Fault = TriggerMissing
		case call(found) != call(t.definition):
			d.Fault = TriggerReplaced
		case found != t.definition:
			d.Fault = TriggerOutdated
		case here.modes[at] == "D":
			d.Fault = TriggerDisabled
		case here.modes[at] == "R":
			d.Fault = TriggerReplicaOnly
		case here.modes[at] != t.mode():
			d.Fault = TriggerMode
		default:
			continue
		}
		all = append(all, d)
	}
	return all, nil
}

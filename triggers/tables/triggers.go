package tables

import (
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// The names of the triggers. They sort before those of others, which fire in the order of their names.
const (
	rowTrigger      = "0_rowcall"
	truncateTrigger = "0_rowcall_truncate"
	beginTrigger    = "0_rowcall_begin" // of mode statement, as those that follow
	insertTrigger   = "0_rowcall_insert"
	updateTrigger   = "0_rowcall_update"
	deleteTrigger   = "0_rowcall_delete"
)

// wantedTrigger is a trigger that a declared table, or a partition, is to have.
type wantedTrigger struct {
	name     string
	bits     int    // as in pg_trigger.tgtype
	isCopy   bool   // PostgreSQL copies it from the partitioned table
	oldTable string // the name of the transition table; empty: none
	newTable string
	create   string // SQL
}

// wantedTriggers are the triggers of the table or of one of its partitions. Partitions have copies of the table's row
// trigger, and a trigger for TRUNCATE of their own.
func (t Table) wantedTriggers(b partition) []wantedTrigger {
	on := quoteName(b.Schema, b.Name)
	truncate := wantedTrigger{name: truncateTrigger, bits: onTruncate}
	truncate.create = t.createTrigger(truncate, on, "AFTER TRUNCATE", "STATEMENT")
	if t.oncePerStatement() {
		return append(t.statementTriggers(on), truncate)
	}
	row := wantedTrigger{name: rowTrigger, bits: forEachRow | t.operationBits(), isCopy: b.OID != t.relation.OID}
	row.create = t.createTrigger(row, on, "AFTER "+strings.Join(t.operations(), " OR "), "ROW")
	return []wantedTrigger{row, truncate}
}

// statementTriggers are those of mode statement: one that fires as a statement begins, and one with transition tables for
// each operation.
func (t Table) statementTriggers(on string) []wantedTrigger {
	begin := wantedTrigger{name: beginTrigger, bits: before | t.operationBits()}
	begin.create = t.createTrigger(begin, on, "BEFORE "+strings.Join(t.operations(), " OR "), "STATEMENT")
	all := []wantedTrigger{begin}
	for _, w := range []wantedTrigger{
		{name: insertTrigger, bits: onInsert, newTable: newRows},
		{name: deleteTrigger, bits: onDelete, oldTable: oldRows},
		{name: updateTrigger, bits: onUpdate, oldTable: oldRows, newTable: newRows},
	} {
		operation := map[int]string{onInsert: "INSERT", onDelete: "DELETE", onUpdate: "UPDATE"}[w.bits]
		if slices.Contains(t.operations(), operation) {
			w.create = t.createTrigger(w, on, "AFTER "+operation, "STATEMENT")
			all = append(all, w)
		}
	}
	return all
}

// createTrigger is SQL that makes a trigger.
func (t Table) createTrigger(w wantedTrigger, on, event, each string) string {
	referencing := ""
	if w.oldTable != "" {
		referencing += " OLD TABLE AS " + w.oldTable
	}
	if w.newTable != "" {
		referencing += " NEW TABLE AS " + w.newTable
	}
	if referencing != "" {
		referencing = "\n    REFERENCING" + referencing
	}
	return fmt.Sprintf("CREATE OR REPLACE TRIGGER %s\n    %s ON %s%s\n    FOR EACH %s EXECUTE FUNCTION %s()",
		quoteName(w.name), event, on, referencing, each, t.functionSQL())
}

// isRight reports whether a trigger of the database is the wanted one.
func (w wantedTrigger) isRight(found *trigger, t Table) bool {
	return found != nil && found.Plain && found.Type == w.bits && found.OldTable == w.oldTable && found.NewTable == w.newTable &&
		found.Function == t.functionName() && found.Schema == "rowcall"
}

// triggerDifferences says what is wrong with the triggers of a table or partition, and how to make them right.
func (s *state) triggerDifferences(t Table, b partition) (wants []Difference, sql Step) {
	name := quoteName(b.Schema, b.Name)
	partition := ""
	if b.OID != t.relation.OID {
		partition = rules.WriteName([]string{b.Schema, b.Name})
	}
	for _, wanted := range t.wantedTriggers(b) {
		found := s.find(b.OID, wanted.name)
		switch {
		case wanted.isCopy && found == nil, !wanted.isCopy && !wanted.isRight(found, t):
			if s.functions.named(t.functionName()) != nil {
				wants = append(wants, Difference{Kind: TriggerMissing, Trigger: wanted.name, Partition: partition})
			}
			if !wanted.isCopy {
				sql = append(sql, wanted.create, enableAlways(name, wanted.name))
			}
		case wanted.name == rowTrigger && !wanted.isCopy && s.lacksCopy(t):
			if found.Enabled != "A" {
				wants = append(wants, Difference{Kind: kindOfMode(found.Enabled), Trigger: wanted.name, Partition: partition})
			}
			sql = append(sql, wanted.create, enableAlways(name, wanted.name)) // which makes the copies that are missing
		case found.Enabled != "A":
			wants = append(wants, Difference{Kind: kindOfMode(found.Enabled), Trigger: wanted.name, Partition: partition})
			sql = append(sql, enableAlways(name, wanted.name))
		}
	}
	return wants, sql
}

// lacksCopy reports whether a partition has no copy of the table's row trigger.
func (s *state) lacksCopy(t Table) bool {
	return slices.ContainsFunc(t.relation.Partitions, func(b partition) bool { return s.find(b.OID, rowTrigger) == nil })
}

func enableAlways(table, trigger string) string {
	return fmt.Sprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, quoteName(trigger))
}

// kindOfMode is what is wrong with a trigger that does not fire always. mode is as in pg_trigger.tgenabled.
func kindOfMode(mode string) Kind {
	switch mode {
	case "D":
		return TriggerDisabled
	case "R":
		return TriggerReplicaOnly
	}
	return TriggerNotAlways
}

// operationBits are the operations that are filed, as in pg_trigger.tgtype.
func (t Table) operationBits() int {
	bits := 0
	for word, bit := range map[string]int{"INSERT": onInsert, "DELETE": onDelete, "UPDATE": onUpdate} {
		if slices.Contains(t.operations(), word) {
			bits |= bit
		}
	}
	return bits
}

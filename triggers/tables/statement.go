package tables

import (
	"fmt"
	"strings"

	"rowcall/config/rules"
)

// The names of the transition tables of mode statement. In triggers they come before all tables of the search path.
const (
	oldRows = "old_rows"
	newRows = "new_rows"
)

// oncePerStatement reports whether the function is called once for each statement, and not for each row.
func (t Table) oncePerStatement() bool { return t.declaration.Mode == rules.ModeStatement }

// statementRefusal says why the events of a table with mode statement could be others than with mode row, and what to do;
// empty if they could not, and for mode row.
func (t Table) statementRefusal() string {
	because := ""
	switch r := t.relation; {
	case !t.oncePerStatement():
		return ""
	case r.Kind == partitionedTable:
		because = "it is partitioned: a statement on one of its partitions would file no events"
	case r.Parent || r.Child:
		because = "it inherits from another table, or others from it: a statement on one of them would file no events, or those of the other's rows"
	case r.Subscribed:
		because = "a subscription brings rows into it, and logical replication fires no triggers of statements"
	case r.Cascades:
		because = "a foreign key to itself changes its rows: one statement could change a row twice, in an order that nobody knows afterwards"
	case len(r.Triggers) > 0:
		because = fmt.Sprintf("its trigger %s fires for each row, before what the statement has done would be filed", rules.WriteName(r.Triggers[:1]))
	case len(r.Earlier) > 0:
		return fmt.Sprintf("%s cannot have mode %s, because its trigger %s fires before what the statement has done is filed: rename the trigger so that its name "+
			"sorts after %s, or leave mode out, which means row", t.SQL(), rules.ModeStatement, rules.WriteName(r.Earlier[:1]), updateTrigger)
	default:
		return ""
	}
	return fmt.Sprintf("%s cannot have mode %s, because %s: leave mode out, which means row", t.SQL(), rules.ModeStatement, because)
}

// statementBody is the text of a function that is called once for each statement.
func (t Table) statementBody() string {
	s := &script{}
	s.line(0, "")
	s.line(0, "-- Files what a statement does to rows of the table, as its declaration says. Made by rowcall apply, which replaces it")
	s.line(0, "-- when the declaration changes: a change made here is lost. Names are qualified, so that search_path cannot matter;")
	s.line(0, "-- %s and %s are transition tables, which come before it.", oldRows, newRows)
	s.line(0, "DECLARE")
	s.line(1, "-- partition of rowcall.log to insert into; NULL: no node for log.abandon, nothing is filed")
	s.line(1, "slot pg_catalog.int2 := rowcall.writing_slot();")
	s.line(1, "filed pg_catalog.int8 := 0;  -- how many events")
	s.line(0, "BEGIN")
	s.line(1, "IF TG_WHEN OPERATOR(pg_catalog.=) 'BEFORE' THEN")
	s.line(2, "PERFORM rowcall.statement_begins(TG_RELID, TG_OP);")
	s.line(2, "RETURN NULL;")
	s.line(1, "END IF;")
	t.truncate(s)
	s.line(1, "IF slot IS NULL THEN")
	s.line(2, "PERFORM rowcall.statement_ends(TG_RELID, TG_OP, false);")
	s.line(2, "RETURN NULL;")
	s.line(1, "END IF;")
	s.line(1, "-- Where one statement changes rows in several ways, and their order is not known, followers read their state again.")
	s.line(1, "IF rowcall.is_mixed(TG_RELID, TG_OP) THEN")
	for _, o := range t.operations() {
		s.line(2, "IF TG_OP OPERATOR(pg_catalog.=) '%s' THEN", o)
		s.line(3, "IF EXISTS (SELECT FROM %s) THEN", transitionTable(o))
		t.tellAll(s, 4, "triggers")
		s.line(4, "filed := 1;")
		s.line(3, "END IF;")
		s.line(2, "END IF;")
	}
	s.line(2, "PERFORM rowcall.statement_ends(TG_RELID, TG_OP, filed OPERATOR(pg_catalog.>) 0);")
	s.line(2, "RETURN NULL;")
	s.line(1, "END IF;")
	s.line(1, "-- If a column was renamed, dropped or retyped since this function was made, followers read their state again.")
	s.line(1, "BEGIN")
	word := "IF"
	for _, o := range t.operations() {
		s.line(2, "%s TG_OP OPERATOR(pg_catalog.=) '%s' THEN", word, o)
		t.fileStatement(s, o)
		word = "ELSIF"
	}
	s.line(2, "END IF;")
	s.line(2, "GET DIAGNOSTICS filed := ROW_COUNT;")
	s.line(1, "EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported")
	s.line(3, "OR program_limit_exceeded OR insufficient_resources THEN")
	s.line(2, "filed := 1;")
	t.tellAll(s, 2, "schema")
	s.line(1, "END;")
	s.line(1, "PERFORM rowcall.statement_ends(TG_RELID, TG_OP, filed OPERATOR(pg_catalog.>) 0);")
	s.line(1, "-- Rings: sends a NOTIFY that wakes nodes, where it is still due. It comes after all that is filed, and names no topic.")
	s.line(1, "IF filed OPERATOR(pg_catalog.>) 0 AND rowcall.ringing() THEN")
	s.line(2, "IF rowcall.must_ring(NULL) THEN")
	s.line(3, "PERFORM rowcall.ring(NULL);")
	s.line(2, "END IF;")
	s.line(1, "END IF;")
	s.line(1, "RETURN NULL;")
	s.WriteString("END ")
	return s.String()
}

// transitionTable is one that has a row for each row that an operation has changed.
func transitionTable(operation string) string {
	if operation == "DELETE" {
		return oldRows
	}
	return newRows
}

// tellAll files resets and access events instead of single changes.
func (t Table) tellAll(s *script, level int, reason string) {
	if len(t.Topics) > 0 {
		s.line(level, "PERFORM rowcall.reset(%s, '%s');", t.patternArray(), reason)
	}
	for _, topic := range t.askedTopics() {
		s.line(level, "PERFORM rowcall.revalidate(%s);", quoteText(topic))
	}
}

// entry is an event that a changed row may have: SQL of whether it has it, and of the columns of the log.
type entry struct{ condition, topic, kind, role, data string }

// fileStatement adds the INSERT of the events of one operation. They are in the order in which the rows were changed, which is
// that of the transition tables.
func (t Table) fileStatement(s *script, operation string) {
	entries, isUpdate := t.entries(operation), operation == "UPDATE"
	if len(entries) == 1 && !isUpdate {
		e := entries[0]
		s.line(3, "INSERT INTO rowcall.log (slot, topic, type, data)")
		s.line(3, "SELECT slot, pg_catalog.left(%s, 600), %s,", e.topic, quoteText(e.kind))
		s.line(4, "%s", e.data)
		t.changedRows(s, operation, false)
		s.line(3, "WHERE %s;", e.condition)
		return
	}
	s.line(3, "INSERT INTO rowcall.log (slot, topic, type, role, data)")
	s.line(3, "SELECT slot, pg_catalog.left(e.topic, 600), e.type, e.role, e.data")
	t.changedRows(s, operation, true)
	s.line(3, "CROSS JOIN LATERAL (")
	for i, e := range entries {
		role, union := "NULL::pg_catalog.text", ""
		if e.role != "" {
			role = quoteText(e.role)
		}
		if i > 0 {
			union = "UNION ALL "
		}
		s.line(4, "%sSELECT %d AS place, %s AS topic, %s AS type, %s AS role,", union, i+1, e.topic, quoteText(e.kind), role)
		s.line(5, "%s AS data", e.data)
		s.line(4, "WHERE %s", e.condition)
	}
	s.line(3, ") AS e")
	order := "number"
	if isUpdate {
		order = "old_number"
	}
	s.line(3, "ORDER BY %s, e.place;", order)
}

// changedRows adds the FROM clause: for each row that was changed what is filed of it, as variables of mode row have it.
// An update's old and new row are those of the same number: PostgreSQL adds both to their tables at once. A FULL JOIN is not
// made by a nested loop, which would be slow where the plan was made for few rows.
func (t Table) changedRows(s *script, operation string, numbered bool) {
	number := ""
	if numbered {
		number = "number"
	}
	switch operation {
	case "INSERT":
		t.rowsOf(s, "FROM", newRow, number, newRows, "", "insert")
	case "DELETE":
		t.rowsOf(s, "FROM", oldRow, number, oldRows, "", "delete")
	default:
		t.rowsOf(s, "FROM", oldRow, "old_number", oldRows, "", "update")
		t.rowsOf(s, "FULL JOIN", newRow, "new_number", newRows, " ON old_number OPERATOR(pg_catalog.=) new_number", "update")
		t.stays(s)
	}
}

// rowsOf adds a list of rows, with their numbers if there is a name for these. op is the operation: updates need key and fields,
// others the finished data.
func (t Table) rowsOf(s *script, word, row, number, from, on, op string) {
	const alias = "r"
	s.line(3, "%s (SELECT", word)
	comma := ""
	add := func(name, sql string) {
		s.line(4, "%s%s AS %s", comma, sql, name)
		comma = ", "
	}
	if number != "" {
		add(number, "pg_catalog.row_number() OVER ()")
	}
	source := t.source(alias)
	newLine := "\n" + strings.Repeat("    ", 6)
	switch {
	case len(t.Topics) == 0:
	case op == "update":
		add(variable(row, "key"), t.keySQL(source))
		var fields []string
		for _, c := range t.Columns {
			fields = append(fields, newLine+field(c.Name, source.value(c)))
		}
		add(variable(row, "row"), "ARRAY["+strings.Join(fields, ",")+"]")
	default:
		add("data", t.rowData(op, strings.ToLower(row), source, newLine))
	}
	for i, own := range t.Topics {
		add(numberedVariable(row, "topic", i), topicSQL(own.parts, source.segment))
	}
	for i, r := range t.Revalidate {
		add(numberedVariable(row, "asked", i), source.asked(r))
		if r.User != nil {
			add(numberedVariable(row, "whom", i), source.whom(*r.User))
		}
	}
	s.line(4, "FROM %s %s) AS %s%s", from, alias, strings.ToLower(row), on)
}

// stays adds, for each chain of topics, the number of the lowest topic under which an updated row stays; 0: of none, or it has
// another key.
func (t Table) stays(s *script) {
	for i, c := range t.chains() {
		var cases []string
		for level := len(c) - 1; level >= 0; level-- {
			cases = append(cases, fmt.Sprintf("WHEN old_key OPERATOR(pg_catalog.=) new_key AND old_topic_%d OPERATOR(pg_catalog.=) new_topic_%[1]d THEN %[2]d", c[level]+1, level+1))
		}
		s.line(3, "CROSS JOIN LATERAL (VALUES (CASE %s ELSE 0 END)) AS s%d (stays_%[2]d)", strings.Join(cases, " "), i+1)
	}
}

// entries are the events that a row may have which an operation has changed, in their order.
func (t Table) entries(operation string) []entry {
	var all []entry
	if files := map[string]string{"INSERT": rules.OnInsert, "DELETE": rules.OnDelete, "UPDATE": rules.OnUpdate}[operation]; t.files(files) {
		for i, c := range t.chains() {
			switch operation {
			case "INSERT":
				all = append(all, t.entry(c.lowest(newRow), "insert", "data", ""))
			case "DELETE":
				all = append(all, t.entry(c.lowest(oldRow), "delete", "data", ""))
			default:
				all = append(all, t.updateEntries(i, c)...)
			}
		}
	}
	return append(all, t.accessEntries(operation)...)
}

// entry is an event of a row that has the topic.
func (t Table) entry(topic, kind, data, role string) entry {
	return entry{topic + " IS NOT NULL", topic, t.TypeName + "." + kind, role, data}
}

// updateEntries are the events of an updated row under the topics of a chain: see updates.
func (t Table) updateEntries(chain int, c topicChain) []entry {
	var all []entry
	add := func(stays int, e entry) {
		e.condition = fmt.Sprintf("stays_%d OPERATOR(pg_catalog.=) %d AND %s", chain+1, stays, e.condition)
		all = append(all, e)
	}
	for level := len(c) - 1; level >= 0; level-- {
		for below := len(c) - 1; below > level; below-- {
			role := t.Topics[c[below]].moveRole()
			add(level+1, t.entry(numberedVariable(oldRow, "topic", c[below]), "leave", fmt.Sprintf(deleteData, "leave"), role))
			add(level+1, t.entry(numberedVariable(newRow, "topic", c[below]), "enter", fmt.Sprintf(insertData, "enter"), role))
		}
		add(level+1, t.entry(numberedVariable(newRow, "topic", c[level]), "update", t.updateData(), ""))
	}
	add(0, t.entry(c.lowest(oldRow), "leave", fmt.Sprintf(deleteData, "leave"), ""))
	add(0, t.entry(c.lowest(newRow), "enter", fmt.Sprintf(insertData, "enter"), ""))
	return all
}

// accessEntries are the access events of a changed row, as it was and as it is.
func (t Table) accessEntries(operation string) []entry {
	var all []entry
	for i := range t.Revalidate {
		for _, row := range []string{oldRow, newRow} {
			if without := map[string]string{oldRow: "INSERT", newRow: "DELETE"}[row]; operation != without {
				condition, data := t.accessOf(i, row, operation == "UPDATE")
				all = append(all, entry{condition, numberedVariable(row, "asked", i), "rowcall.access", "", data})
			}
		}
	}
	return all
}

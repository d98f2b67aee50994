package tables

import (
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// topicChain is a list of topics of a table, each below the one before: a row is filed under the lowest that it has.
type topicChain []int

// chains groups the topics of a table.
func (t Table) chains() []topicChain {
	var all []topicChain
	for i, own := range t.Topics {
		isBelow := slices.ContainsFunc(t.Topics, func(other Topic) bool { return slices.Contains(other.below, i) })
		if isBelow {
			continue
		}
		c := append(topicChain{i}, own.below...)
		slices.SortFunc(c, func(a, b int) int { return len(t.Topics[a].parts) - len(t.Topics[b].parts) })
		all = append(all, c)
	}
	return all
}

// lowest is SQL of the lowest topic that a row has.
func (c topicChain) lowest(row string) string {
	if len(c) == 1 {
		return numberedVariable(row, "topic", c[0])
	}
	names := make([]string, len(c))
	for i, topic := range c {
		names[len(c)-1-i] = numberedVariable(row, "topic", topic)
	}
	return "coalesce(" + strings.Join(names, ", ") + ")"
}

// SQL of the data of events, as formats: updates, statements and the fallback use these. %s is the type, and in updateDataForm
// the fields of the old row.
const (
	insertData     = `pg_catalog.concat('{"op":"%s","key":', new_key, ',"new":{', pg_catalog.array_to_string(new_row, ','), '}}')`
	deleteData     = `pg_catalog.concat('{"op":"%s","key":', old_key, ',"old":{', pg_catalog.array_to_string(old_row, ','), '}}')`
	updateDataForm = `pg_catalog.concat('{"op":"update","key":', new_key, ',"new":{', pg_catalog.array_to_string(new_row, ','), '},"old":{', pg_catalog.array_to_string(ARRAY[%s], ','), '}}')`
)

// file adds the statements that file events.
func (t Table) file(s *script) {
	if len(t.Topics) > 0 {
		s.line(1, "-- Files an event for each topic that the row has.")
	}
	word := "IF"
	for _, o := range []struct {
		change, word string
		add          func(*script, topicChain)
	}{
		{rules.OnInsert, "INSERT", func(s *script, c topicChain) {
			t.insert(s, 2, c.lowest(newRow), "insert", "data", "")
		}},
		{rules.OnDelete, "DELETE", func(s *script, c topicChain) {
			t.insert(s, 2, c.lowest(oldRow), "delete", "data", "")
		}},
		{rules.OnUpdate, "UPDATE", t.updates},
	} {
		if !t.files(o.change) {
			continue
		}
		s.line(1, "%s TG_OP OPERATOR(pg_catalog.=) '%s' THEN", word, o.word)
		word = "ELSIF"
		for _, c := range t.chains() {
			o.add(s, c)
		}
	}
	if word == "ELSIF" {
		s.line(1, "END IF;")
	}
	if len(t.Revalidate) > 0 {
		s.line(1, "-- Files access events: nodes ask the rules of access again.")
	}
	for i := range t.Revalidate {
		t.fileRevalidate(s, i)
	}
}

// EventKinds are the kinds of events that are filed, such as insert: they stand behind the dot in the types of events.
func (t Table) EventKinds() []string {
	var kinds []string
	for _, o := range []struct {
		change string
		kinds  []string
	}{
		{rules.OnInsert, []string{"insert"}},
		{rules.OnUpdate, []string{"update", "enter", "leave"}},
		{rules.OnDelete, []string{"delete"}},
	} {
		if t.files(o.change) {
			kinds = append(kinds, o.kinds...)
		}
	}
	return kinds
}

// insert adds a row of the log, where there is a topic. Role is who alone may see it; empty for all. A long expression for the
// data stands before the INSERT, because PostgreSQL prepares what is in it anew for each row.
func (t Table) insert(s *script, level int, topic, kind, data, role string) {
	s.line(level, "IF %s IS NOT NULL THEN", topic)
	t.insertRow(s, level+1, topic, kind, data, role)
	s.line(level, "END IF;")
}

func (t Table) insertRow(s *script, level int, topic, kind, data, role string) {
	columns, values := "slot, topic, type, data", ""
	if role != "" {
		columns, values = "slot, topic, type, data, role", ", "+quoteText(role)
	}
	if data != "data" {
		s.line(level, "data := %s;", data)
	}
	s.line(level, "INSERT INTO rowcall.log (%s) VALUES (slot, pg_catalog.left(%s, 600), %s, data%s);", columns, topic, quoteText(t.TypeName+"."+kind), values)
}

// updates adds what an update files under the topics of a chain. A row that stays under the lowest topic is an update
// there. Otherwise it leaves one topic and enters another: followers of the topic above, if the row stays under that,
// hear of one update, and the others hear leave and enter by a role that the rule of their topic gives them.
func (t Table) updates(s *script, c topicChain) {
	same := func(i int) string {
		return numberedVariable(oldRow, "topic", c[i]) + " OPERATOR(pg_catalog.=) " + numberedVariable(newRow, "topic", c[i])
	}
	lowest := len(c) - 1
	s.line(2, "IF old_key OPERATOR(pg_catalog.=) new_key AND %s THEN", same(lowest))
	t.update(s, c[lowest])
	for i := lowest - 1; i >= 0; i-- {
		s.line(2, "ELSIF old_key OPERATOR(pg_catalog.=) new_key AND %s THEN", same(i))
		s.line(3, "-- The row leaves the topic and enters another, below one topic that it stays under.")
		for j := lowest; j > i; j-- {
			role := t.Topics[c[j]].moveRole()
			t.insert(s, 3, numberedVariable(oldRow, "topic", c[j]), "leave", fmt.Sprintf(deleteData, "leave"), role)
			t.insert(s, 3, numberedVariable(newRow, "topic", c[j]), "enter", fmt.Sprintf(insertData, "enter"), role)
		}
		t.update(s, c[i])
	}
	s.line(2, "ELSE")
	s.line(3, "-- The row leaves one topic and enters another, or has another key.")
	t.insert(s, 3, c.lowest(oldRow), "leave", fmt.Sprintf(deleteData, "leave"), "")
	t.insert(s, 3, c.lowest(newRow), "enter", fmt.Sprintf(insertData, "enter"), "")
	s.line(2, "END IF;")
}

// updateData is SQL of the data of an update. Its old row has the fields only that are different.
func (t Table) updateData() string {
	var changed []string
	for i := range t.Columns {
		changed = append(changed, fmt.Sprintf("CASE WHEN old_row[%d] OPERATOR(pg_catalog.<>) new_row[%[1]d] THEN old_row[%[1]d] END", i+1))
	}
	newLine := "\n" + strings.Repeat("    ", 5)
	return fmt.Sprintf(updateDataForm, newLine+strings.Join(changed, ","+newLine))
}

// update adds an update under one topic.
func (t Table) update(s *script, topic int) {
	t.insertRow(s, 3, numberedVariable(newRow, "topic", topic), "update", t.updateData(), "")
}

// moveRole is the role of followers of the topic itself, but not of those above it.
func (own Topic) moveRole() string { return fmt.Sprintf("rowcall_depth_%d", len(own.parts)) }

// fileRevalidate adds an access event for a row as it was, and as it is.
func (t Table) fileRevalidate(s *script, i int) {
	for _, row := range []string{oldRow, newRow} {
		condition, data := t.accessOf(i, row, row == newRow)
		s.line(1, "IF %s THEN", condition)
		s.line(2, "INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog.left(%s, 600), 'rowcall.access', %s);", numberedVariable(row, "asked", i), data)
		s.line(1, "END IF;")
	}
}

// accessOf is SQL of whether an access event is filed for a row, and of its data. If hasOld, the new row files none when the old
// row filed the same.
func (t Table) accessOf(i int, row string, hasOld bool) (condition, data string) {
	r := t.Revalidate[i]
	condition, data = numberedVariable(row, "asked", i)+" IS NOT NULL", "'{}'"
	if r.User != nil {
		condition += " AND " + numberedVariable(row, "whom", i) + " IS NOT NULL"
		data = numberedVariable(row, "whom", i)
	}
	if row == newRow && hasOld {
		again := fmt.Sprintf("old_asked_%d OPERATOR(pg_catalog.=) new_asked_%[1]d", i+1)
		if r.User != nil {
			again += fmt.Sprintf(" AND old_whom_%d OPERATOR(pg_catalog.=) new_whom_%[1]d", i+1)
		}
		condition += " AND (" + again + ") IS NOT TRUE"
	}
	return condition, data
}

// whomData is SQL of the data of an access event for a user, whose id is a text; NULL for NULL.
func whomData(user string) string {
	return `'{"user_id":' OPERATOR(pg_catalog.||) pg_catalog.to_json(` + user + `)::pg_catalog.text OPERATOR(pg_catalog.||) '}'`
}

// jsonAsked is SQL of the topic of an access event, from what is left of a row. Where a column of the topic is gone, nobody
// knows which topic it was: the event is for all of them.
func jsonAsked(r Revalidate) string {
	asked := topicSQL(r.parts, jsonSegment)
	var gone []string
	for _, p := range r.parts {
		if p.column != nil {
			gone = append(gone, isGone(*p.column))
		}
	}
	if gone == nil {
		return asked
	}
	return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", strings.Join(gone, " OR "), quoteText(literalPrefix(r.parts)), asked)
}

// ring adds the ring for what was filed. It comes after all of it: see docs/architecture.md.
func (t Table) ring(s *script) {
	s.line(1, "-- Rings: sends a NOTIFY that wakes nodes, where it is still due. It comes after all that is filed.")
	topics := []string{}
	for _, c := range t.chains() {
		topics = append(topics, c.lowest(oldRow), c.lowest(newRow))
	}
	if len(t.Revalidate) > 0 {
		topics = []string{"NULL"} // access concerns topics below too, so the ring names none
	}
	s.line(1, "IF rowcall.ringing() THEN")
	for _, topic := range topics {
		condition := "rowcall.must_ring(" + topic + ")"
		if topic != "NULL" {
			condition = topic + " IS NOT NULL AND " + condition
		}
		s.line(2, "IF %s THEN", condition)
		s.line(3, "PERFORM rowcall.ring(%s);", topic)
		s.line(2, "END IF;")
	}
	s.line(1, "END IF;")
}

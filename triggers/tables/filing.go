package tables

import (
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// chain is a list of topics of a table, each below the one before: a row is filed under the lowest that it has.
type chain []int

// chains groups the topics of a table.
func (t Table) chains() []chain {
	var all []chain
	for i, own := range t.Topics {
		isBelow := slices.ContainsFunc(t.Topics, func(other Topic) bool { return slices.Contains(other.below, i) })
		if isBelow {
			continue
		}
		c := append(chain{i}, own.below...)
		slices.SortFunc(c, func(a, b int) int { return len(t.Topics[a].parts) - len(t.Topics[b].parts) })
		all = append(all, c)
	}
	return all
}

// lowest is SQL of the lowest topic that a row has.
func (c chain) lowest(row string) string {
	if len(c) == 1 {
		return topicVariable(row, c[0])
	}
	names := make([]string, len(c))
	for i, topic := range c {
		names[len(c)-1-i] = topicVariable(row, topic)
	}
	return "coalesce(" + strings.Join(names, ", ") + ")"
}

// SQL of the data of events.
const (
	insertData = `pg_catalog.concat('{"op":"%s","key":', new_key, ',"new":{', pg_catalog.array_to_string(new_row, ','), '}}')`
	deleteData = `pg_catalog.concat('{"op":"%s","key":', old_key, ',"old":{', pg_catalog.array_to_string(old_row, ','), '}}')`
	updateData = `pg_catalog.concat('{"op":"update","key":', new_key, ',"new":{', pg_catalog.array_to_string(new_row, ','), '},"old":{', pg_catalog.array_to_string(old_row, ','), '}}')`
)

// file adds the statements that file events.
func (t Table) file(s *script) {
	word := "IF"
	for _, o := range []struct {
		change, word string
		add          func(*script, chain)
	}{
		{rules.OnInsert, "INSERT", func(s *script, c chain) {
			t.insert(s, 2, c.lowest(newRow), "insert", fmt.Sprintf(insertData, "insert"), "")
		}},
		{rules.OnDelete, "DELETE", func(s *script, c chain) {
			t.insert(s, 2, c.lowest(oldRow), "delete", fmt.Sprintf(deleteData, "delete"), "")
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
	for i := range t.Revalidate {
		t.ask(s, i)
	}
}

// insert adds a row of the log, where there is a topic. Role is who alone may see it; empty for all.
func (t Table) insert(s *script, level int, topic, kind, data, role string) {
	columns, values := "slot, topic, type, data", ""
	if role != "" {
		columns, values = "slot, topic, type, data, role", ", "+quoteText(role)
	}
	s.line(level, "IF %s IS NOT NULL THEN", topic)
	s.line(level+1, "INSERT INTO rowcall.log (%s) VALUES (slot, pg_catalog.left(%s, 600), %s,", columns, topic, quoteText(t.Word+"."+kind))
	s.line(level+2, "%s%s);", data, values)
	s.line(level, "END IF;")
}

// updates adds what an update files under the topics of a chain. A row that stays under the lowest topic is an update
// there. Otherwise it leaves one topic and enters another: followers of the topic above, if the row stays under that,
// hear of one update, and the others hear leave and enter by a role that the rule of their topic gives them.
func (t Table) updates(s *script, c chain) {
	same := func(i int) string {
		return topicVariable(oldRow, c[i]) + " OPERATOR(pg_catalog.=) " + topicVariable(newRow, c[i])
	}
	lowest := len(c) - 1
	s.line(2, "IF old_key OPERATOR(pg_catalog.=) new_key AND %s THEN", same(lowest))
	t.update(s, c[lowest])
	for i := lowest - 1; i >= 0; i-- {
		s.line(2, "ELSIF old_key OPERATOR(pg_catalog.=) new_key AND %s THEN", same(i))
		for j := lowest; j > i; j-- {
			role := t.Topics[c[j]].moveRole()
			t.insert(s, 3, topicVariable(oldRow, c[j]), "leave", fmt.Sprintf(deleteData, "leave"), role)
			t.insert(s, 3, topicVariable(newRow, c[j]), "enter", fmt.Sprintf(insertData, "enter"), role)
		}
		t.update(s, c[i])
	}
	s.line(2, "ELSE")
	t.insert(s, 3, c.lowest(oldRow), "leave", fmt.Sprintf(deleteData, "leave"), "")
	t.insert(s, 3, c.lowest(newRow), "enter", fmt.Sprintf(insertData, "enter"), "")
	s.line(2, "END IF;")
}

// update adds an update under one topic. Its old row has the fields only that are different.
func (t Table) update(s *script, topic int) {
	var changed []string
	for i := range t.Columns {
		changed = append(changed, fmt.Sprintf("CASE WHEN old_row[%d] OPERATOR(pg_catalog.<>) new_row[%[1]d] THEN old_row[%[1]d] END", i+1))
	}
	data := strings.Replace(updateData, "array_to_string(old_row, ',')", "array_to_string(ARRAY[\n"+
		strings.Repeat("    ", 6)+strings.Join(changed, ",\n"+strings.Repeat("    ", 6))+"], ',')", 1)
	s.line(3, "INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog.left(%s, 600), %s,", topicVariable(newRow, topic), quoteText(t.Word+".update"))
	s.line(4, "%s);", data)
}

// moveRole is the role of followers of the topic itself, but not of those above it.
func (own Topic) moveRole() string { return fmt.Sprintf("rowcall_depth_%d", len(own.parts)) }

// ask adds an access event for a row as it was, and as it is.
func (t Table) ask(s *script, i int) {
	r := t.Revalidate[i]
	for _, row := range []string{oldRow, newRow} {
		condition := askedVariable(row, i) + " IS NOT NULL"
		data := "'{}'"
		if r.User != nil {
			condition += " AND " + whomVariable(row, i) + " IS NOT NULL"
			data = whomVariable(row, i)
		}
		if row == newRow {
			again := fmt.Sprintf("old_asked_%d OPERATOR(pg_catalog.=) new_asked_%[1]d", i+1)
			if r.User != nil {
				again += fmt.Sprintf(" AND old_whom_%d OPERATOR(pg_catalog.=) new_whom_%[1]d", i+1)
			}
			condition += " AND (" + again + ") IS NOT TRUE"
		}
		s.line(1, "IF %s THEN", condition)
		s.line(2, "INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog.left(%s, 600), 'rowcall.access', %s);", askedVariable(row, i), data)
		s.line(1, "END IF;")
	}
}

// whomData is SQL of the data of an access event for a user, whose id is a text; NULL for NULL.
func whomData(user string) string {
	return `'{"user_id":' OPERATOR(pg_catalog.||) pg_catalog.to_json(` + user + `)::pg_catalog.text OPERATOR(pg_catalog.||) '}'`
}

// leftAsked is SQL of the topic of an access event, from what is left of a row. Where a column of the topic is gone, nobody
// knows which topic it was: the event is for all of them.
func leftAsked(r Revalidate) string {
	asked := topicSQL(r.parts, leftSegment)
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
	if len(t.Revalidate) > 0 {
		s.line(1, "IF rowcall.must_ring(NULL) THEN")
		s.line(2, "PERFORM rowcall.ring(NULL);") // access concerns topics below too, so the ring names none
		s.line(1, "END IF;")
		return
	}
	for _, c := range t.chains() {
		for _, row := range []string{oldRow, newRow} {
			s.line(1, "IF %[1]s IS NOT NULL AND rowcall.must_ring(%[1]s) THEN", c.lowest(row))
			s.line(2, "PERFORM rowcall.ring(%s);", c.lowest(row))
			s.line(1, "END IF;")
		}
	}
}

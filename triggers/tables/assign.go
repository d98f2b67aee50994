package tables

import (
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// assignRows adds the assignments for each operation. Data is one call of concat, and the lists of fields are made for updates
// alone, which compare them: PL/pgSQL prepares every function of an expression anew in each transaction.
func (t Table) assignRows(s *script) {
	word := "IF"
	for _, o := range t.operations() {
		s.line(3, "%s TG_OP OPERATOR(pg_catalog.=) '%s' THEN", word, o)
		word = "ELSIF"
		switch o {
		case "INSERT":
			t.assignData(s, rules.OnInsert, "insert", "new", t.source(newRow))
			t.assignTopics(s, newRow, t.source(newRow))
		case "DELETE":
			t.assignData(s, rules.OnDelete, "delete", "old", t.source(oldRow))
			t.assignTopics(s, oldRow, t.source(oldRow))
		default:
			t.assignRow(s, oldRow, t.source(oldRow))
			t.assignRow(s, newRow, t.source(newRow))
		}
	}
	s.line(3, "END IF;")
}

// assignData adds the data of an event that has one of the rows.
func (t Table) assignData(s *script, change, op, part string, from rowSource) {
	if t.files(change) {
		s.line(4, "data := %s;", t.rowData(op, part, from, "\n"+strings.Repeat("    ", 5)))
	}
}

// rowData is SQL of the data of an event that has one of the rows, which is called new or old there.
func (t Table) rowData(op, part string, from rowSource, newLine string) string {
	var terms []string
	literal := `{"op":"` + op + `","key":{`
	for _, c := range t.Key {
		literal += quoteJSON(c.Name) + ":"
		terms = append(terms, quoteText(literal), "coalesce("+from.keyValue(c)+", 'null')")
		literal = ","
	}
	literal = `},"` + part + `":{`
	for _, c := range t.Columns {
		literal += quoteJSON(c.Name) + ":"
		terms = append(terms, newLine+quoteText(literal), "coalesce("+from.value(c)+", 'null')")
		literal = ","
	}
	return concatSQL(append(terms, "'}}'"))
}

// concatSQL is SQL of the texts of terms, one behind the other. PostgreSQL takes 100 of them in one call.
func concatSQL(terms []string) string {
	const most = 90
	if len(terms) <= most {
		return "pg_catalog.concat(" + strings.ReplaceAll(strings.Join(terms, ", "), ", \n", ",\n") + ")"
	}
	var calls []string
	for part := range slices.Chunk(terms, most) {
		calls = append(calls, concatSQL(part))
	}
	return concatSQL(calls)
}

// source is the row of a name.
func (t Table) source(row string) rowSource {
	return rowSource{
		value:    func(c Column) string { return t.value(c, row) },
		keyValue: func(c Column) string { return t.keyValue(c, row) },
		segment:  func(c Column) string { return segment(c, row) },
		asked:    func(r Revalidate) string { return topicSQL(r.parts, func(c Column) string { return segment(c, row) }) },
		whom:     func(c Column) string { return whomData(text(c, row)) },
	}
}

// assignFromJSON adds the assignments from what is left of the rows.
func (t Table) assignFromJSON(s *script) {
	left := rowSource{
		value:    func(c Column) string { return t.jsonValue(c, t.NumbersAsText() && isExact(c.Base)) },
		keyValue: func(c Column) string { return t.jsonValue(c, isExact(c.Base)) },
		segment:  jsonSegment,
		asked:    jsonAsked,
		whom: func(c Column) string {
			return "CASE WHEN " + isGone(c) + " THEN '{}' ELSE " + whomData(jsonText(c)) + " END"
		},
	}
	for _, row := range []string{oldRow, newRow} {
		without := map[string]string{oldRow: "INSERT", newRow: "DELETE"}[row]
		s.line(3, "IF TG_OP OPERATOR(pg_catalog.<>) '%s' THEN", without)
		s.line(4, "fields := rowcall.readable(rowcall.json_of_fields(%s, %s));", row, t.nameArray())
		t.assignRow(s, row, left)
		s.line(3, "END IF;")
	}
	if t.files(rules.OnInsert) || t.files(rules.OnDelete) {
		s.line(3, "-- of an insert or a delete; the data of an update is built where it is filed")
		s.line(3, "data := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN %s", fmt.Sprintf(insertData, "insert"))
		s.line(4, "ELSE %s END;", fmt.Sprintf(deleteData, "delete"))
	}
}

// nameArray is SQL of the names of all columns that the function reads.
func (t Table) nameArray() string {
	var names []string
	add := func(c *Column) {
		if c != nil && !slices.Contains(names, quoteText(c.Name)) {
			names = append(names, quoteText(c.Name))
		}
	}
	for _, c := range slices.Concat(t.Key, t.Columns) {
		add(&c)
	}
	var parts []part
	for _, own := range t.Topics {
		parts = append(parts, own.parts...)
	}
	for _, r := range t.Revalidate {
		parts = append(parts, r.parts...)
		add(r.User)
	}
	for _, p := range parts {
		add(p.column)
	}
	return "ARRAY[" + strings.Join(names, ", ") + "]"
}

// rowSource has SQL of what is filed of a row.
type rowSource struct {
	value, keyValue, segment func(Column) string
	asked                    func(Revalidate) string // the topic of an access event
	whom                     func(Column) string     // its data
}

// assignRow adds the assignments for one row.
func (t Table) assignRow(s *script, row string, from rowSource) {
	if len(t.Topics) > 0 {
		s.line(4, "%s := %s;", variable(row, "key"), t.keySQL(from))
		s.line(4, "%s := ARRAY[", variable(row, "row"))
		for i, c := range t.Columns {
			comma := ","
			if i == len(t.Columns)-1 {
				comma = "];"
			}
			s.line(5, "%s%s", field(c.Name, from.value(c)), comma)
		}
	}
	t.assignTopics(s, row, from)
}

// assignTopics adds the assignments of the topics of one row.
func (t Table) assignTopics(s *script, row string, from rowSource) {
	for i, own := range t.Topics {
		s.line(4, "%s := %s;", numberedVariable(row, "topic", i), topicSQL(own.parts, from.segment))
	}
	for i, r := range t.Revalidate {
		s.line(4, "%s := %s;", numberedVariable(row, "asked", i), from.asked(r))
		if r.User != nil {
			s.line(4, "%s := %s;", numberedVariable(row, "whom", i), from.whom(*r.User))
		}
	}
}

// keySQL is SQL of a row's key as JSON.
func (t Table) keySQL(from rowSource) string {
	const and = " OPERATOR(pg_catalog.||) "
	var key []string
	for i, c := range t.Key {
		begin := ","
		if i == 0 {
			begin = "{"
		}
		key = append(key, quoteText(begin+quoteJSON(c.Name)+":")+and+"coalesce("+from.keyValue(c)+"::pg_catalog.text, 'null')")
	}
	return strings.Join(key, and) + and + "'}'"
}

// topicSQL is SQL of a row's topic; NULL where a column is.
func topicSQL(parts []part, segment func(Column) string) string {
	var terms []string
	literal := ""
	for i, p := range parts {
		if i > 0 {
			literal += "/"
		}
		if p.column == nil {
			literal += p.literal
			continue
		}
		if literal != "" {
			terms = append(terms, quoteText(literal))
			literal = ""
		}
		terms = append(terms, segment(*p.column))
	}
	if literal != "" {
		terms = append(terms, quoteText(literal))
	}
	return strings.Join(terms, " OPERATOR(pg_catalog.||) ")
}

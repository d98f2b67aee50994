package api

import (
	"fmt"
	"strings"
)

// resourceSQL are the statements of a resource. They are made of names that the catalog has given, each
// quoted, and of parameters; nothing of a request ever becomes part of one.
type resourceSQL struct {
	from   string // the table, as t
	other  string // the table as another resource refers to it, as o
	shown  string // a row of t as JSON text
	byKey  string
	one    string
	there  string
	remove string
}

func newResourceSQL(r *resource) resourceSQL {
	s := resourceSQL{from: " FROM " + r.table.Name + " AS t", other: " FROM " + r.table.Name + " AS o", shown: shownSQL(r.columns)}
	s.byKey = " WHERE t." + r.key.Ident + " = $1"
	s.one = "SELECT " + s.shown + s.from + s.byKey
	s.there = "SELECT EXISTS (SELECT" + s.from + s.byKey + ")"
	s.remove = "DELETE" + s.from + s.byKey
	return s
}

// shownSQL makes JSON of a row. Points in time are written as in events.
func shownSQL(columns []*column) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		value := "t." + c.Ident
		if c.kind == valueInstant {
			value = "rowcall.iso(" + value + ")"
		}
		fields[i] = value + " AS " + c.Ident
	}
	return fmt.Sprintf(`(SELECT row_to_json("@") FROM (SELECT %s) AS "@")::text`, strings.Join(fields, ", "))
}

// statement is SQL that is put together with its parameters.
type statement struct {
	text       strings.Builder
	parameters []any
	narrowed   bool // it has a condition
}

func (s *statement) add(parts ...string) {
	for _, part := range parts {
		s.text.WriteString(part)
	}
}

// condition opens the first condition, or one more, which the caller closes with a parenthesis.
func (s *statement) condition(parts ...string) {
	opening := " WHERE ("
	if s.narrowed {
		opening = " AND ("
	}
	s.add(opening)
	s.add(parts...)
	s.narrowed = true
}

// bind adds a value and returns what stands for it in the text.
func (s *statement) bind(value any) string {
	s.parameters = append(s.parameters, value)
	return fmt.Sprintf("$%d", len(s.parameters))
}

// value adds a column's. Types that are left to PostgreSQL come as a JSON document of one field.
func (s *statement) value(a assignment) string {
	if a.column.kind != valueOther || a.value == nil {
		return s.bind(a.value)
	}
	return fmt.Sprintf(`(SELECT "@".v FROM json_to_record(%s::json) AS "@" (v %s))`, s.bind(a.value), a.column.Type)
}

// insert makes rows, which may name different columns: the others get their defaults.
func (r *resource) insert(rows [][]assignment) *statement {
	s := &statement{}
	named := namedIn(r.table.columns, rows)
	if len(named) == 0 {
		s.add("INSERT INTO ", r.table.Name, fmt.Sprintf(" AS t SELECT FROM generate_series(1, %d) RETURNING ", len(rows)), r.sql.shown)
		return s
	}
	idents := make([]string, len(named))
	for i, c := range named {
		idents[i] = c.Ident
	}
	s.add("INSERT INTO ", r.table.Name, " AS t (", strings.Join(idents, ", "), ") VALUES ")
	for i, row := range rows {
		if i > 0 {
			s.add(", ")
		}
		s.add("(", s.values(named, row), ")")
	}
	s.add(" RETURNING ", r.sql.shown)
	return s
}

// namedIn are the columns that any of the rows gives, in the table's order.
func namedIn(columns []*column, rows [][]assignment) []*column {
	given := map[*column]bool{}
	for _, row := range rows {
		for _, a := range row {
			given[a.column] = true
		}
	}
	var named []*column
	for _, c := range columns {
		if given[c] {
			named = append(named, c)
		}
	}
	return named
}

func (s *statement) values(named []*column, row []assignment) string {
	given := map[*column]assignment{}
	for _, a := range row {
		given[a.column] = a
	}
	values := make([]string, len(named))
	for i, c := range named {
		values[i] = "DEFAULT"
		if a, ok := given[c]; ok {
			values[i] = s.value(a)
		}
	}
	return strings.Join(values, ", ")
}

// update changes one row. A change of nothing is a save all the same: triggers fire.
func (r *resource) update(key string, row []assignment) *statement {
	s := &statement{parameters: []any{key}}
	var set []string
	for _, a := range row {
		set = append(set, a.column.Ident+" = "+s.value(a))
	}
	if len(set) == 0 {
		same := r.untouched()
		set = append(set, same.Ident+" = t."+same.Ident)
	}
	s.add("UPDATE ", r.table.Name, " AS t SET ", strings.Join(set, ", "), r.sql.byKey, " RETURNING ", r.sql.shown)
	return s
}

// untouched is the column that a save without changes writes back: one that may be written, if there is one.
func (r *resource) untouched() *column {
	for _, c := range r.table.columns {
		if r.takes(c, toPatch) && c.Readable {
			return c
		}
	}
	return r.key
}

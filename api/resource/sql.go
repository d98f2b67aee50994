package resource

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are the parts of a resource's SQL that no request changes. They are made of names from
// the catalog, each quoted. $1 is the key of a row.
type statements struct {
	from      string // the table, as t
	document  string // a row of t as JSON text
	byKey     string
	selectRow string
	rowExists string
	deleteRow string
}

func newStatements(r *Resource) statements {
	s := statements{from: " FROM " + r.table.Name + " AS t", document: documentSQL(r.columns)}
	s.byKey = " WHERE t." + r.key.Ident + " = $1"
	s.selectRow = "SELECT " + s.document + s.from + s.byKey
	s.rowExists = "SELECT EXISTS (SELECT" + s.from + s.byKey + ")"
	s.deleteRow = "DELETE" + s.from + s.byKey
	if r.edition > 0 { // connections may hold plans of the earlier texts that are of no use
		for _, kept := range []*string{&s.selectRow, &s.rowExists, &s.deleteRow} {
			*kept += fmt.Sprintf(" /* %d */", r.edition)
		}
	}
	return s
}

// documentSQL makes JSON of a row. Points in time are written as in events. The form "@".* means the
// whole row whatever the columns are called; "@" alone would mean a column of that name.
func documentSQL(columns []*column) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = c.shown() + " AS " + c.Ident
	}
	return fmt.Sprintf(`(SELECT row_to_json("@".*) FROM (SELECT %s) AS "@")::text`, strings.Join(fields, ", "))
}

// shown is the SQL of a column of t as a document shows it.
func (c *column) shown() string {
	switch {
	case c.kind == kindInstant:
		return "rowcall.iso(t." + c.Ident + ")"
	case c.Instants:
		return "rowcall.json_with_iso(t." + c.Ident + ")"
	}
	return "t." + c.Ident
}

// statement is SQL that is put together for a request, with its parameters. Values of the request
// are parameters; the text has only names from the catalog.
type statement struct {
	text         strings.Builder
	parameters   []any
	hasCondition bool
}

// add appends text.
func (s *statement) add(parts ...string) {
	for _, part := range parts {
		s.text.WriteString(part)
	}
}

// openCondition begins the first or a further condition. The caller closes it with a parenthesis.
func (s *statement) openCondition(parts ...string) {
	opening := " WHERE ("
	if s.hasCondition {
		opening = " AND ("
	}
	s.add(opening)
	s.add(parts...)
	s.hasCondition = true
}

// bind adds a parameter and returns its placeholder.
func (s *statement) bind(value any) string {
	s.parameters = append(s.parameters, value)
	return fmt.Sprintf("$%d", len(s.parameters))
}

// bindAssigned adds the value of an assignment and returns the SQL of the value. A value of a type
// that is left to PostgreSQL is a JSON document with one field, v.
func (s *statement) bindAssigned(a assignment) string {
	if a.column.kind != kindOther || a.value == nil {
		return s.bind(a.value)
	}
	return fmt.Sprintf(`(SELECT "@".v FROM json_to_record(%s::json) AS "@" (v %s))`, s.bind(a.value), a.column.Type)
}

// bindChange adds the value of an assignment to a row that exists. A row that is sent back as it was
// read keeps the values that cannot be told from what was read: text with blanks at its ends, which
// are dropped from what comes in, the null of JSON, which a row shows as it shows NULL, arrays whose
// first element does not have the number 1, and the blanks between the values of a text of type json.
func (s *statement) bindChange(a assignment) string {
	stored, value := "t."+a.column.Ident, s.bindAssigned(a)
	isSame := ""
	switch last := fmt.Sprintf("$%d::json", len(s.parameters)); {
	case !a.column.Readable:
	case a.column.kind == kindJSON && a.value == nil:
		isSame = "btrim(" + stored + `::text, E' \t\r\n') = 'null'`
	case a.column.kind == kindJSON && a.column.JSONText:
		isSame = fmt.Sprintf("rowcall.same_json(%s, %s)", stored, last)
	case a.column.kind == kindOther && a.value != nil && a.column.JSONText: // jsonb cannot hold everything that json can
		isSame = fmt.Sprintf("rowcall.same_json(to_json(%s), %s -> 'v')", a.column.shown(), last)
	case a.column.kind == kindOther && a.value != nil:
		isSame = fmt.Sprintf("to_jsonb(%s)::text = (%s -> 'v')::jsonb::text", a.column.shown(), last)
	case a.untrimmed != "":
		isSame = fmt.Sprintf(`%s::text COLLATE pg_catalog."C" = %s::text`, stored, s.bind(a.untrimmed))
	}
	if isSame == "" {
		return value
	}
	return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", isSame, stored, value)
}

// arguments are the parameters for pgx. They tell pgx not to keep the statement prepared: there is no
// end of texts that depend on requests.
func (s *statement) arguments() []any {
	return append([]any{pgx.QueryExecModeDescribeExec}, s.parameters...)
}

// insert makes rows. Each row may name other columns: a column that a row does not name gets its
// default.
func (r *Resource) insert(rows []Row) *statement {
	s := &statement{}
	named := namedColumns(r.table.columns, rows)
	if len(named) == 0 {
		s.add("INSERT INTO ", r.table.Name, fmt.Sprintf(" AS t SELECT FROM generate_series(1, %d) RETURNING ", len(rows)), r.sql.document)
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
		s.add("(", s.bindRow(named, row), ")")
	}
	s.add(" RETURNING ", r.sql.document)
	return s
}

// namedColumns returns the columns that any of the rows names, in the table's order.
func namedColumns(columns []*column, rows []Row) []*column {
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

// bindRow returns the SQL of a row's values for the named columns.
func (s *statement) bindRow(named []*column, row Row) string {
	given := map[*column]assignment{}
	for _, a := range row {
		given[a.column] = a
	}
	values := make([]string, len(named))
	for i, c := range named {
		values[i] = "DEFAULT"
		if a, ok := given[c]; ok {
			values[i] = s.bindAssigned(a)
		}
	}
	return strings.Join(values, ", ")
}

// update changes a row. A change of no column is an update all the same, so that triggers fire.
func (r *Resource) update(key string, row Row) *statement {
	s := &statement{parameters: []any{key}}
	var set []string
	for _, a := range row {
		set = append(set, a.column.Ident+" = "+s.bindChange(a))
	}
	if len(set) == 0 {
		same := r.columnToRewrite()
		set = append(set, same.Ident+" = t."+same.Ident)
	}
	s.add("UPDATE ", r.table.Name, " AS t SET ", strings.Join(set, ", "), r.sql.byKey, " RETURNING ", r.sql.document)
	return s
}

// columnToRewrite is the column that an update without changes writes back: a column that the user
// may write, if there is one.
func (r *Resource) columnToRewrite() *column {
	for _, c := range r.table.columns {
		if r.accepts(c, ToPatch) && c.Readable {
			return c
		}
	}
	return r.key
}

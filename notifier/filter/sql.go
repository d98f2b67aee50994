package filter

import (
	"strconv"
	"strings"
)

// Where is the filter as SQL, for rows of a relation that is called row. Values are parameters, numbered from first on:
// Where returns their arguments, each a string or a []string.
func (f *Filter) Where(row string, first int) (sql string, args []any) {
	w := whereWriter{row: row, first: first}
	sql = w.condition(&f.root)
	return sql, w.args
}

type whereWriter struct {
	row   string
	first int
	args  []any
}

// argument returns the parameter of a value.
func (w *whereWriter) argument(value any) string {
	w.args = append(w.args, value)
	return "$" + strconv.Itoa(w.first+len(w.args)-1)
}

func (w *whereWriter) condition(b *bound) string {
	switch b.logic {
	case allOf:
		return w.connected(b.parts, " AND ", "true")
	case anyOf:
		return w.connected(b.parts, " OR ", "false")
	case noneOf:
		return "NOT " + w.connected(b.parts, " OR ", "false")
	}
	return "(" + w.test(b) + ")"
}

func (w *whereWriter) connected(parts []bound, word, otherwise string) string {
	if len(parts) == 0 {
		return otherwise
	}
	all := make([]string, len(parts))
	for i := range parts {
		all[i] = w.condition(&parts[i])
	}
	return "(" + strings.Join(all, word) + ")"
}

// operators are PostgreSQL's own, whatever search_path is.
var operators = map[string]string{
	"eq": "OPERATOR(pg_catalog.=)", "ne": "OPERATOR(pg_catalog.<>)", "lt": "OPERATOR(pg_catalog.<)", "lte": "OPERATOR(pg_catalog.<=)",
	"gt": "OPERATOR(pg_catalog.>)", "gte": "OPERATOR(pg_catalog.>=)", "like": "OPERATOR(pg_catalog.~~)", "prefix": "OPERATOR(pg_catalog.~~)",
}

func (w *whereWriter) test(b *bound) string {
	column := w.row + `."` + strings.ReplaceAll(b.column.Name, `"`, `""`) + `"`
	compared := column + "::" + b.column.sqlType()
	switch b.test {
	case "is":
		return isTestSQL(b, column)
	case "in":
		return w.in(b, compared)
	case "like", "prefix":
		return compared + bytewise + " " + operators[b.test] + " " + w.argument(b.pattern.text) + "::pg_catalog.text"
	case "lt", "lte", "gt", "gte":
		if b.column.isText() && b.column.Recoded {
			given := w.argument(b.column.write(b.values[0])) + "::pg_catalog.text"
			return inUTF8(column+"::pg_catalog.text") + " " + operators[b.test] + " " + inUTF8(given)
		}
		if b.column.isText() {
			compared += bytewise
		}
	}
	return compared + " " + operators[b.test] + " " + w.argument(b.column.write(b.values[0])) + "::" + b.column.sqlType()
}

// bytewise makes PostgreSQL compare texts by their bytes. Equality needs no such word: columns whose collation takes
// different texts for equal are refused.
const bytewise = ` COLLATE pg_catalog."C"`

// inUTF8 is SQL of the bytes of a text in UTF-8.
func inUTF8(text string) string { return "pg_catalog.convert_to(" + text + ", 'UTF8')" }

// isTestSQL is SQL of is. A row whose fields are all NULL is not NULL: num_nulls looks at the value as a whole.
func isTestSQL(b *bound, column string) string {
	isNull := "pg_catalog.num_nulls(" + column + ") OPERATOR(pg_catalog.=) 1"
	switch {
	case b.want != "null":
		return column + "::pg_catalog.bool IS " + b.want
	case b.column.Kind == KindJSON:
		return isNull + " OR pg_catalog.btrim(" + column + `::pg_catalog.text, E' \t\r\n') OPERATOR(pg_catalog.=) 'null'`
	}
	return isNull
}

// in is SQL of in. Labels of enums are parameters of their own: to convert an array of texts could call a cast that the
// owner of the type has made.
func (w *whereWriter) in(b *bound, compared string) string {
	texts := make([]string, len(b.values))
	for i, v := range b.values {
		texts[i] = b.column.write(v)
	}
	if len(texts) == 0 {
		return "false"
	}
	if b.column.Kind != KindEnum {
		return compared + " " + operators["eq"] + " ANY (" + w.argument(texts) + "::pg_catalog.text[]::" + b.column.sqlType() + "[])"
	}
	for i, text := range texts {
		texts[i] = compared + " " + operators["eq"] + " " + w.argument(text) + "::" + b.column.sqlType()
	}
	return strings.Join(texts, " OR ")
}

package tables

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// value is SQL of a column's value as JSON, of type json. from is the row: NEW, OLD, or t. The text is the same whatever
// the settings of the session are.
func (t Table) value(c Column, from string) string {
	name := from + "." + quoteName(c.Name)
	switch {
	case t.NumbersAsText() && isExact(c.Base):
		return "pg_catalog.to_json(" + name + "::pg_catalog.text)"
	case t.NumbersAsText() && isExact(strings.TrimSuffix(c.Base, "[]")):
		return "pg_catalog.to_json(" + name + "::pg_catalog.text[])"
	case c.Base == "timestamp with time zone":
		return "pg_catalog.to_json(rowcall.iso(" + name + "))"
	case c.Base == "bytea":
		return `pg_catalog.to_json(E'\\x' OPERATOR(pg_catalog.||) pg_catalog.encode(` + name + ", 'hex'))"
	case isFloat(c.Base) && from != snapshotRow:
		return "pg_catalog.to_json(" + name + ")" // the function sets extra_float_digits
	case c.Enum:
		return byOutput(name, "pg_catalog.to_json(%s)")
	case c.Foreign:
		return "rowcall.json_by_output(" + name + ")"
	case c.DependsOnSettings:
		return "rowcall.json_settled(" + name + ")"
	case c.Instants:
		return "rowcall.json_with_iso(" + name + ")"
	}
	return "pg_catalog.to_json(" + name + ")"
}

// keyValue is SQL of a key column's value as JSON: int8 and numeric are strings, so that every reader has them exactly.
func (t Table) keyValue(c Column, from string) string {
	if isExact(c.Base) {
		return "pg_catalog.to_json(" + from + "." + quoteName(c.Name) + "::pg_catalog.text)"
	}
	return t.value(c, from)
}

// segment is SQL of a column's value as one part of a topic. It is NULL for NULL and for an empty text.
func segment(c Column, from string) string {
	name := from + "." + quoteName(c.Name)
	switch c.Base {
	case "smallint", "integer", "bigint", "uuid", "boolean":
		return name + "::pg_catalog.text"
	case "date":
		return "rowcall.segment(pg_catalog.btrim(pg_catalog.to_json(" + name + ")::pg_catalog.text, '\"'))"
	}
	if c.Enum {
		return byOutput(name, "rowcall.segment(%s)")
	}
	return segmentOfText(name + `::pg_catalog.text COLLATE pg_catalog."C"`)
}

// text is SQL of a column's value as text.
func text(c Column, from string) string {
	name := from + "." + quoteName(c.Name)
	if c.Foreign {
		return byOutput(name, "%s")
	}
	return name + "::pg_catalog.text"
}

// byOutput is SQL of a value as text, put into the form. It calls the output function of the value's type, and no cast: the
// owner of a type can make casts of it, and what they call would have the rights of the schema's owner.
func byOutput(value, form string) string {
	return "CASE WHEN pg_catalog.num_nulls(" + value + ") OPERATOR(pg_catalog.=) 0 THEN " + fmt.Sprintf(form, "pg_catalog.concat("+value+")") + " END"
}

func segmentOfText(sql string) string {
	return fmt.Sprintf("CASE WHEN (%s) OPERATOR(pg_catalog.<>) '' THEN rowcall.segment(%[1]s) END", sql)
}

// jsonValue is SQL of what is left of a column's value in the JSON of a row whose table has changed.
func (t Table) jsonValue(c Column, asText bool) string {
	if asText {
		return "pg_catalog.to_json(" + jsonText(c) + ")"
	}
	value := "pg_catalog.json_extract_path(fields, " + quoteText(c.Name) + ")"
	if t.NumbersAsText() && isExact(strings.TrimSuffix(c.Base, "[]")) {
		const quoted = `CASE WHEN pg_catalog.strpos(%[1]s::pg_catalog.text, '"') OPERATOR(pg_catalog.=) 0 ` + // no texts, so that digits are numbers
			`THEN pg_catalog.regexp_replace(%[1]s::pg_catalog.text, '(-?[0-9][0-9.eE+-]*)', E'"\\1"', 'g')::pg_catalog.json ELSE %[1]s END`
		return fmt.Sprintf(quoted, value)
	}
	return value
}

// isGone is SQL of whether the row has the column no more. A column that is NULL is there.
func isGone(c Column) string {
	return "pg_catalog.json_extract_path(fields, " + quoteText(c.Name) + ") IS NULL"
}

// jsonSegment is segment, from what is left of the row.
func jsonSegment(c Column) string { return segmentOfText(jsonText(c) + ` COLLATE pg_catalog."C"`) }

// jsonText is jsonValue as text.
func jsonText(c Column) string {
	left := "pg_catalog.json_extract_path_text(fields, " + quoteText(c.Name) + ")"
	if c.Base == "character" {
		return "pg_catalog.rtrim(" + left + ", ' ')" // as a cast to text does
	}
	return left
}

// field is SQL of a field of JSON: the name, a colon and the value, which is SQL of type json.
func field(name, value string) string {
	return quoteText(quoteJSON(name)+":") + " OPERATOR(pg_catalog.||) coalesce(" + value + "::pg_catalog.text, 'null')"
}

// quoteJSON is a text as JSON.
func quoteJSON(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a text has a form in JSON
	return strings.TrimSuffix(b.String(), "\n")
}

// IsExact reports whether values are numbers that JavaScript may round: the key has them as strings.
func (c Column) IsExact() bool { return isExact(c.Base) }

func isExact(base string) bool { return base == "bigint" || base == "numeric" }

func isFloat(base string) bool { return base == "real" || base == "double precision" }

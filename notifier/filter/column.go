package filter

import "slices"

// Column is a column that a filter may name.
type Column struct {
	Name   string
	Type   string // as SQL: the type behind domains. Only the types of enums become part of SQL
	Kind   Kind
	Labels []string // of an enum

	// Recoded says that the bytes of texts have another order in the encoding of the database than in UTF-8.
	Recoded bool
}

// Kind is how the values of a column are read and compared.
type Kind int

// The kinds. Values of KindOther and KindJSON are not compared: such a column can only be tested for null.
const (
	KindOther Kind = iota
	KindJSON       // json and jsonb: their value null is filed like NULL
	KindInt2
	KindInt4
	KindInt8
	KindNumeric
	KindFloat4
	KindFloat8
	KindBool
	KindText // also varchar
	KindChar // char(n): blanks at the end count only in like and prefix
	KindUUID
	KindEnum
	KindDate
	KindTimestamp
	KindTimestampTZ
)

// KindOf returns the kind of a built-in type, by the name that PostgreSQL's format_type writes.
func KindOf(sqlType string) Kind {
	return kinds[sqlType]
}

var kinds = map[string]Kind{
	"smallint": KindInt2, "integer": KindInt4, "bigint": KindInt8, "numeric": KindNumeric,
	"real": KindFloat4, "double precision": KindFloat8, "boolean": KindBool,
	"text": KindText, "character varying": KindText, "character": KindChar, "bpchar": KindChar,
	"uuid": KindUUID, "date": KindDate, "timestamp without time zone": KindTimestamp, "timestamp with time zone": KindTimestampTZ,
	"json": KindJSON, "jsonb": KindJSON,
}

// sqlTypes are the types that columns and values are cast to, so that operators of PostgreSQL's own compare them.
var sqlTypes = map[Kind]string{
	KindInt2: "pg_catalog.int2", KindInt4: "pg_catalog.int4", KindInt8: "pg_catalog.int8", KindNumeric: "pg_catalog.numeric",
	KindFloat4: "pg_catalog.float4", KindFloat8: "pg_catalog.float8", KindBool: "pg_catalog.bool",
	KindText: "pg_catalog.text", KindChar: "pg_catalog.bpchar", KindUUID: "pg_catalog.uuid",
	KindDate: "pg_catalog.date", KindTimestamp: "pg_catalog.timestamp", KindTimestampTZ: "pg_catalog.timestamptz",
}

// sqlType is the type that values of the column are compared in.
func (c *Column) sqlType() string {
	if c.Kind == KindEnum {
		return c.Type
	}
	return sqlTypes[c.Kind]
}

// isText reports whether values are texts that like and prefix apply to.
func (c *Column) isText() bool { return c.Kind == KindText || c.Kind == KindChar }

// isOrdered reports whether filters compare values by less and greater.
func (c *Column) isOrdered() bool { return c.isComparable() && c.Kind != KindEnum }

func (c *Column) isComparable() bool { return c.Kind != KindOther && c.Kind != KindJSON }

func find(columns []Column, name string) *Column {
	at := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return &columns[at]
}

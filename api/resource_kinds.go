package api

// valueKind is how values of a column's type are read and checked.
type valueKind int

const (
	valueOther valueKind = iota // left to PostgreSQL: arrays, rows, ranges, addresses and so on
	valueText
	valueWhole
	valueFloat
	valueNumeric
	valueBool
	valueInstant // with a zone
	valueTimestamp
	valueDate
	valueTime
	valueUUID
	valueEnum
	valueJSON
)

// kindOf goes by the type behind all domains.
func kindOf(c *column) valueKind {
	if c.Class == "e" {
		return valueEnum
	}
	switch c.Base {
	case "int2", "int4", "int8":
		return valueWhole
	case "float4", "float8":
		return valueFloat
	case "numeric":
		return valueNumeric
	case "bool":
		return valueBool
	case "timestamptz":
		return valueInstant
	case "timestamp":
		return valueTimestamp
	case "date":
		return valueDate
	case "time":
		return valueTime
	case "uuid":
		return valueUUID
	case "json", "jsonb":
		return valueJSON
	}
	if c.Class == "b" && c.Category == "S" {
		return valueText
	}
	return valueOther
}

// comparable reports whether rows can be found and ordered by such values.
func (k valueKind) comparable() bool { return k != valueOther && k != valueJSON }

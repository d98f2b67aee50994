package typescript

import "strings"

// value is the type of a value in TypeScript.
type value struct {
	text    string
	notNull bool
	note    string // the type in the database, where a string does not tell what is in it
}

// nullable is the type with null, where the value may be null.
func (v value) nullable() string {
	if v.notNull {
		return v.text
	}
	return v.text + " | null"
}

// property is a line of an interface.
func property(name string, v value) string {
	line := "  " + propertyName(name) + ": " + v.nullable()
	if v.note != "" {
		line += " // of type " + comment(v.note)
	}
	return line + "\n"
}

// value finds the type of values. dimensions are those of an array, as it was declared. numbersAsText says that int8 and
// numeric are strings: it reaches the elements of an array, and nothing else that lies within a value.
func (w *writer) value(oid uint32, dimensions int, numbersAsText bool) value {
	v := w.types[oid]
	switch {
	case v.Domain:
		inner := w.value(v.Behind, v.Dimensions, numbersAsText)
		inner.notNull = inner.notNull || v.NotNull
		return inner
	case v.Element != 0:
		element := w.value(v.Element, 0, numbersAsText && !w.types[v.Element].Domain)
		text := element.nullable()
		if strings.Contains(text, " ") {
			text = "(" + text + ")"
		}
		return value{text: text + strings.Repeat("[]", max(dimensions, 1)), note: element.note}
	case v.Enum, v.Composite:
		return value{text: w.named[oid]}
	case v.JSON:
		return w.alias("Json")
	case !v.IsSystem():
		return value{text: "string", note: v.Name}
	}
	return w.system(v.Name, numbersAsText)
}

// system is the type of values of a type of PostgreSQL's own, by its name in pg_type.
func (w *writer) system(name string, numbersAsText bool) value {
	switch name {
	case "int2", "int4":
		return value{text: "number"}
	case "bool":
		return value{text: "boolean"}
	case "float4", "float8":
		return w.alias("Float")
	case "int8", "numeric":
		if numbersAsText {
			return value{text: "string", note: name}
		}
		return w.alias(map[string]string{"int8": "Int8", "numeric": "Numeric"}[name])
	case "text", "varchar", "bpchar", "name":
		return value{text: "string"}
	}
	return value{text: "string", note: name}
}

// alias is a type that the file declares where it uses it.
func (w *writer) alias(name string) value {
	w.used[name] = true
	return value{text: name}
}

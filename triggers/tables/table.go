package tables

import (
	"strings"

	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// Table is a declared table as the catalog has it.
type Table struct {
	Path       string   // the key path of its declaration, such as tables[2]
	Schema     string   // of the table, as in the catalog
	Name       string   // likewise
	TypeName   string   // the first word of its events' types: orders, as in orders.insert
	Columns    []Column // what leaves the database, in the order of the declaration, else of the table
	Key        []Column // the columns that tell its rows apart
	Topics     []Topic
	Revalidate []Revalidate

	relation    *relation
	declaration rules.Table
	applied     *made // nil: it is not live
	order       []rules.OrderTerm
}

// Topic is a topic that rows of a table are filed under.
type Topic struct {
	Path    string // the key path of its declaration, such as tables[2].topics[0]
	Pattern topic.Pattern
	Allow   rules.Allow
	Access  string // SQL

	parts []part
	below []int // which other topics of the table lie below this one
}

// part stands between two slashes of a topic: a literal, or the value of a column.
type part struct {
	literal string
	column  *Column
}

// Revalidate says of which topic, and of which user, access is asked again when a row changes.
type Revalidate struct {
	User *Column // nil: everybody

	parts []part // nil: all topics of the user
}

// SQL is the table's name as SQL, quoted where it has to be.
func (t Table) SQL() string { return rules.WriteName([]string{t.Schema, t.Name}) }

// quoted is the table's name with quotes around each part: reserved words need them too.
func (t Table) quoted() string { return quoteName(t.Schema, t.Name) }

// NumbersAsText reports whether int8 and numeric are filed as strings.
func (t Table) NumbersAsText() bool { return t.declaration.Numbers == rules.NumbersText }

// quoteName writes names as one name of SQL, each part within quotes.
func quoteName(parts ...string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return strings.Join(quoted, ".")
}

// quoteText writes a text as a literal of SQL. It holds whatever standard_conforming_strings is.
func quoteText(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

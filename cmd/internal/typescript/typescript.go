// Package typescript writes types for the npm package: what events and snapshots of the topics of a configuration hold. It
// reads no database; what it says of a table or a type comes with a Model. The text depends on the Model alone, so that two
// runs against equal databases write the same file.
//
// Names of tables, columns, types and labels are not trusted: in the file they are only parts of identifiers, quoted texts, and
// comments that end with their line and begin with a word of this package.
package typescript

import (
	"fmt"
	"strings"

	"rowcall/triggers/tables"
)

// Model is what a file of types is made of.
type Model struct {
	Tables []tables.Table     // the declared ones
	Listed []ListedTopic      // the topics of the configuration that no declared table has
	Types  []tables.ValueType // of all columns, and of what they are made of
}

// ListedTopic is a topic whose events are filed by triggers that the user has written: nothing says what they hold.
type ListedTopic struct {
	Pattern string         // such as room/{room_id:int}
	Columns []tables.Field // of its snapshot; nil: it has none
}

// TypesNeeded are the types that Model.Types has to have, without what they are made of.
func (m Model) TypesNeeded() []uint32 {
	var all []uint32
	for _, t := range m.Tables {
		for _, c := range t.Columns {
			all = append(all, c.TypeOID)
		}
	}
	for _, l := range m.Listed {
		for _, f := range l.Columns {
			all = append(all, f.TypeOID)
		}
	}
	return all
}

const header = `// Types of the topics of a Rowcall server, for the npm package "rowcall". Made by rowcall gen ts: do not edit it, but
// make it again when a declaration or a table has changed. rowcall gen ts --check says whether it is up to date.
//
// It has to be among the files that the compiler reads. Then client.subscribe, client.live and the hooks know the rows and
// events of each topic, and the compiler refuses topics and columns that are not here.
import type {} from 'rowcall'
`

// aliases are the types of the file that stand for values of several types of JSON, in their order.
func aliases() []struct{ name, text string } {
	return []struct{ name, text string }{
		{"Int8", "/** An int8: a number, or its digits as a string where JavaScript would round it. */\nexport type Int8 = number | string\n"},
		{"Numeric", "/** A numeric: a number, or its digits as a string where JavaScript would round it; NaN and the infinities are strings. */\nexport type Numeric = number | string\n"},
		{"Float", "/** A float4 or float8. JSON has no number for three of its values. */\nexport type Float = number | 'NaN' | 'Infinity' | '-Infinity'\n"},
		{"Json", "/** A json or jsonb. A number that JavaScript would round is a string with its digits. */\nexport type Json = string | number | boolean | null | Json[] | { [name: string]: Json }\n"},
	}
}

// writer writes one file.
type writer struct {
	types map[uint32]tables.ValueType
	names *names
	named map[uint32]string // the names of enums and composite types
	used  map[string]bool   // aliases that the file needs
}

// File is the text of the file.
func (m Model) File() string {
	w := &writer{map[uint32]tables.ValueType{}, newNames(), map[uint32]string{}, map[string]bool{}}
	tableNames, listedNames := make([]string, len(m.Tables)), make([]string, len(m.Listed))
	for i, t := range m.Tables {
		if len(t.Topics) == 0 {
			continue
		}
		tableNames[i] = w.names.take(identifier(t.TypeName, "Table"), "Row", "Key", "Events")
	}
	for i, l := range m.Listed {
		if l.Columns != nil {
			listedNames[i] = w.names.take(patternIdentifier(l.Pattern), "Row")
		}
	}
	for _, v := range m.Types {
		w.types[v.OID] = v
		if v.Enum || v.Composite {
			w.named[v.OID] = w.names.take(identifier(v.Name, "Type"), "")
		}
	}
	var rows, entries strings.Builder
	for i, t := range m.Tables {
		rows.WriteString(w.table(tableNames[i], t))
		for _, topic := range t.Topics {
			fmt.Fprintf(&entries, "  %s: { row: %s; events: %s }\n", quote(topic.Pattern.String()), tableNames[i]+"Row", tableNames[i]+"Events")
		}
	}
	for i, l := range m.Listed {
		if l.Columns == nil {
			fmt.Fprintf(&entries, "  %s: {} // a trigger of your own files its events\n", quote(l.Pattern))
			continue
		}
		rows.WriteString(w.listed(listedNames[i], l))
		fmt.Fprintf(&entries, "  %s: { row: %sRow } // a trigger of your own files its events\n", quote(l.Pattern), listedNames[i])
	}
	named := w.namedTypes(m.Types)
	return header + w.aliases() + named + rows.String() +
		"\n/** The topics that clients may follow, by the patterns of the configuration. */\nexport interface Topics {\n" + entries.String() + "}\n" +
		"\ndeclare module 'rowcall' {\n  interface Register {\n    database: Topics\n  }\n}\n"
}

// aliases are those that the file uses.
func (w *writer) aliases() string {
	var b strings.Builder
	for _, a := range aliases() {
		if w.used[a.name] {
			b.WriteString("\n" + a.text)
		}
	}
	return b.String()
}

// table is what the file says of a table.
func (w *writer) table(name string, t tables.Table) string {
	if len(t.Topics) == 0 {
		return ""
	}
	var b strings.Builder
	table := comment(t.SQL())
	fmt.Fprintf(&b, "\n/** A row of %s, as snapshots and events have it. */\nexport interface %sRow {\n", table, name)
	for _, c := range t.Columns {
		v := w.value(c.TypeOID, c.Dimensions, t.NumbersAsText())
		v.notNull = v.notNull || c.NotNull
		b.WriteString(property(c.Name, v))
	}
	fmt.Fprintf(&b, "}\n\n/** What tells rows of %s apart. int8 and numeric are strings here. */\nexport interface %sKey {\n", table, name)
	for _, c := range t.Key {
		v := w.value(c.TypeOID, c.Dimensions, t.NumbersAsText() || c.IsExact())
		v.notNull = true
		b.WriteString(property(c.Name, v))
	}
	fmt.Fprintf(&b, "}\n\n/** The data of events of %s, by their types. The old of an update has only the columns that changed. */\nexport interface %sEvents {\n", table, name)
	for _, kind := range t.EventKinds() {
		fmt.Fprintf(&b, "  %s: { op: '%s'; key: %sKey", quote(t.TypeName+"."+kind), kind, name)
		if kind != "delete" && kind != "leave" {
			fmt.Fprintf(&b, "; new: %sRow", name)
		}
		switch kind {
		case "update":
			fmt.Fprintf(&b, "; old: Partial<%sRow>", name)
		case "delete", "leave":
			fmt.Fprintf(&b, "; old: %sRow", name)
		}
		b.WriteString(" }\n")
	}
	return b.String() + "}\n"
}

// listed is what the file says of a topic of the configuration.
func (w *writer) listed(name string, l ListedTopic) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n/** A row of the snapshot of %s. PostgreSQL does not say which of its columns are never null. */\nexport interface %sRow {\n", comment(l.Pattern), name)
	for _, f := range l.Columns {
		b.WriteString(property(f.Name, w.value(f.TypeOID, f.Dimensions, false)))
	}
	return b.String() + "}\n"
}

// namedTypes are enums and composite types, in the order of their names in the database.
func (w *writer) namedTypes(types []tables.ValueType) string {
	var b strings.Builder
	for _, v := range types {
		name, ok := w.named[v.OID]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "\n/** Values of %s. */\n", comment(v.Schema+"."+v.Name))
		if v.Enum {
			fmt.Fprintf(&b, "export type %s = %s\n", name, union(v.Labels))
			continue
		}
		fmt.Fprintf(&b, "export interface %s {\n", name)
		for _, f := range v.Fields {
			b.WriteString(property(f.Name, w.value(f.TypeOID, f.Dimensions, false)))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// union is the type of some texts.
func union(labels []string) string {
	if len(labels) == 0 {
		return "never"
	}
	quoted := make([]string, len(labels))
	for i, l := range labels {
		quoted[i] = quote(l)
	}
	return strings.Join(quoted, " | ")
}

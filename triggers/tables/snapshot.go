package tables

import (
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// Rules returns the rules of the table's topics, in the order of Topics. Snapshots have the columns that events have: those
// with which the table was applied when it was resolved.
func (t Table) Rules() []rules.Topic {
	all := make([]rules.Topic, len(t.Topics))
	for i, own := range t.Topics {
		rows := t.filterable(own)
		all[i] = rules.Topic{Topic: own.Pattern.String(), Allow: own.Allow, Access: t.access(i), Snapshot: rows.Head + rows.Tail, SnapshotLimit: t.declaration.SnapshotLimit(),
			Filterable: &rows, Path: rules.Entry(t.Path+".topics", i)}
	}
	return all
}

// access is the SQL of who may follow a topic. Where another topic of the table is above it, it also gives its followers
// the role by which they alone hear of rows that move to and from topics beside it.
func (t Table) access(topic int) string {
	own := t.Topics[topic]
	isBelow := slices.ContainsFunc(t.Topics, func(other Topic) bool { return slices.Contains(other.below, topic) })
	switch {
	case !isBelow:
		return own.Access
	case strings.TrimSpace(own.Access) == "":
		return "SELECT true AS allowed, true AS " + quoteName(own.moveRole())
	}
	return fmt.Sprintf("SELECT a.*, true AS %s FROM (\n%s\n) a", quoteName(own.moveRole()), own.Access)
}

// filterable is the SQL of a topic's rows, and what filters of the topic may name.
func (t Table) filterable(of Topic) rules.Filterable {
	served := t.AsApplied().Columns // as in events
	columns := make([]string, len(served))
	for i, c := range served {
		columns[i] = t.shown(c)
	}
	sql := fmt.Sprintf("SELECT %s\nFROM %s%s t", strings.Join(columns, ", "), t.only(), t.quoted())
	word := "WHERE"
	for _, condition := range conditions(of) {
		sql += "\n" + word + " " + condition
		word = "  AND"
	}
	return rules.Filterable{Table: t.TypeName, Columns: t.FilterColumns(), Row: snapshotRow, Head: sql, Word: word, Tail: "\nORDER BY " + t.orderSQL()}
}

// only keeps rows of tables that inherit from the table out of its snapshot: they have a key of their own.
func (t Table) only() string {
	if t.relation.Parent {
		return "ONLY "
	}
	return ""
}

// snapshotRow is the name of a row in the SQL of snapshots.
const snapshotRow = "t"

// shown is a column of a snapshot. Where the text of its values depends on settings, or differs from PostgreSQL's own, it
// is JSON as it is filed. Times and plain values are written by whoever runs the statement.
func (t Table) shown(c Column) string {
	name := quoteName(c.Name)
	plain := !c.DependsOnSettings && !c.Foreign && c.Base != "bytea" && !(t.NumbersAsText() && isExact(strings.TrimSuffix(c.Base, "[]")))
	if plain {
		return snapshotRow + "." + name
	}
	return t.value(c, snapshotRow) + " AS " + name
}

// conditions are what rows of a topic fulfil. Values of some types have other spellings than that of their topics, and
// texts may be equal in a collation that are not the same topic: such rows are compared as texts too.
func conditions(of Topic) []string {
	var all []string
	for _, p := range of.parts {
		if p.column == nil {
			continue
		}
		name := snapshotRow + "." + quoteName(p.column.Name)
		all = append(all, name+" = "+p.value())
		switch {
		case p.column.Base == "date":
			all = append(all, "pg_catalog.btrim(pg_catalog.to_json("+name+")::pg_catalog.text, '\"') = @"+p.column.Name)
		case p.column.Base == "boolean":
			all = append(all, name+"::pg_catalog.text = @"+p.column.Name)
		case p.column.Nondeterministic:
			all = append(all, name+`::pg_catalog.text COLLATE pg_catalog."C" = @`+p.column.Name)
		}
	}
	return all
}

// orderSQL is what stands behind ORDER BY.
func (t Table) orderSQL() string {
	entries := make([]string, len(t.order))
	for i, o := range t.order {
		entries[i] = "t." + quoteName(o.Column)
		if o.Descending {
			entries[i] += " DESC"
		}
		if o.Nulls != "" {
			entries[i] += " NULLS " + string(o.Nulls)
		}
	}
	return strings.Join(entries, ", ")
}

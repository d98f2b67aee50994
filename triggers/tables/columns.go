package tables

import (
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// columnNamed returns the table's column of a name, or adds a problem.
func (r *resolver) columnNamed(key string, t *Table, name string) *Column {
	found := t.relation.column(name)
	if found == nil {
		r.wrong.Add(key, "%s has no column %q; its columns are %s", t.SQL(), name, listNames(t.relation.Columns))
		return nil
	}
	if found.Generated == virtual {
		r.wrong.Add(key, "column %q of %s is a virtual generated column, whose value triggers do not see: make it a stored one, or leave it out with hide", name, t.SQL())
		return nil
	}
	return found
}

// listNames lists columns for a sentence.
func listNames(columns []Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// columns returns the columns that leave the database: those declared, or all but the hidden ones; and always those of
// the key.
func (r *resolver) columns(at string, t *Table) []Column {
	for i, name := range t.declaration.Hide {
		if t.relation.column(name) == nil {
			r.wrong.Add(rules.Entry(at+".hide", i), "%s has no column %q; its columns are %s", t.SQL(), name, listNames(t.relation.Columns))
		}
	}
	if len(t.declaration.Columns) == 0 {
		return r.shownColumns(at, t)
	}
	var listed []Column
	for i, name := range t.declaration.Columns {
		key := rules.Entry(at+".columns", i)
		found := r.columnNamed(key, t, name)
		if found == nil {
			continue
		}
		r.wrong.Require(!hasColumn(listed, name), key, "%q is listed twice", name)
		listed = append(listed, *found)
	}
	var key []Column
	for _, k := range t.Key {
		if !hasColumn(listed, k.Name) {
			key = append(key, k)
		}
	}
	return append(key, listed...)
}

// shownColumns returns all columns but the hidden ones.
func (r *resolver) shownColumns(at string, t *Table) []Column {
	var shown []Column
	for _, c := range t.relation.Columns {
		if slices.Contains(t.declaration.Hide, c.Name) {
			continue
		}
		if c.Generated == virtual {
			r.columnNamed(at+".hide", t, c.Name)
			continue
		}
		shown = append(shown, c)
	}
	return shown
}

func hasColumn(columns []Column, name string) bool {
	return slices.ContainsFunc(columns, func(c Column) bool { return c.Name == name })
}

// key returns the columns that tell rows apart.
func (r *resolver) key(at string, t *Table) []Column {
	found, err := chooseKey(t)
	if err != nil {
		r.wrong.AddError(at+".key", err)
		return nil
	}
	var key []Column
	for i, name := range found {
		where := at + ".key"
		if len(t.declaration.Key) > 0 {
			where = rules.Entry(where, i)
		}
		c := r.columnNamed(where, t, name)
		if c == nil {
			continue
		}
		r.wrong.Require(!slices.Contains(t.declaration.Hide, name), at+".hide", "%q is a column of the key, by which clients tell rows apart: "+
			"do not hide it, or set key to the columns of another unique index", name)
		key = append(key, *c)
	}
	return key
}

// chooseKey returns the names of the key's columns: those declared, or those of the primary key, or else of the first
// unique index whose columns are not null.
func chooseKey(t *Table) ([]string, error) {
	wanted := t.declaration.Key
	for _, name := range wanted {
		if t.relation.column(name) == nil {
			return nil, fmt.Errorf("%s has no column %q; its columns are %s", t.SQL(), name, listNames(t.relation.Columns))
		}
	}
	var deferrable string
	for _, k := range t.relation.Keys {
		within := func(name string) bool { return slices.Contains(wanted, name) }
		if len(wanted) > 0 && !all(k.Columns, within) || !all(k.Columns, t.relation.notNull) {
			continue
		}
		if k.Deferrable {
			deferrable = k.Index
			continue
		}
		if len(wanted) > 0 {
			return wanted, nil
		}
		return k.Columns, nil
	}
	switch {
	case deferrable != "":
		return nil, fmt.Errorf("the key %s of %s is DEFERRABLE: two rows may have the same key within a transaction; "+
			"make it NOT DEFERRABLE, or set key to the columns of another unique index", deferrable, t.SQL())
	case len(wanted) > 0:
		return nil, fmt.Errorf("no unique index of %s makes rows differ in %s, with columns that are NOT NULL: create one, or name the columns of one that is there",
			t.SQL(), strings.Join(wanted, ", "))
	}
	instead := "do not declare the table, because clients could not tell its rows apart"
	if t.declaration.Watch {
		instead = "leave it out, because readers could not tell its rows apart"
	}
	if t.declaration.WholeSchema() {
		instead = "add " + rules.WriteName([]string{t.Name}) + " to except"
	}
	return nil, fmt.Errorf("%s has no primary key, and no unique index on columns that are NOT NULL: create one, or %s", t.SQL(), instead)
}

func (r *relation) notNull(name string) bool {
	c := r.column(name)
	return c != nil && c.NotNull
}

func all(names []string, holds func(string) bool) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !holds(name) })
}

// order returns the order of snapshots: the declared one, with the key behind it so that it is total.
func (r *resolver) order(at string, t *Table) []rules.OrderTerm {
	terms, err := rules.ParseOrder(t.declaration.Order)
	r.wrong.AddError(at+".order", err)
	for _, term := range terms {
		r.columnNamed(at+".order", t, term.Column)
	}
	for _, k := range t.Key {
		listed := func(term rules.OrderTerm) bool { return term.Column == k.Name }
		if !slices.ContainsFunc(terms, listed) {
			terms = append(terms, rules.OrderTerm{Column: k.Name})
		}
	}
	return terms
}

package tables

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// Resolve finds declared tables in the catalog. It writes nothing, and needs no rights but to connect. The error
// is a rules.Problems, with all problems and their key paths, if a declaration does not fit the database.
func Resolve(ctx context.Context, db *sql.DB, declared []rules.Table) ([]Table, error) {
	if len(declared) == 0 {
		return nil, nil
	}
	tx, err := begin(ctx, db)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only reads
	found, err := readCatalog(ctx, tx, declared)
	if err != nil {
		return nil, err
	}
	applied, err := readFunctions(ctx, tx)
	if err != nil {
		return nil, err
	}
	r := resolver{catalog: found}
	for i, d := range declared {
		r.entry(rules.Entry("tables", i), d, declared)
	}
	r.checkTypeNames()
	r.checkTopics()
	if err := r.wrong.Err(); err != nil {
		return nil, err
	}
	for i, t := range r.tables {
		if f := applied.named(t.functionName()); f != nil {
			r.tables[i].applied = f.made
			if f.made == nil && len(t.declaration.Columns) == 0 {
				r.tables[i].applied = &made{} // the comment is gone: no column is known to be applied
			}
		}
	}
	return r.tables, nil
}

// resolver collects tables, and what is wrong with their declarations.
type resolver struct {
	catalog catalog
	tables  []Table
	wrong   rules.Problems
}

// ownSchema reports whether the tables of a schema cannot be declared.
func ownSchema(schema string) bool {
	return schema == "rowcall" || schema == "information_schema" || strings.HasPrefix(schema, "pg_")
}

// entry resolves one entry of the list.
func (r *resolver) entry(at string, d rules.Table, all []rules.Table) {
	schema, name := d.Relation()
	switch {
	case schema == "":
		r.wrong.Add(at+".table", "%q: name the table with its schema, such as public.orders", d.Table)
	case ownSchema(schema):
		r.wrong.Add(at+".table", "%s is a schema of the system's, or of Rowcall: its tables cannot be declared", schema)
	case d.WholeSchema():
		r.schema(at, schema, d, all)
	default:
		r.one(at, d, r.catalog.find(schema, name))
	}
}

// one resolves an entry for one table, which is nil if there is none.
func (r *resolver) one(at string, d rules.Table, found *relation) {
	if found == nil {
		r.wrong.AddError(at+".table", rules.MissingName("table", d.Table))
		return
	}
	if first := slices.IndexFunc(r.tables, func(t Table) bool { return t.relation == found }); first >= 0 {
		r.wrong.Add(at+".table", "%s is declared under %s already: keep one of the two", d.Table, r.tables[first].Path)
		return
	}
	r.table(at, d, found)
}

// schema resolves an entry for all tables of a schema but those excepted, those that have an entry of their own, and
// partitions, which belong to their root.
func (r *resolver) schema(at, schema string, d rules.Table, all []rules.Table) {
	for i, text := range d.Except {
		parts, err := rules.ParseName(text)
		there := err == nil && len(parts) == 1 && r.catalog.find(schema, parts[0]) != nil
		r.wrong.Require(there, rules.Entry(at+".except", i), "%s: schema %s has no such table", text, schema)
	}
	declared := map[string]bool{}
	for _, other := range all {
		if s, name := other.Relation(); s == schema {
			declared[name] = true
		}
	}
	count := 0
	for i := range r.catalog.relations {
		found := &r.catalog.relations[i]
		isTable := found.Kind == ordinaryTable || found.Kind == partitionedTable
		if found.Schema != schema || !isTable || found.Partition || found.Temporary || d.Excepts(found.Name) || declared[found.Name] {
			continue
		}
		own := &resolver{catalog: r.catalog}
		own.table(at, d, found)
		r.adopt(own, found)
		count++
	}
	if count == 0 {
		r.wrong.Add(at+".table", "schema %s has no tables that this entry could stand for: correct the name, or remove the entry", schema)
	}
}

// adopt takes the table that another resolver has found for one entry of many tables, and its problems. A problem that
// does not name its table gets the name in front.
func (r *resolver) adopt(own *resolver, of *relation) {
	r.tables = append(r.tables, own.tables...)
	name := rules.WriteName([]string{of.Schema, of.Name})
	for _, p := range own.wrong {
		if !strings.Contains(p.Text, name) {
			p.Text = name + ": " + p.Text
		}
		r.wrong = append(r.wrong, p)
	}
}

// table resolves the declaration of one table.
func (r *resolver) table(at string, d rules.Table, found *relation) {
	if reason := found.refusal(); reason != "" {
		r.wrong.Add(at+".table", "%s", reason)
		return
	}
	t := Table{Path: at, Schema: found.Schema, Name: found.Name, TypeName: d.Name, relation: found, declaration: d}
	if t.TypeName == "" {
		t.TypeName = strings.ReplaceAll(found.Name, ".", "_") // the dot ends the word in orders.insert
	}
	r.wrong.AddError(at+".name", rules.CheckTypeName(t.TypeName))
	t.Key = r.key(at, &t)
	t.Columns = r.columns(at, &t)
	t.order = r.order(at, &t)
	t.Topics = r.topics(at, &t)
	t.Revalidate = r.revalidations(at, &t)
	r.tables = append(r.tables, t)
}

// refusal says why a relation cannot be declared, and what to do; empty if it can.
func (r *relation) refusal() string {
	name := rules.WriteName([]string{r.Schema, r.Name})
	switch {
	case r.Kind == view:
		return name + " is a view, which has no rows of its own to watch: declare the tables that it reads"
	case r.Kind == materializedView:
		return name + " is a materialized view, which fires no triggers: declare the tables that it reads"
	case r.Kind == foreignTable:
		return name + " is a foreign table, whose rows change on another server without firing triggers here: declare the table there"
	case r.Temporary:
		return name + " is a temporary table: its rows are seen by one session only"
	case r.Partition:
		return name + " is a partition: declare the partitioned table that it belongs to"
	}
	for _, b := range r.Partitions {
		if b.Kind == foreignTable {
			return fmt.Sprintf("%s has a partition on another server, %s, whose rows change without firing triggers here: it cannot be declared",
				name, rules.WriteName([]string{b.Schema, b.Name}))
		}
	}
	return ""
}

// checkTypeNames requires that the types of two tables differ.
func (r *resolver) checkTypeNames() {
	firsts := map[string]Table{}
	for _, t := range r.tables {
		first, taken := firsts[t.TypeName]
		if !taken {
			firsts[t.TypeName] = t
			continue
		}
		r.wrong.Add(t.Path+".name", "events of %s and of %s would both have types that begin with %q: give one of the two another name",
			first.SQL(), t.SQL(), t.TypeName)
	}
}

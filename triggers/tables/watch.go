package tables

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// WatchOptions say how rowcall watch files the changes of tables.
type WatchOptions struct {
	Topic   string              // a pattern for the only table, such as orders/{customer_id}; empty: the name of each table
	Allow   rules.Allow         // who may follow the topics
	LeftOut func(reason string) // is called for each table of schema.* that is left out
}

// DeclareForWatch makes the declarations of rowcall watch. The names are as SQL takes them: orders, which is looked for along
// the role's search_path, sales.orders, or sales.* for every table of a schema that can be watched. It changes nothing. The
// error says, for each table, what cannot be watched and what to do.
func DeclareForWatch(ctx context.Context, db *sql.DB, names []string, o WatchOptions) ([]rules.Table, error) {
	path, err := searchPath(ctx, db)
	if err != nil {
		return nil, err
	}
	tx, err := begin(ctx, db)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only reads
	w := nameResolver{options: o, path: path}
	w.parse(names)
	if w.catalog, err = readCatalog(ctx, tx, w.possible()); err != nil {
		return nil, err
	}
	for _, n := range w.names {
		w.find(ctx, tx, n)
	}
	w.checkTopic()
	if len(w.wrong) > 0 {
		return nil, errors.Join(w.wrong...)
	}
	return w.declare(ctx, tx)
}

// searchPath lists the schemas in which names without a schema are looked for.
func searchPath(ctx context.Context, db *sql.DB) (path []string, err error) {
	var list string
	if err := db.QueryRowContext(ctx, `SELECT to_json(current_schemas(false))::text`).Scan(&list); err != nil {
		return nil, fmt.Errorf("ask for the search_path: %w", err)
	}
	return path, json.Unmarshal([]byte(list), &path)
}

// nameResolver finds what the names of rowcall watch stand for.
type nameResolver struct {
	options WatchOptions
	path    []string
	names   []givenName
	catalog catalog
	found   []foundTable
	wrong   []error
}

// givenName is a name of the command line.
type givenName struct {
	text   string
	schema string // empty: along the search_path
	table  string // empty: all tables of the schema
}

// foundTable is a table that a name stands for.
type foundTable struct {
	relation *relation
	byName   bool // not as one of all tables of a schema
}

func (w *nameResolver) parse(names []string) {
	for _, text := range names {
		plain, whole := strings.CutSuffix(text, ".*")
		parts, err := rules.ParseName(plain)
		switch {
		case err != nil:
			w.wrong = append(w.wrong, err)
		case whole && len(parts) == 1:
			w.names = append(w.names, givenName{text: text, schema: parts[0]})
		case !whole && len(parts) == 1:
			w.names = append(w.names, givenName{text: text, table: parts[0]})
		case !whole && len(parts) == 2:
			w.names = append(w.names, givenName{text: text, schema: parts[0], table: parts[1]})
		default:
			w.wrong = append(w.wrong, fmt.Errorf("%s: name a table as orders or sales.orders, or all tables of a schema as sales.*", text))
		}
	}
}

// possible lists what the names could stand for, as declarations name it.
func (w *nameResolver) possible() []rules.Table {
	var all []rules.Table
	for _, n := range w.names {
		switch {
		case n.table == "":
			all = append(all, rules.Table{Table: rules.WriteName([]string{n.schema}) + ".*"})
		case n.schema != "":
			all = append(all, rules.Table{Table: rules.WriteName([]string{n.schema, n.table})})
		default:
			for _, schema := range w.path {
				all = append(all, rules.Table{Table: rules.WriteName([]string{schema, n.table})})
			}
		}
	}
	return all
}

// find adds the tables that a name stands for.
func (w *nameResolver) find(ctx context.Context, tx *sql.Tx, n givenName) {
	switch {
	case ownSchema(n.schema):
		w.wrong = append(w.wrong, fmt.Errorf("%s is a schema of the system's, or of Rowcall: its tables cannot be watched", n.schema))
	case n.table == "":
		w.findAll(n)
	case n.schema != "":
		w.add(w.catalog.find(n.schema, n.table), n, nil)
	default:
		for _, schema := range w.path {
			if found := w.catalog.find(schema, n.table); found != nil {
				w.add(found, n, nil)
				return
			}
		}
		elsewhere, err := schemasWith(ctx, tx, n.table)
		if err != nil {
			w.wrong = append(w.wrong, err)
			return
		}
		w.add(nil, n, elsewhere)
	}
}

// add adds a table, or says that there is none. elsewhere lists schemas that have a table of the name.
func (w *nameResolver) add(found *relation, n givenName, elsewhere []string) {
	switch {
	case found == nil && len(elsewhere) > 0:
		name := rules.WriteName([]string{elsewhere[0], n.table})
		w.wrong = append(w.wrong, fmt.Errorf("there is no table %s in the schemas of the search_path (%s): write %s if you mean that one", n.text, strings.Join(w.path, ", "), name))
	case found == nil:
		err := rules.MissingName("table", n.text)
		if n.schema == "" {
			err = fmt.Errorf("%w; it was looked for in the schemas of the search_path (%s)", err, strings.Join(w.path, ", "))
		}
		w.wrong = append(w.wrong, fmt.Errorf("%w. A shell needs single quotes around double quotes: '\"Order\"'", err))
	case w.has(found):
	default:
		w.found = append(w.found, foundTable{found, true})
	}
}

// has reports whether a table was found before. A table that is also named explicitly counts as named, so its problems are
// errors.
func (w *nameResolver) has(r *relation) bool {
	at := slices.IndexFunc(w.found, func(f foundTable) bool { return f.relation == r })
	if at >= 0 {
		w.found[at].byName = true
	}
	return at >= 0
}

// findAll adds the tables of a schema, but for partitions, which belong to their root.
func (w *nameResolver) findAll(n givenName) {
	count := 0
	for i := range w.catalog.relations {
		r := &w.catalog.relations[i]
		isTable := r.Kind == ordinaryTable || r.Kind == partitionedTable
		if r.Schema != n.schema || !isTable || r.Partition || r.Temporary {
			continue
		}
		count++
		if !slices.ContainsFunc(w.found, func(f foundTable) bool { return f.relation == r }) {
			w.found = append(w.found, foundTable{relation: r})
		}
	}
	if count == 0 {
		w.wrong = append(w.wrong, fmt.Errorf("%s: there is no schema of this name, or it has no tables", n.text))
	}
}

// schemasWith lists the schemas that have a table of a name.
func schemasWith(ctx context.Context, tx *sql.Tx, table string) (schemas []string, err error) {
	const query = `
		SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
		ORDER BY n.nspname`
	err = eachText(ctx, tx, func(text string) error {
		schemas = append(schemas, text)
		return nil
	}, query, table)
	if err != nil {
		return nil, fmt.Errorf("look for tables of the name %s: %w", table, err)
	}
	return schemas, nil
}

// checkTopic checks a topic that is given.
func (w *nameResolver) checkTopic() {
	switch {
	case w.options.Topic == "":
	case len(w.found) > 1:
		w.wrong = append(w.wrong, fmt.Errorf("--topic goes with one table, and %d are named: leave it out, and each table has its name as its topic", len(w.found)))
	case strings.HasPrefix(w.options.Topic, "{"):
		w.wrong = append(w.wrong, fmt.Errorf("--topic %s: begin it with a word, such as orders/{customer_id}: all changes of the table are followed by that word", w.options.Topic))
	}
}

// declare makes the declarations. A table of a whole schema that cannot be watched is left out, with a word to the caller.
func (w *nameResolver) declare(ctx context.Context, tx *sql.Tx) ([]rules.Table, error) {
	var candidates []candidate
	var all []Table
	for i, f := range w.found {
		own := &resolver{catalog: w.catalog}
		own.table(rules.Entry("tables", i), w.declaration(f.relation), f.relation)
		candidates = append(candidates, candidate{f, own})
		if len(own.wrong) == 0 {
			all = append(all, own.tables...)
		}
	}
	present, err := readState(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	r := &resolver{catalog: w.catalog}
	for _, c := range candidates {
		c.refuse(present)
		if len(c.resolver.wrong) > 0 && !c.byName {
			w.leave(c)
			continue
		}
		r.adopt(c.resolver, c.relation)
	}
	r.checkTypeNames()
	r.checkTopics()
	switch {
	case len(r.wrong) > 0:
		return nil, textsOf(r.wrong)
	case len(r.tables) == 0:
		return nil, errors.New("none of these tables can be watched, for the reasons above")
	}
	declared := make([]rules.Table, len(r.tables))
	for i, t := range r.tables {
		declared[i] = t.declaration
	}
	return declared, nil
}

// candidate is a table that may be watched, and the resolver of its declaration.
type candidate struct {
	foundTable
	resolver *resolver
}

// refuse adds a problem if the table is not rowcall watch's to change.
func (c candidate) refuse(present *state) {
	if len(c.resolver.wrong) > 0 {
		return
	}
	t := c.resolver.tables[0]
	c.resolver.wrong.AddError(t.Path+".table", present.watchRefusal(t))
	c.resolver.wrong.AddError(t.Path+".table", present.refusal(t))
}

// textsOf is an error with what is wrong, without key paths: they would be of no file.
func textsOf(wrong rules.Problems) error {
	texts := make([]error, len(wrong))
	for i, p := range wrong {
		texts[i] = errors.New(p.Text)
	}
	return errors.Join(texts...)
}

// leave tells the caller why a table is left out. The reason names the table.
func (w *nameResolver) leave(c candidate) {
	if w.options.LeftOut == nil {
		return
	}
	told := &resolver{}
	told.adopt(c.resolver, c.relation)
	w.options.LeftOut(told.wrong[0].Text)
}

// declaration declares a table of rowcall watch.
func (w *nameResolver) declaration(r *relation) rules.Table {
	d := rules.Table{Table: rules.WriteName([]string{r.Schema, r.Name}), Watch: true}
	name, typeName := r.Name, r.Name
	if w.isDouble(r) {
		name, typeName = r.Schema+"."+r.Name, r.Schema+"_"+r.Name
	}
	if typeName == rules.ReservedTypeName {
		typeName = r.Schema + "_" + r.Name
	}
	d.Name = strings.ReplaceAll(topic.Segment(typeName), ".", "_")
	if rules.CheckTypeName(r.Name) == nil && typeName == r.Name {
		d.Name = "" // the default
	}
	for _, c := range r.Columns {
		if c.Generated == virtual {
			d.Hide = append(d.Hide, c.Name)
		}
	}
	d.Topics = []rules.TableTopic{{Topic: topic.Segment(name), Allow: w.options.Allow}}
	if w.options.Topic != "" {
		d.Topics[0].Topic = w.options.Topic
		if word, _, parameters := strings.Cut(w.options.Topic, "/{"); parameters {
			d.Topics = append(d.Topics, rules.TableTopic{Topic: word, Allow: w.options.Allow}) // for the page: all rows
		}
	}
	return d
}

// isDouble reports whether another table has the same name in another schema.
func (w *nameResolver) isDouble(r *relation) bool {
	return slices.ContainsFunc(w.found, func(f foundTable) bool { return f.relation.Name == r.Name && f.relation != r })
}

// Unwatch lists what removes the triggers and functions that rowcall watch has made. others reports whether other
// declared tables are live. It changes nothing.
func Unwatch(ctx context.Context, db *sql.DB) (removals []Change, others bool, err error) {
	changes, err := Plan(ctx, db, nil)
	if err != nil {
		return nil, false, err
	}
	for _, c := range changes.Undeclared {
		if c.Has(LiveByWatch) {
			removals = append(removals, c)
		} else {
			others = true
		}
	}
	return removals, others, nil
}

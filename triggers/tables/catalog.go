package tables

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

	"rowcall/config/rules"
)

// relation is a relation of the database as the catalog describes it.
type relation struct {
	OID        uint32
	Schema     string
	Name       string
	Kind       string // pg_class.relkind
	Partition  bool   // it is a partition of another table
	Temporary  bool
	Parent     bool // ordinary tables inherit from it
	Child      bool // it inherits from an ordinary table
	Subscribed bool // rows come from a publication of another server
	Cascades   bool // a foreign key to itself changes its rows
	Policies   bool // it has row-level security
	Columns    []Column
	Keys       []uniqueKey
	Triggers   []string    // the names of AFTER triggers for each row that are neither Rowcall's nor a foreign key's
	Earlier    []string    // the names of AFTER triggers for each statement that are not Rowcall's and may fire before those
	Partitions []partition // all partitions below it, on every level
}

// The values of relation.Kind that matter.
const (
	ordinaryTable    = "r"
	partitionedTable = "p"
	view             = "v"
	materializedView = "m"
	foreignTable     = "f"
)

// partition is a partition, or a partitioned table below another.
type partition struct {
	OID    uint32
	Schema string
	Name   string
	Kind   string // pg_class.relkind
}

// uniqueKey is a unique index that holds for all rows and is checked at once, or could be but for Deferrable.
type uniqueKey struct {
	Index      string
	Primary    bool
	Deferrable bool
	Columns    []string
}

// Column is a column of a table.
type Column struct {
	Name              string
	Type              string   // as format_type writes it, qualified where it is not of pg_catalog
	Base              string   // likewise, without a modifier; the type behind a domain
	TypeOID           uint32   // of Type
	Dimensions        int      // of an array, as it was declared; PostgreSQL does not hold values to it
	Enum              bool     // Base is an enum
	Labels            []string // of the enum, in its order
	Fields            []string // of composite types that values are made of: each with its type, as SQL
	NotNull           bool     // the table says so, or the domain
	Generated         string   // pg_attribute.attgenerated
	Recoded           bool     // the bytes of texts have another order in the encoding of the database than in UTF-8
	Nondeterministic  bool     // its collation takes different texts for equal
	Instants          bool     // values hold times with a zone: they are such times, or have them as elements, fields or bounds
	DependsOnSettings bool     // the text of values, or of what they are made of, depends on settings of the session
	Foreign           bool     // somebody who is no superuser can make casts of the type, or of what it is made of
}

// virtual is the value of Column.Generated for a column that is computed when it is read.
const virtual = "v"

// relationsQuery reads the relations that declarations name, each as JSON.
//
//go:embed catalog.sql
var relationsQuery string

// catalog is what the database has of the relations that declarations name.
type catalog struct{ relations []relation }

// declaredNames is a JSON array of {"schema", "table"}: what declarations name. The table is null where a declaration stands
// for all tables of a schema.
func declaredNames(declared []rules.Table) string {
	type name struct {
		Schema string  `json:"schema"`
		Table  *string `json:"table"`
	}
	names := []name{}
	for _, d := range declared {
		schema, table := d.Relation()
		one := name{Schema: schema}
		if !d.WholeSchema() {
			one.Table = &table
		}
		names = append(names, one)
	}
	list, _ := json.Marshal(names) // texts have a form in JSON
	return string(list)
}

// readCatalog reads the relations that declarations name in one snapshot.
func readCatalog(ctx context.Context, tx *sql.Tx, declared []rules.Table) (catalog, error) {
	var all catalog
	err := eachText(ctx, tx, func(text string) error {
		var r relation
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return err
		}
		all.relations = append(all.relations, r)
		return nil
	}, relationsQuery, declaredNames(declared))
	if err != nil {
		return catalog{}, fmt.Errorf("read tables from the catalog: %w", err)
	}
	return all, nil
}

// find returns the relation of a name, or nil.
func (c catalog) find(schema, name string) *relation {
	at := slices.IndexFunc(c.relations, func(r relation) bool { return r.Schema == schema && r.Name == name })
	if at < 0 {
		return nil
	}
	return &c.relations[at]
}

// column returns the column of a name, or nil.
func (r *relation) column(name string) *Column {
	at := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return &r.Columns[at]
}

package rules

import (
	"cmp"
	"slices"
	"strings"
)

// Table declares a table whose changes are filed: which columns leave, and under which topics. The
// names of columns are those of the catalog, without quotes.
type Table struct {
	Table      string       `mapstructure:"table"`      // the schema and the name, as ParseName takes them; or every table of a schema: sales.*
	Except     []string     `mapstructure:"except"`     // with sales.*: names of tables that are left out
	Topics     []TableTopic `mapstructure:"topics"`     // where the changes of a row are filed; empty: nowhere
	Columns    []string     `mapstructure:"columns"`    // the columns that leave, besides the key; empty: all but those of Hide
	Hide       []string     `mapstructure:"hide"`       // columns that do not leave
	Key        []string     `mapstructure:"key"`        // the columns that name a row; empty: the catalog decides
	On         []string     `mapstructure:"on"`         // insert, update, delete; empty: all three
	Order      string       `mapstructure:"order"`      // of the snapshot's rows, as ParseOrder takes it; empty: by the key
	Limit      int          `mapstructure:"limit"`      // rows of a snapshot at most; see SnapshotLimit
	Numbers    string       `mapstructure:"numbers"`    // json, or text: int8 and numeric as strings; json when empty
	Name       string       `mapstructure:"name"`       // the first word of the events' types; empty: the table's name
	Mode       string       `mapstructure:"mode"`       // row, or statement: the trigger runs once for a statement; row when empty
	Revalidate []Revalidate `mapstructure:"revalidate"` // topics whose access depends on the rows of the table

	// Watch says that the declaration is of rowcall watch, and in no file. The command sets it; it is not a
	// setting of a table.
	Watch bool `mapstructure:"-"`
}

// TableTopic is a pattern of topics that the rows of a table are filed under. Its parameters are
// columns, whose types the catalog has. With sales.* the parameter {table} is the table's name.
type TableTopic struct {
	Topic  string `mapstructure:"topic"`  // such as orders/{customer_id}
	Allow  Allow  `mapstructure:"allow"`  // who may ask at all
	Access string `mapstructure:"access"` // SQL that answers the column allowed, and roles; empty: Allow decides alone
}

// Revalidate says that a change of a row can change who may follow some topics.
type Revalidate struct {
	Topic string `mapstructure:"topic"` // a pattern whose parameters are columns
	User  string `mapstructure:"user"`  // the column with the id of the user concerned; empty: all followers
}

// The values of Table.On, Numbers and Mode.
const (
	OnInsert      = "insert"
	OnUpdate      = "update"
	OnDelete      = "delete"
	NumbersJSON   = "json"
	NumbersText   = "text"
	ModeRow       = "row"
	ModeStatement = "statement"
)

// DefaultSnapshotRows is how many rows a table's snapshot has at most, unless the table says.
const DefaultSnapshotRows = 10_000

// ReservedTypeName is the first word of the types that are Rowcall's own. No table may have it as its
// name of types.
const ReservedTypeName = "rowcall"

// ParameterTable is the parameter that is the table's name in the topics of sales.*.
const ParameterTable = "table"

// wholeSchema ends the name of a declaration for all tables of a schema.
const wholeSchema = ".*"

// WholeSchema reports whether the declaration is for every table of a schema.
func (t Table) WholeSchema() bool { return strings.HasSuffix(t.Table, wholeSchema) }

// Relation is the schema and the name of the table, as the catalog has them. The name is empty for a
// declaration of a whole schema. Both are empty for a name that the checks refuse.
func (t Table) Relation() (schema, name string) {
	text, whole := strings.CutSuffix(t.Table, wholeSchema)
	parts, err := ParseName(text)
	switch {
	case err == nil && whole && len(parts) == 1:
		return parts[0], ""
	case err == nil && !whole && len(parts) == 2:
		return parts[0], parts[1]
	}
	return "", ""
}

// ExceptedNames are the names of the tables that a declaration of a whole schema leaves out, as the catalog has them.
func (t Table) ExceptedNames() []string {
	names := []string{}
	for _, text := range t.Except {
		if parts, err := ParseName(text); err == nil && len(parts) == 1 {
			names = append(names, parts[0])
		}
	}
	return names
}

// Excepts reports whether a declaration of a whole schema leaves out the table of this name, as the
// catalog has it.
func (t Table) Excepts(name string) bool { return slices.Contains(t.ExceptedNames(), name) }

// Files reports whether changes of this kind, such as OnInsert, are filed.
func (t Table) Files(change string) bool { return len(t.On) == 0 || slices.Contains(t.On, change) }

// SnapshotLimit is how many rows a snapshot has at most.
func (t Table) SnapshotLimit() int { return cmp.Or(t.Limit, DefaultSnapshotRows) }

// TopicsOf returns the topics of declared tables as rules of topics, for checks before the catalog is
// read: the parameters have no types yet, and there are no snapshots.
func TopicsOf(tables []Table) []Topic {
	var all []Topic
	for _, t := range tables {
		for _, own := range t.Topics {
			all = append(all, Topic{Topic: own.Topic, Allow: own.Allow, Access: own.Access})
		}
	}
	return all
}

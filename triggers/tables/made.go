package tables

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// made is what the comment on a generated function says.
type made struct {
	Table      string   `json:"table"`      // as SQL
	Columns    []string `json:"columns"`    // that leave the database
	Partitions string   `json:"partitions"` // a hash of their names; empty for a table without

	format string
	hash   string
	watch  bool // by rowcall watch, for a table that no file declares
}

// The commands that make functions, as the comments name them.
const (
	applyCommand = "apply"
	watchCommand = "watch"
)

// comment is the text of the comment on a table's function.
func (t Table) comment() string {
	m := made{Table: t.SQL(), Partitions: t.partitionsHash()}
	for _, c := range t.Columns {
		m.Columns = append(m.Columns, c.Name)
	}
	command := applyCommand
	if t.declaration.Watch {
		command = watchCommand
	}
	facts, _ := json.Marshal(m) // it holds nothing but texts
	return fmt.Sprintf("Made by rowcall %s, format %d, declaration %s: %s", command, formatVersion, t.hash(), facts)
}

// commentForm is the form of comment.
var commentForm = regexp.MustCompile(`^Made by rowcall (apply|watch), format ([0-9]+), declaration ([0-9a-f]+): (\{.*\})$`)

// readComment returns nil for a comment that is not Rowcall's.
func readComment(text string) *made {
	parts := commentForm.FindStringSubmatch(text)
	if parts == nil {
		return nil
	}
	m := made{watch: parts[1] == watchCommand, format: parts[2], hash: parts[3]}
	if json.Unmarshal([]byte(parts[4]), &m) != nil {
		return nil
	}
	return &m
}

// hash tells declarations apart by all that they make, and by the types of the columns that leave the database: after
// ALTER COLUMN ... TYPE, or ALTER TYPE of a composite type, followers have old values, also where one function files both.
func (t Table) hash() string {
	text := t.createFunction() + strings.Join(t.operations(), " ")
	for _, c := range t.Columns {
		text += " " + c.Type
		for _, field := range c.Fields {
			text += ", " + field
		}
	}
	return shortHash(text)
}

// partitionsHash tells sets of partitions apart.
func (t Table) partitionsHash() string {
	var names []string
	for _, b := range t.relation.Partitions {
		names = append(names, quoteName(b.Schema, b.Name))
	}
	if names == nil {
		return ""
	}
	return shortHash(strings.Join(names, ", "))
}

func shortHash(text string) string { return fmt.Sprintf("%.16x", sha256.Sum256([]byte(text)))[:16] }

// function is a trigger function in schema rowcall.
type function struct {
	Name     string
	Source   string
	Definer  bool   // SECURITY DEFINER
	Settings string // its SET clauses
	Comment  string

	OwnedAndPrivate bool     // it belongs to the schema's owner, and not everybody may call it
	Triggers        []caller // but not the copies of partitions

	made *made // nil: it is not generated
}

// functionsQuery reads the trigger functions of schema rowcall, each as JSON.
const functionsQuery = `
	SELECT json_build_object(
		'Name', p.proname, 'Source', p.prosrc, 'Definer', p.prosecdef, 'Settings', coalesce(array_to_string(p.proconfig, ', '), ''),
		'OwnedAndPrivate', p.proowner = n.nspowner AND NOT EXISTS (
			SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0),
		'Comment', coalesce(obj_description(p.oid, 'pg_proc'), ''),
		'Triggers', (
			SELECT json_agg(json_build_object('Name', t.tgname, 'Relation', t.tgrelid::bigint, 'Table', t.tgrelid::regclass::text) ORDER BY t.tgrelid::regclass::text, t.tgname)
			FROM pg_depend d JOIN pg_trigger t ON t.oid = d.objid
			WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid AND d.classid = 'pg_trigger'::regclass AND t.tgparentid = 0))::text
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE n.nspname = 'rowcall' AND p.prorettype = 'trigger'::regtype
	ORDER BY p.proname`

// differsFrom reports whether the function is not the one that applying the table's declaration makes.
func (f function) differsFrom(t Table) bool {
	return f.Source != t.body() || !f.Definer || f.Settings != strings.Join(t.settings(), ", ") || !f.OwnedAndPrivate
}

// functions are the trigger functions of schema rowcall.
type functions struct {
	all    []function     // in the order of their names
	places map[string]int // in all, by name
}

// readFunctions reads the trigger functions of schema rowcall; none where the schema is not there.
func readFunctions(ctx context.Context, tx *sql.Tx) (functions, error) {
	read := functions{places: map[string]int{}}
	err := eachText(ctx, tx, func(text string) error {
		var f function
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			return err
		}
		f.made = readComment(f.Comment)
		read.places[f.Name] = len(read.all)
		read.all = append(read.all, f)
		return nil
	}, functionsQuery)
	if err != nil {
		return functions{}, fmt.Errorf("read generated functions: %w", err)
	}
	return read, nil
}

// named returns the function of a name, or nil. A trigger function has no arguments, so that no two have one name.
func (f functions) named(name string) *function {
	at, found := f.places[name]
	if !found {
		return nil
	}
	return &f.all[at]
}

// IsLive reports whether the table has a function of Rowcall's.
func (t Table) IsLive() bool { return t.applied != nil }

// AsApplied is the table with no other columns than those with which it was applied. What repairs a database by itself
// applies this: a new column leaves the database only when somebody applies the declaration.
func (t Table) AsApplied() Table {
	if t.applied == nil {
		return t
	}
	known := func(c Column) bool { return slices.Contains(t.applied.Columns, c.Name) }
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return !known(c) && !hasColumn(t.Key, c.Name) })
	return t
}

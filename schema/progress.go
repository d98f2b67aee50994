package schema

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// migration is one file of a history.
type migration struct {
	version string // a number without leading zeros
	creates []relation
}

// relation is a table, an index or a sequence that a migration creates under a name of its own.
type relation struct {
	name  string
	table bool
	again bool // created IF NOT EXISTS: the dump of an older version, restored with --clean, leaves it there
}

// files reads what each migration creates. Every such statement begins a line.
func (h history) files() ([]migration, error) {
	names, err := fs.Glob(migrations, h.folder+"/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the migrations of %s: %w", h.folder, err)
	}
	var all []migration
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("read the version of %s: %w", name, err)
		}
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, migration{strconv.Itoa(version), relationsIn(string(text))})
	}
	return all, nil
}

func relationsIn(script string) []relation {
	created := regexp.MustCompile(`(?m)^CREATE (?:UNIQUE |UNLOGGED )?(TABLE|INDEX|SEQUENCE) (IF NOT EXISTS )?(?:\w+\.)?(\w+)`)
	var all []relation
	for _, match := range created.FindAllStringSubmatch(script, -1) {
		all = append(all, relation{name: match[3], table: match[1] == "TABLE", again: match[2] != ""})
	}
	return all
}

// progress compares the migrations of a history with what a database holds.
type progress struct {
	pending  bool     // a migration has not been applied
	wanting  bool     // and creates something
	foreign  []string // names of what it creates that are taken
	gone     []string // tables that an applied migration created, and that are not there
	stranger string   // a role that owns one of the tables, and that the migrating role may not act for
}

// progress reads how far a history is. The migrating role must have the rights of the owner of schema rowcall.
func (h history) progress(ctx context.Context, tx *sql.Tx) (progress, error) {
	files, err := h.files()
	if err != nil {
		return progress{}, err
	}
	applied, err := h.applied(ctx, tx)
	if err != nil {
		return progress{}, err
	}
	owners, err := h.owners(ctx, tx)
	if err != nil {
		return progress{}, err
	}
	_, begun := applied["1"]
	var p progress
	for _, m := range files {
		_, done := applied[m.version]
		p.pending = p.pending || !done
		for _, r := range m.creates {
			if r.again && begun && !done {
				p.wanting = true
				continue
			}
			p.compare(r, done, owners)
		}
	}
	return p, nil
}

// compare adds what is to be said of one relation.
func (p *progress) compare(r relation, applied bool, owners map[string]string) {
	owner, there := owners[r.name]
	p.wanting = p.wanting || !applied
	switch {
	case !applied && there:
		p.foreign = append(p.foreign, r.name)
	case applied && r.table && !there:
		p.gone = append(p.gone, r.name)
	case applied && r.table && owner != "":
		p.stranger = owner
	}
}

// applied returns the versions that the history's own table has, as texts.
func (h history) applied(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	known, err := h.known(ctx, tx)
	if err != nil || !known {
		return nil, err
	}
	applied, err := pairs(ctx, tx, "SELECT version_id::text, '' FROM "+h.table+" WHERE is_applied")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", h.table, err)
	}
	return applied, nil
}

// owners returns what is in the history's schema, and types with it, because a table needs a type of its name. Beside
// each is the role that owns it, but nothing where the migrating role may act for that one.
func (h history) owners(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	const query = `
		SELECT c.relname, CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN '' ELSE o.rolname END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
		WHERE n.nspname = $1
		UNION ALL
		SELECT t.typname, '' FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
		WHERE n.nspname = $1 AND t.typrelid = 0`
	owners, err := pairs(ctx, tx, query, h.schema)
	if err != nil {
		return nil, fmt.Errorf("list schema %s: %w", h.schema, err)
	}
	return owners, nil
}

// pairs reads rows of two texts, the second by the first.
func pairs(ctx context.Context, tx *sql.Tx, query string, args ...any) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]string)
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, rows.Err()
}

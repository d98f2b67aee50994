package firstconfig

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// example is a table that the file shows how to declare.
type example struct {
	Table string // as the configuration takes it
	Topic string
}

// maxExamples bounds how many tables the file names.
const maxExamples = 10

// readDeclarable returns the tables in the schemas of the search path that have a key, which is the primary key or
// another unique index on columns that are NOT NULL. Partitions belong to their root.
const readDeclarable = `
SELECT n.nspname::text, c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname = ANY (current_schemas(false)) AND pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('rowcall', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
  AND EXISTS (
	SELECT FROM pg_index i
	WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
	  AND NOT EXISTS (
		SELECT FROM pg_attribute a
		WHERE a.attrelid = c.oid AND NOT a.attnotnull AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])))
ORDER BY n.nspname, c.relname`

// readExamples finds the tables that can be declared, without those that hold logins.
func (f *Findings) readExamples(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, readDeclarable)
	if err != nil {
		return fmt.Errorf("looking for tables with a key: %w", err)
	}
	names, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (parts []string, err error) {
		parts = make([]string, 2)
		return parts, row.Scan(&parts[0], &parts[1])
	})
	if err != nil {
		return fmt.Errorf("looking for tables with a key: %w", err)
	}
	for _, parts := range names {
		e := example{rules.WriteName(parts), topic.Segment(parts[1])}
		switch {
		case f.holdsLogins(parts) || !e.valid():
		case len(f.tables) == maxExamples:
			f.moreTables++
		default:
			f.tables = append(f.tables, e)
		}
	}
	return nil
}

// holdsLogins reports whether a table is that of users, or seems to have passwords or sessions. Such a table is no
// example of what to send to followers.
func (f *Findings) holdsLogins(parts []string) bool {
	same := func(t usersTable) bool { return t.Schema == parts[0] && t.Name == parts[1] }
	withPassword := func(t usersTable) bool { return t.Password != "" && same(t) }
	return f.users != nil && same(*f.users) || slices.ContainsFunc(f.others, withPassword) ||
		slices.ContainsFunc(f.unreadable, withPassword) || slices.Equal(f.sessions, parts)
}

// valid reports whether the example can be declared as it is: some names are not possible as types of events.
func (e example) valid() bool {
	var p rules.Problems
	rules.CheckTables([]rules.Table{{Table: e.Table, Topics: []rules.TableTopic{{Topic: e.Topic, Allow: rules.AllowStaff}}}}, nil, &p)
	return p.Err() == nil
}

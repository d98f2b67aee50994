package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
)

// table is what the catalog knows of a table.
type table struct {
	OID     uint32
	Name    string // qualified and quoted
	Secured bool   // by row-level security

	columns     []*column
	constraints []constraint
}

// constraint is what a row must satisfy, by the name that PostgreSQL calls it in an error.
type constraint struct {
	Name    string
	Kind    string // of pg_constraint: p, u, f, c or x; unique indexes are u
	Columns []string
}

const findTable = `
SELECT c.oid AS oid, format('%I.%I', n.nspname, c.relname) AS name, c.relrowsecurity AS secured
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`

// readTable looks a table up, by a name from the configuration.
func readTable(ctx context.Context, pool *pgxpool.Pool, name string) (*table, error) {
	rows, _ := pool.Query(ctx, findTable, pgx.Identifier(strings.Split(name, ".")).Sanitize())
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByNameLax[table])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("there is no table %s", name)
	}
	if err != nil {
		return nil, problem.OfDatabase("asking the catalog", err)
	}
	if found.columns, err = readColumns(ctx, pool, found.OID); err != nil {
		return nil, err
	}
	rows, _ = pool.Query(ctx, findConstraints, found.OID)
	found.constraints, err = pgx.CollectRows(rows, pgx.RowToStructByPos[constraint])
	if err != nil {
		return nil, problem.OfDatabase("asking the catalog for constraints", err)
	}
	return found, nil
}

// The columns of an expression in an index are none of the table's.
const findConstraints = `
SELECT o.conname::text, o.contype::text, coalesce(n.names, '{}')
FROM pg_constraint o CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY k.place) AS names
    FROM unnest(o.conkey) WITH ORDINALITY k (number, place)
    JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.number) n
WHERE o.conrelid = $1
UNION ALL
SELECT c.relname::text, 'u', coalesce(n.names, '{}')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY k.place) AS names
    FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts) n
WHERE i.indrelid = $1 AND i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid)`

// key is the column of the primary key; nil where there is none, or one of several.
func (t *table) key() *column {
	for _, c := range t.constraints {
		if c.Kind == "p" && len(c.Columns) == 1 {
			return t.column(c.Columns[0])
		}
	}
	return nil
}

// column finds a column by its name; nil without one.
func (t *table) column(name string) *column {
	at := slices.IndexFunc(t.columns, func(c *column) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return t.columns[at]
}

// constraint finds one by its name; it is empty without one.
func (t *table) constraint(name string) constraint {
	for _, c := range t.constraints {
		if c.Name == name {
			return c
		}
	}
	return constraint{}
}

// ofDomain are the columns whose type is a domain of this name.
func (t *table) ofDomain(name string) []string {
	var names []string
	for _, c := range t.columns {
		if slices.Contains(c.Domains, name) {
			names = append(names, c.Name)
		}
	}
	return names
}

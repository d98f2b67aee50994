package resource

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
)

// table is what the catalog knows of a table.
type table struct {
	OID       uint32
	Name      string // qualified and quoted
	Secured   bool   // by row-level security
	Deletable bool   // rowcall_app may delete rows

	columns     []*column
	constraints []constraint
}

// constraint is a constraint or unique index, by the name that PostgreSQL gives in an error.
type constraint struct {
	Name    string
	Kind    string // of pg_constraint: p, u, f, c or x; a unique index is u
	Columns []string
}

const findTable = `
SELECT c.oid AS oid, format('%I.%I', n.nspname, c.relname) AS name, c.relrowsecurity AS secured,
       has_table_privilege('rowcall_app', c.oid, 'DELETE') AS deletable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`

// readTable reads a table from the catalog, by a name from the configuration.
func readTable(ctx context.Context, pool *dbconn.Pool, name string) (*table, error) {
	rows, _ := pool.Query(ctx, findTable, rules.QuotedName(name))
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByNameLax[table])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, rules.MissingName("table", name)
	}
	if err != nil {
		return nil, problem.OfDatabase("asking the catalog", err)
	}
	if found.columns, err = readColumns(ctx, pool, columnsOfTable, found.OID); err != nil {
		return nil, err
	}
	rows, _ = pool.Query(ctx, findConstraints, found.OID)
	found.constraints, err = pgx.CollectRows(rows, pgx.RowToStructByPos[constraint])
	if err != nil {
		return nil, problem.OfDatabase("asking the catalog for constraints", err)
	}
	return found, nil
}

// findConstraints leaves out the columns of expressions in an index: they are no columns of the
// table.
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

// key returns the column of the primary key; nil if there is no key, or a key of several columns.
func (t *table) key() *column {
	for _, c := range t.constraints {
		if c.Kind == "p" && len(c.Columns) == 1 {
			return t.column(c.Columns[0])
		}
	}
	return nil
}

// column returns a column by its name; nil if there is none.
func (t *table) column(name string) *column {
	at := slices.IndexFunc(t.columns, func(c *column) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return t.columns[at]
}

// constraint returns a constraint by its name; the zero constraint if there is none.
func (t *table) constraint(name string) constraint {
	for _, c := range t.constraints {
		if c.Name == name {
			return c
		}
	}
	return constraint{}
}

// columnsOfDomain returns the names of the columns whose type is a domain of this name.
func (t *table) columnsOfDomain(name string) []string {
	var names []string
	for _, c := range t.columns {
		if slices.Contains(c.Domains, name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// column is what the catalog knows of a column of a table, or of an argument of a function.
type column struct {
	Name      string
	Ident     string // quoted
	Type      string // as it is written in SQL, with its length
	Base      string // the name in pg_type of the type behind all domains; empty if it is no type of PostgreSQL's own
	Class     string // pg_type.typtype: b for a base type, e for an enum, c for a row, r for a range
	Category  string // pg_type.typcategory: S for text, A for arrays
	Length    int    // of text, in characters; 0: any
	Precision int    // of numeric; 0: any
	Scale     int
	Labels    []string // of an enum
	Domains   []string // that the type is made of
	Required  bool     // NOT NULL
	Default   bool     // the column has a default, or is generated
	Serial    bool     // the default counts
	Loose     bool     // the collation takes different texts for equal
	Readable  bool     // by rowcall_app
	Instants  bool     // values hold times with a zone within them
	JSONText  bool     // values are of type json, or hold such values within them
	Insert    bool     // rowcall_app may give a value when it makes a row
	Update    bool     // rowcall_app may give a value when it changes a row

	// Of a table's column only.
	DefaultSQL   string   // the default; empty: none
	Checks       []string // the SQL of the checks of this column alone, and of its domain
	Refers       uint32   // the table that its foreign key refers to; 0: none
	RefersColumn string   // the column of that table

	kind  valueKind
	exact bool // text is taken as it is, with blanks at its ends
}

// shapes reads the types of columns, which are given as a relation asked (place, name, type, typmod,
// required, has_default, serial, loose, readable, may_insert, may_update, default_sql, checks, refers,
// refers_column). Of a domain, the type behind it counts, through any number of domains.
const shapes = `,
behind AS (
    SELECT a.place, a.type, a.typmod, a.required, a.has_default, '{}'::name[] AS domains FROM asked a
    UNION ALL
    SELECT b.place, t.typbasetype, CASE WHEN b.typmod < 0 THEN t.typtypmod ELSE b.typmod END,
           b.required OR t.typnotnull, b.has_default OR t.typdefault IS NOT NULL, b.domains || t.typname
    FROM behind b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT a.name AS name, quote_ident(a.name) AS ident, format_type(a.type, a.typmod) AS type,
       CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text ELSE '' END AS base, t.typtype::text AS class,
       t.typcategory::text AS category,
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND b.typmod > 4 THEN b.typmod - 4 ELSE 0 END AS length,
       CASE WHEN t.typname = 'numeric' AND b.typmod > 4 THEN ((b.typmod - 4) >> 16) & 65535 ELSE 0 END AS precision,
       CASE WHEN t.typname = 'numeric' AND b.typmod > 4 THEN (((b.typmod - 4) & 2047) # 1024) - 1024 ELSE 0 END AS scale,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
       b.domains::text[] AS domains, b.required AS required, b.has_default AS default, a.serial AS serial,
       t.oid <> 'timestamptz'::regtype AND rowcall.holds_instants(t.oid) AS instants, rowcall.holds_json(t.oid) AS jsontext,
       a.loose AS loose, a.readable AS readable, a.may_insert AS insert, a.may_update AS update,
       a.default_sql AS default_sql, a.checks AS checks, a.refers AS refers, a.refers_column AS refers_column
FROM asked a JOIN behind b USING (place) JOIN pg_type t ON t.oid = b.type
WHERE t.typtype <> 'd' ORDER BY a.place`

// columnsOfTable: users give no value for a generated column or an identity that is always generated.
// Of several foreign keys of a column, the oldest counts.
const columnsOfTable = `
WITH RECURSIVE asked AS (
    SELECT a.attnum::int AS place, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS typmod,
           a.attnotnull AS required, a.atthasdef OR a.attidentity <> '' AS has_default,
           a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) AS serial,
           EXISTS (SELECT FROM pg_collation o WHERE o.oid = a.attcollation AND NOT o.collisdeterministic) AS loose,
           has_column_privilege('rowcall_app', a.attrelid, a.attnum, 'SELECT') AS readable,
           given AND has_column_privilege('rowcall_app', a.attrelid, a.attnum, 'INSERT') AS may_insert,
           given AND has_column_privilege('rowcall_app', a.attrelid, a.attnum, 'UPDATE') AS may_update,
           CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END AS default_sql,
           ARRAY(SELECT pg_get_expr(o.conbin, o.conrelid) FROM pg_constraint o
                 WHERE o.contype = 'c' AND (o.conrelid = a.attrelid AND o.conkey = ARRAY[a.attnum] OR o.contypid = a.atttypid)
                 ORDER BY o.oid) AS checks,
           coalesce(f.confrelid, 0) AS refers, coalesce(f.column, '') AS refers_column
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    CROSS JOIN LATERAL (SELECT a.attgenerated = '' AND a.attidentity <> 'a' AS given) g
    LEFT JOIN LATERAL (
        SELECT o.confrelid, k.attname::text AS column
        FROM pg_constraint o JOIN pg_attribute k ON k.attrelid = o.confrelid AND k.attnum = o.confkey[1]
        WHERE o.conrelid = a.attrelid AND o.contype = 'f' AND o.conkey = ARRAY[a.attnum]
        ORDER BY o.oid LIMIT 1) f ON true
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
)` + shapes

// readColumns reads columns with columnsOfTable, or arguments with argumentsOfFunction.
func readColumns(ctx context.Context, pool *dbconn.Pool, sql string, of uint32) ([]*column, error) {
	rows, _ := pool.Query(ctx, sql, of)
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByNameLax[column])
	if err != nil {
		return nil, problem.OfDatabase("asking the catalog for types", err)
	}
	for _, c := range found {
		c.kind = kindOf(c)
	}
	return found, nil
}

// canBeKey reports whether a value of the column can stand in an address.
func (c *column) canBeKey() bool {
	return c.kind == kindWhole || c.kind == kindText || c.kind == kindUUID
}

// mayBeBlank reports whether text may be empty. It may not where a value is needed and no default
// stands in for it.
func (c *column) mayBeBlank() bool { return c.exact || !c.Required || c.Default }

// searchableSQL is the text of the column, of the row t or o, for ILIKE. PostgreSQL refuses ILIKE
// under a collation that takes different texts for equal: the collation of the database counts there.
func (c *column) searchableSQL(row string) string {
	text := row + "." + c.Ident + "::text"
	if c.Loose {
		text += ` COLLATE pg_catalog."default"`
	}
	return text
}

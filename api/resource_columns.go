package api

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
)

// column is what the catalog knows of a column, or of an argument of a function.
type column struct {
	Name      string
	Ident     string // quoted
	Type      string // as it is written in SQL, with its length
	Base      string // the name of the type in pg_type, behind all domains
	Class     string // of pg_type.typtype: b, e for an enum, c for a row, r for a range
	Category  string // of pg_type.typcategory: S for text, A for arrays
	Length    int    // of text, in characters; 0: any
	Precision int    // of numeric; 0: any
	Scale     int
	Labels    []string // of an enum
	Domains   []string // that it is of
	Required  bool     // NOT NULL
	Default   bool     // it has one, or is generated
	Serial    bool     // its default counts
	Loose     bool     // its collation takes texts for equal that are not the same
	Readable  bool     // by rowcall_app
	Insert    bool     // it may be given when a row is made
	Update    bool     // and when it is changed

	kind  valueKind
	exact bool // text is taken as it is, blanks and all
}

// shapes finds out what types are, given as a relation asked (place, name, type, typmod, required, has_default,
// serial, loose, readable, may_insert, may_update). Behind a domain, or several, is the type that counts.
const shapes = `,
behind AS (
    SELECT a.place, a.type, a.typmod, a.required, a.has_default, '{}'::name[] AS domains FROM asked a
    UNION ALL
    SELECT b.place, t.typbasetype, CASE WHEN b.typmod < 0 THEN t.typtypmod ELSE b.typmod END,
           b.required OR t.typnotnull, b.has_default OR t.typdefault IS NOT NULL, b.domains || t.typname
    FROM behind b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT a.name AS name, quote_ident(a.name) AS ident, format_type(a.type, a.typmod) AS type, t.typname::text AS base, t.typtype::text AS class,
       t.typcategory::text AS category,
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND b.typmod > 4 THEN b.typmod - 4 ELSE 0 END AS length,
       CASE WHEN t.typname = 'numeric' AND b.typmod > 4 THEN ((b.typmod - 4) >> 16) & 65535 ELSE 0 END AS precision,
       CASE WHEN t.typname = 'numeric' AND b.typmod > 4 THEN (((b.typmod - 4) & 2047) # 1024) - 1024 ELSE 0 END AS scale,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
       b.domains::text[] AS domains, b.required AS required, b.has_default AS default, a.serial AS serial,
       a.loose AS loose, a.readable AS readable, a.may_insert AS insert, a.may_update AS update
FROM asked a JOIN behind b USING (place) JOIN pg_type t ON t.oid = b.type
WHERE t.typtype <> 'd' ORDER BY a.place`

// An identity and a generated column are given by the database, a counting key is left to it.
const columnsOf = `
WITH RECURSIVE asked AS (
    SELECT a.attnum::int AS place, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS typmod,
           a.attnotnull AS required, a.atthasdef OR a.attidentity <> '' AS has_default,
           a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) AS serial,
           EXISTS (SELECT FROM pg_collation o WHERE o.oid = a.attcollation AND NOT o.collisdeterministic) AS loose,
           has_column_privilege('rowcall_app', a.attrelid, a.attnum, 'SELECT') AS readable,
           given AND has_column_privilege('rowcall_app', a.attrelid, a.attnum, 'INSERT') AS may_insert,
           given AND has_column_privilege('rowcall_app', a.attrelid, a.attnum, 'UPDATE') AS may_update
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    CROSS JOIN LATERAL (SELECT a.attgenerated = '' AND a.attidentity <> 'a' AS given) g
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
)` + shapes

func readColumns(ctx context.Context, pool *pgxpool.Pool, table uint32) ([]*column, error) {
	return collectColumns(ctx, pool, columnsOf, table)
}

func collectColumns(ctx context.Context, pool *pgxpool.Pool, sql string, of uint32) ([]*column, error) {
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

// searchable is the column's text, for ILIKE. PostgreSQL looks into no text whose collation takes different texts for
// equal ones, so there the database's own collation counts.
func (c *column) searchable() string {
	if c.Loose {
		return c.Ident + `::text COLLATE pg_catalog."default"`
	}
	return c.Ident + "::text"
}

// isKey reports whether a value of the column can stand in an address.
func (c *column) isKey() bool {
	return c.kind == valueWhole || c.kind == valueText || c.kind == valueUUID
}

// blank reports whether text may be empty: not where a value is needed and nothing stands in for it.
func (c *column) blank() bool { return c.exact || !c.Required || c.Default }

package tables

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
)

// relation is a relation of the database as the catalog describes it.
type relation struct {
	OID       uint32
	Schema    string
	Name      string
	Kind      string // pg_class.relkind
	Partition bool   // it is a partition of another table
	Temporary bool
	Parent    bool // ordinary tables inherit from it
	Policies  bool // it has row-level security
	Columns   []Column
	Keys      []uniqueKey
	Branches  []branch // all partitions below it, on every level
}

// The values of relation.Kind that matter.
const (
	ordinaryTable    = "r"
	partitionedTable = "p"
	view             = "v"
	materializedView = "m"
	foreignTable     = "f"
)

// branch is a partition, or a partitioned table below another.
type branch struct {
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
	Name      string
	Type      string // as format_type writes it, qualified where it is not of pg_catalog
	Base      string // likewise, without a modifier; the type behind a domain
	Enum      bool   // Base is an enum
	NotNull   bool   // the table says so, or the domain
	Generated string // pg_attribute.attgenerated
	Loose     bool   // its collation takes different texts for equal
	Instants  bool   // values hold times with a zone: they are such times, or have them as elements, fields or bounds
	Unsettled bool   // the text of values, or of what they are made of, depends on settings of the session
	Foreign   bool   // somebody who is no superuser can make casts of the type, or of what it is made of
}

// virtual is the value of Column.Generated for a column that is computed when it is read.
const virtual = "v"

// relationsQuery reads the relations of some schemas, each as JSON.
const relationsQuery = `
	WITH RECURSIVE part AS (
		SELECT t.oid AS type, t.oid FROM pg_type t
		WHERE t.oid IN (SELECT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname IN (SELECT json_array_elements_text($1::json)) AND a.attnum > 0)
		UNION
		SELECT part.type, s.oid FROM part JOIN pg_type t ON t.oid = part.oid CROSS JOIN LATERAL (
			SELECT t.typelem WHERE t.typelem <> 0 AND t.typcategory = 'A'
			UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
			UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
			UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		) s (oid)
	), made AS MATERIALIZED (
		SELECT part.type, bool_or(t.oid IN ('timestamptz'::regtype, 'record'::regtype)) AS instants, bool_or(
			t.oid IN ('interval'::regtype, 'float4'::regtype, 'float8'::regtype, 'bytea'::regtype, 'money'::regtype, 'record'::regtype,
				'point'::regtype, 'line'::regtype, 'lseg'::regtype, 'box'::regtype, 'path'::regtype, 'polygon'::regtype, 'circle'::regtype)
			OR t.typname LIKE 'reg%' AND t.typnamespace = 'pg_catalog'::regnamespace
			OR t.typtype IN ('r', 'm') AND t.typname NOT IN ('int4range', 'int8range', 'numrange', 'int4multirange', 'int8multirange', 'nummultirange')
			OR t.typtype = 'b' AND t.typcategory <> 'A' AND t.typnamespace <> 'pg_catalog'::regnamespace) AS unsettled,
			bool_or(t.oid >= 16384 AND (t.typtype IN ('e', 'r', 'm', 'c') OR t.typtype = 'b' AND t.typcategory <> 'A'
				AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = t.typowner))) AS casts
		FROM part JOIN pg_type t ON t.oid = part.oid GROUP BY part.type
	), behind AS (
		SELECT t.oid AS type, t.oid, t.typtype, t.typbasetype, t.typnotnull FROM pg_type t JOIN made ON made.type = t.oid
		UNION ALL
		SELECT b.type, t.oid, t.typtype, t.typbasetype, b.typnotnull OR t.typnotnull FROM behind b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
	), base AS MATERIALIZED (
		SELECT b.type, format_type(b.oid, NULL) AS name, b.typtype = 'e' AS enum, b.typnotnull FROM behind b WHERE b.typtype <> 'd'
	)
	SELECT json_build_object(
		'OID', c.oid::bigint, 'Schema', n.nspname, 'Name', c.relname, 'Kind', c.relkind,
		'Partition', c.relispartition, 'Temporary', c.relpersistence = 't',
		'Policies', c.relrowsecurity, 'Parent', c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid),
		'Columns', (
			SELECT json_agg(json_build_object(
				'Name', a.attname, 'Type', format_type(a.atttypid, a.atttypmod), 'Base', base.name, 'Enum', base.enum,
				'NotNull', a.attnotnull OR base.typnotnull, 'Generated', a.attgenerated,
				'Loose', EXISTS (SELECT FROM pg_collation l WHERE l.oid = a.attcollation AND NOT l.collisdeterministic), 'Instants', made.instants, 'Unsettled', made.unsettled, 'Foreign', made.casts) ORDER BY a.attnum)
			FROM pg_attribute a JOIN base ON base.type = a.atttypid JOIN made ON made.type = a.atttypid
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
		'Keys', (
			SELECT json_agg(json_build_object(
				'Index', x.relname, 'Primary', i.indisprimary, 'Deferrable', NOT i.indimmediate,
				'Columns', (
					SELECT json_agg(a.attname ORDER BY k.place)
					FROM unnest(i.indkey::int[]) WITH ORDINALITY k (number, place) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
					WHERE k.place <= i.indnkeyatts)) ORDER BY i.indisprimary DESC, x.relname)
			FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
			WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL),
		'Branches', (
			SELECT json_agg(json_build_object('OID', p.oid::bigint, 'Schema', m.nspname, 'Name', p.relname, 'Kind', p.relkind) ORDER BY m.nspname, p.relname)
			FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid JOIN pg_namespace m ON m.oid = p.relnamespace
			WHERE c.relkind = 'p' AND tree.level > 0)
	)::text
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname IN (SELECT json_array_elements_text($1::json)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
	ORDER BY n.nspname, c.relname`

// catalog is what the database has in the schemas that declarations name.
type catalog struct{ relations []relation }

// readCatalog reads the relations of some schemas in one snapshot.
func readCatalog(ctx context.Context, tx *sql.Tx, schemas []string) (catalog, error) {
	names, err := json.Marshal(schemas)
	if err != nil {
		return catalog{}, fmt.Errorf("write the names of schemas: %w", err)
	}
	var all catalog
	err = eachText(ctx, tx, func(text string) error {
		var r relation
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return err
		}
		all.relations = append(all.relations, r)
		return nil
	}, relationsQuery, string(names))
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

-- The relations that $1 names, a JSON array of {"schema", "table"}, in which a table of null stands for all of the schema: each
-- as a JSON object whose fields are those of the Go type relation.

WITH RECURSIVE
wanted AS (SELECT n.oid AS namespace, w."table" FROM json_to_recordset($1::json) AS w ("schema" text, "table" text) JOIN pg_namespace n ON n.nspname = w."schema"),
-- Two branches, so that a table is found by an index.
relations AS MATERIALIZED (
    SELECT c.oid FROM wanted w JOIN pg_class c ON c.relnamespace = w.namespace AND c.relname = w."table" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION
    SELECT c.oid FROM wanted w JOIN pg_class c ON c.relnamespace = w.namespace WHERE w."table" IS NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
),
-- Each type of a column, with the types that its values are made of: itself, elements, fields, bounds, the type of a domain.
type_parts AS (
    SELECT t.oid AS type, t.oid FROM pg_type t
    WHERE t.oid IN (SELECT a.atttypid FROM relations JOIN pg_attribute a ON a.attrelid = relations.oid WHERE a.attnum > 0)
    UNION
    SELECT type_parts.type, s.oid FROM type_parts JOIN pg_type t ON t.oid = type_parts.oid CROSS JOIN LATERAL (
        SELECT t.typelem WHERE t.typelem <> 0 AND t.typcategory = 'A'
        UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
        UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
        UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) s (oid)
),
-- Of each type of a column: whether values hold times with a zone, whether their text depends on settings, and whether somebody
-- who is no superuser can make casts of them.
type_traits AS MATERIALIZED (
    SELECT type_parts.type, bool_or(t.oid IN ('timestamptz'::regtype, 'record'::regtype)) AS instants, bool_or(
        t.oid IN ('interval'::regtype, 'float4'::regtype, 'float8'::regtype, 'bytea'::regtype, 'money'::regtype, 'record'::regtype,
            'point'::regtype, 'line'::regtype, 'lseg'::regtype, 'box'::regtype, 'path'::regtype, 'polygon'::regtype, 'circle'::regtype)
        OR t.typname LIKE 'reg%' AND t.typnamespace = 'pg_catalog'::regnamespace
        OR t.typtype IN ('r', 'm') AND t.typname NOT IN ('int4range', 'int8range', 'numrange', 'int4multirange', 'int8multirange', 'nummultirange')
        OR t.typtype = 'b' AND t.typcategory <> 'A' AND t.typnamespace <> 'pg_catalog'::regnamespace) AS depends_on_settings,
        bool_or(t.oid >= 16384 AND (t.typtype IN ('e', 'r', 'm', 'c') OR t.typtype = 'b' AND t.typcategory <> 'A'
            AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = t.typowner))) AS casts
    FROM type_parts JOIN pg_type t ON t.oid = type_parts.oid GROUP BY type_parts.type
),
-- Of each type of a column, the fields of the composite types that its values are made of.
type_fields AS MATERIALIZED (
    SELECT type_parts.type, json_agg(format_type(t.oid, NULL) || '.' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
        ORDER BY format_type(t.oid, NULL) COLLATE "C", a.attnum) AS fields
    FROM type_parts JOIN pg_type t ON t.oid = type_parts.oid JOIN pg_attribute a ON a.attrelid = t.typrelid
    WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped GROUP BY type_parts.type
),
-- Each type of a column, with the domains and at last the type that it is defined over.
domain_chain AS (
    SELECT t.oid AS type, t.oid, t.typtype, t.typbasetype, t.typnotnull FROM pg_type t JOIN type_traits ON type_traits.type = t.oid
    UNION ALL
    SELECT b.type, t.oid, t.typtype, t.typbasetype, b.typnotnull OR t.typnotnull FROM domain_chain b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
),
-- The type at the end of each chain. It is NOT NULL if a domain of the chain is.
base_types AS MATERIALIZED (
    SELECT b.type, format_type(b.oid, NULL) AS name, b.typtype = 'e' AS enum, b.typnotnull,
        (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = b.oid) AS labels
    FROM domain_chain b WHERE b.typtype <> 'd'
)
SELECT json_build_object(
    'OID', c.oid::bigint, 'Schema', n.nspname, 'Name', c.relname, 'Kind', c.relkind,
    'Partition', c.relispartition, 'Temporary', c.relpersistence = 't',
    'Policies', c.relrowsecurity, 'Parent', c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid),
    'Child', NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid),
    'Subscribed', EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = c.oid),
    'Cascades', EXISTS (
        SELECT FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.confrelid = c.oid AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))),
    'Triggers', (
        SELECT json_agg(t.tgname ORDER BY t.tgname)
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 1 <> 0 AND t.tgtype & 66 = 0 AND p.pronamespace <> coalesce(to_regnamespace('rowcall'), 0)),
    -- Triggers fire in the order of their names: 0_rowcall_update is the last of Rowcall's that file rows.
    'Earlier', (
        SELECT json_agg(t.tgname ORDER BY t.tgname)
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 67 = 0 AND t.tgtype & 28 <> 0 AND t.tgname < '0_rowcall_update'
            AND p.pronamespace <> coalesce(to_regnamespace('rowcall'), 0)),
    'Columns', (
        SELECT json_agg(json_build_object(
            'Name', a.attname, 'Type', format_type(a.atttypid, a.atttypmod), 'Base', base_types.name, 'Enum', base_types.enum, 'Labels', base_types.labels,
            'Fields', (SELECT f.fields FROM type_fields f WHERE f.type = a.atttypid),
            'TypeOID', a.atttypid::bigint, 'Dimensions', a.attndims, 'NotNull', a.attnotnull OR base_types.typnotnull, 'Generated', a.attgenerated,
            'Recoded', getdatabaseencoding() NOT IN ('UTF8', 'SQL_ASCII', 'LATIN1'),
            'Nondeterministic', EXISTS (SELECT FROM pg_collation l WHERE l.oid = a.attcollation AND NOT l.collisdeterministic),
            'Instants', type_traits.instants, 'DependsOnSettings', type_traits.depends_on_settings, 'Foreign', type_traits.casts) ORDER BY a.attnum)
        FROM pg_attribute a JOIN base_types ON base_types.type = a.atttypid JOIN type_traits ON type_traits.type = a.atttypid
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
    'Partitions', (
        SELECT json_agg(json_build_object('OID', p.oid::bigint, 'Schema', m.nspname, 'Name', p.relname, 'Kind', p.relkind) ORDER BY m.nspname, p.relname)
        FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid JOIN pg_namespace m ON m.oid = p.relnamespace
        WHERE c.relkind = 'p' AND tree.level > 0)
)::text
FROM relations JOIN pg_class c ON c.oid = relations.oid JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY n.nspname, c.relname

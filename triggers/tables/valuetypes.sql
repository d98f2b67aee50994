-- The types in $1, a JSON array of OIDs, and all types that their values are made of: each as a JSON object whose fields are
-- those of the Go type ValueType.

WITH RECURSIVE parts AS (
    SELECT value::text::oid AS oid FROM json_array_elements($1::json)
    UNION
    SELECT s.oid FROM parts JOIN pg_type t ON t.oid = parts.oid CROSS JOIN LATERAL (
        SELECT t.typelem WHERE t.typsubscript = 'array_subscript_handler'::regproc
        UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
        UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) s (oid)
)
SELECT json_build_object(
    'OID', t.oid::bigint, 'Schema', n.nspname, 'Name', t.typname,
    'Element', CASE WHEN t.typsubscript = 'array_subscript_handler'::regproc THEN t.typelem::bigint ELSE 0 END,
    'Domain', t.typtype = 'd', 'Behind', t.typbasetype::bigint, 'NotNull', t.typnotnull, 'Dimensions', t.typndims,
    -- to_json calls a cast to json. Those of types that others own are not called: see rowcall.json_by_output.
    'JSON', t.oid IN ('json'::regtype, 'jsonb'::regtype)
        OR t.oid >= 16384 AND t.typtype = 'b' AND (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = t.typowner)
            AND EXISTS (SELECT FROM pg_cast c WHERE c.castsource = t.oid AND c.casttarget = 'json'::regtype AND c.castmethod = 'f'),
    'Enum', t.typtype = 'e',
    'Labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
    'Composite', t.typtype = 'c',
    'Fields', (
        SELECT json_agg(json_build_object('Name', a.attname, 'TypeOID', a.atttypid::bigint, 'Dimensions', a.attndims) ORDER BY a.attnum)
        FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))::text
FROM (SELECT DISTINCT parts.oid FROM parts) p JOIN pg_type t ON t.oid = p.oid JOIN pg_namespace n ON n.oid = t.typnamespace
ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"

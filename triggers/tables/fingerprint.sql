-- A text that changes when something changes in the catalog that Resolve or Plan could tell of declared tables. $1 names them as
-- in catalog.sql. It is cheap: a few look-ups by index for each table, whatever else the database holds.
--
-- A row of the catalog counts with its xmin, the transaction that wrote it, where it has no other reason to be written again.
-- Rows of pg_class do: TRUNCATE and VACUUM write them. Names that stand in other rows than that of their relation count by
-- themselves: those of schemas, indexes, owners, and of what a trigger executes.

WITH RECURSIVE
wanted AS (SELECT n.oid AS namespace, w."table" FROM json_to_recordset($1::json) AS w ("schema" text, "table" text) JOIN pg_namespace n ON n.nspname = w."schema"),
-- The tables, with all that inherit from them: partitions too.
relations (oid) AS (
    SELECT c.oid FROM wanted w JOIN pg_class c ON c.relnamespace = w.namespace AND c.relname = w."table"
    UNION
    SELECT c.oid FROM wanted w JOIN pg_class c ON c.relnamespace = w.namespace WHERE w."table" IS NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION
    SELECT i.inhrelid FROM relations JOIN pg_inherits i ON i.inhparent = relations.oid
),
-- The types of their columns that are not PostgreSQL's own, with the types that these are made of.
types (oid) AS (
    SELECT a.atttypid FROM relations JOIN pg_attribute a ON a.attrelid = relations.oid WHERE a.attnum > 0 AND a.atttypid >= 16384
    UNION
    SELECT part.oid FROM types JOIN pg_type t ON t.oid = types.oid CROSS JOIN LATERAL (
        SELECT t.typelem
        UNION ALL SELECT t.typbasetype
        UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
        UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
    ) part (oid) WHERE part.oid >= 16384
),
functions AS (
    SELECT d.objid AS oid FROM pg_namespace n JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid = 'pg_proc'::regclass
    WHERE n.nspname = 'rowcall'
),
facts (fact) AS (
    SELECT concat_ws(' ', 'namespace', n.oid, n.nspname, n.nspowner, pg_get_userbyid(n.nspowner)) FROM pg_namespace n WHERE n.nspname = 'rowcall' OR n.oid IN (SELECT namespace FROM wanted)
    UNION ALL SELECT concat_ws(' ', 'relation', c.oid, c.relname, n.nspname, c.relkind, c.relispartition, c.relpersistence, c.relrowsecurity, pg_get_userbyid(c.relowner))
        FROM relations JOIN pg_class c ON c.oid = relations.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION ALL SELECT concat_ws(' ', 'inherits', i.inhparent, i.inhrelid, i.xmin) FROM relations JOIN pg_inherits i ON i.inhparent = relations.oid
    UNION ALL SELECT concat_ws(' ', 'heir', i.inhparent, i.inhrelid, i.xmin) FROM relations JOIN pg_inherits i ON i.inhrelid = relations.oid
    UNION ALL SELECT concat_ws(' ', 'subscribed', s.srsubid, s.srrelid) FROM relations JOIN pg_subscription_rel s ON s.srrelid = relations.oid
    UNION ALL SELECT concat_ws(' ', 'column', a.attrelid, a.attnum, a.xmin) FROM relations JOIN pg_attribute a ON a.attrelid = relations.oid WHERE a.attnum > 0
    UNION ALL SELECT concat_ws(' ', 'index', i.indexrelid, x.relname, i.xmin) FROM relations JOIN pg_index i ON i.indrelid = relations.oid JOIN pg_class x ON x.oid = i.indexrelid
    UNION ALL SELECT concat_ws(' ', 'reference', k.oid, k.xmin) FROM relations JOIN pg_constraint k ON k.conrelid = relations.oid WHERE k.confrelid = k.conrelid
    UNION ALL SELECT concat_ws(' ', 'trigger', t.oid, n.nspname, p.proname, t.xmin) FROM relations JOIN pg_trigger t ON t.tgrelid = relations.oid
        JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
    UNION ALL SELECT concat_ws(' ', 'type', t.oid, n.nspname, r.rolsuper, t.xmin) FROM types JOIN pg_type t ON t.oid = types.oid
        JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_roles r ON r.oid = t.typowner
    UNION ALL SELECT concat_ws(' ', 'label', e.oid, e.xmin) FROM types JOIN pg_enum e ON e.enumtypid = types.oid
    UNION ALL SELECT concat_ws(' ', 'field', a.attrelid, a.attnum, a.xmin) FROM types JOIN pg_type t ON t.oid = types.oid JOIN pg_attribute a ON a.attrelid = t.typrelid
        WHERE t.typtype = 'c' AND a.attnum > 0
    UNION ALL SELECT concat_ws(' ', 'function', p.oid, p.xmin) FROM functions JOIN pg_proc p ON p.oid = functions.oid
    UNION ALL SELECT concat_ws(' ', 'comment', d.objoid, d.xmin) FROM functions JOIN pg_description d ON d.objoid = functions.oid AND d.classoid = 'pg_proc'::regclass
    -- Triggers that execute one of the functions, on whichever table.
    UNION ALL SELECT concat_ws(' ', 'caller', t.oid, n.nspname, c.relname, t.xmin) FROM functions
        JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = functions.oid AND d.classid = 'pg_trigger'::regclass JOIN pg_trigger t ON t.oid = d.objid
        JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT count(*) || ' ' || coalesce(sum(hashtextextended(fact, 0)), 0) FROM facts

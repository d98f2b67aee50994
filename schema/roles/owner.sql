-- Everything in schema rowcall belongs to the schema's owner. It runs before the migrations, which that role applies,
-- and after them. Only what differs is touched.

DO $$
DECLARE
    item record;
BEGIN
    -- An owner changes once, before anybody writes; an owner that changes later must not make writers wait.
    PERFORM set_config('lock_timeout', '2s', true);

    -- Sequences of identity columns follow their tables.
    FOR item IN
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name, o.rolname AS owner
        FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner JOIN pg_class c ON c.relnamespace = n.oid
        WHERE n.nspname = 'rowcall' AND c.relkind IN ('r', 'p', 'S') AND c.relowner <> n.nspowner
          AND NOT EXISTS (SELECT FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i' AND c.relkind = 'S')
        UNION ALL
        SELECT 'ROUTINE', p.oid::regprocedure::text, o.rolname
        FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner JOIN pg_proc p ON p.pronamespace = n.oid
        WHERE n.nspname = 'rowcall' AND p.proowner <> n.nspowner
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO %I', item.kind, item.name, item.owner);
    END LOOP;
END $$;

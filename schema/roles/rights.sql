-- After the migrations: who owns schema rowcall and who may do what there. Only what differs is touched,
-- so that a second run locks nothing.

DO $$
DECLARE
    item record;
BEGIN
    -- An owner changes once, before anybody writes, or when the roles come later: then not in front of writers.
    PERFORM set_config('lock_timeout', '2s', true);

    -- The owner, where the migrating role acts for it. Sequences of identity columns follow their tables.
    IF pg_has_role(to_regrole('rowcall_owner'), 'USAGE') THEN
        IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'rowcall' AND n.nspowner <> 'rowcall_owner'::regrole) THEN
            ALTER SCHEMA rowcall OWNER TO rowcall_owner;
        END IF;
        FOR item IN
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name
            FROM pg_class c
            WHERE c.relnamespace = 'rowcall'::regnamespace AND c.relkind IN ('r', 'p', 'S')
              AND c.relowner <> 'rowcall_owner'::regrole
              AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i' AND c.relkind = 'S')
            UNION ALL
            SELECT 'ROUTINE', p.oid::regprocedure::text
            FROM pg_proc p
            WHERE p.pronamespace = 'rowcall'::regnamespace AND p.proowner <> 'rowcall_owner'::regrole
        LOOP
            EXECUTE format('ALTER %s %s OWNER TO rowcall_owner', item.kind, item.name);
        END LOOP;
    END IF;

    -- Nothing is for everybody, whatever default privileges the database has.
    FOR item IN
        SELECT c.oid::regclass::text AS name
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.relnamespace = 'rowcall'::regnamespace AND c.relkind IN ('r', 'p', 'S') AND a.grantee = 0
        GROUP BY c.oid
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', item.name);
    END LOOP;

    FOR item IN
        SELECT r.name FROM (VALUES ('rowcall_publisher'), ('rowcall_reader'), ('rowcall_server'), ('rowcall_app')) r (name)
        WHERE NOT has_schema_privilege(to_regrole(r.name), 'rowcall', 'USAGE')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA rowcall TO %I', item.name);
    END LOOP;

    -- A node reads the log and what goes with it, sees whether migrations are pending, and keeps sessions.
    FOR item IN
        SELECT p.privilege, p.name
        FROM (VALUES ('log', 'SELECT'), ('floor', 'SELECT'), ('boot', 'SELECT'), ('slot', 'SELECT'),
                     ('gate', 'SELECT'), ('alive', 'SELECT'), ('core_migrations', 'SELECT'), ('apps_migrations', 'SELECT'),
                     ('sessions', 'SELECT'), ('sessions', 'INSERT'), ('sessions', 'UPDATE'), ('sessions', 'DELETE')) p (name, privilege)
        WHERE NOT has_table_privilege(to_regrole('rowcall_server'), to_regclass('rowcall.' || p.name), p.privilege)
    LOOP
        EXECUTE format('GRANT %s ON rowcall.%I TO rowcall_server', item.privilege, item.name);
    END LOOP;
END $$;

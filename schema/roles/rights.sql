-- After the migrations: who may do what in schema rowcall. Only what differs is touched, so that a second run locks
-- nothing.

DO $$
DECLARE
    item record;
BEGIN
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
        FROM (VALUES ('log', 'SELECT'), ('floor', 'SELECT'), ('boot', 'SELECT'), ('server_run', 'SELECT'), ('state', 'SELECT'),
                     ('core_migrations', 'SELECT'), ('apps_migrations', 'SELECT'),
                     ('sessions', 'SELECT'), ('sessions', 'INSERT'), ('sessions', 'UPDATE'), ('sessions', 'DELETE')) p (name, privilege)
        WHERE NOT has_table_privilege(to_regrole('rowcall_server'), to_regclass('rowcall.' || p.name), p.privilege)
    LOOP
        EXECUTE format('GRANT %s ON rowcall.%I TO rowcall_server', item.privilege, item.name);
    END LOOP;
END $$;

-- Before the migrations: the roles, where the migrating role may create them, and the schema.

DO $$
DECLARE
    may  boolean := (SELECT r.rolsuper OR r.rolcreaterole FROM pg_catalog.pg_roles r WHERE r.rolname = current_user);
    name text;
BEGIN
    -- rowcall_owner owns the schema, and nobody logs in as it. The others are granted by hand: publisher
    -- may publish, reader may ask for cursors, and server is what a node needs. app is who a node becomes
    -- while it serves resources and calls functions for a user.
    FOREACH name IN ARRAY ARRAY['rowcall_owner', 'rowcall_publisher', 'rowcall_reader', 'rowcall_server', 'rowcall_app'] LOOP
        IF may AND to_regrole(name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of the server is migrated at this moment
            END;
        END IF;
    END LOOP;

    -- Who migrates acts for the owner, and may serve. A role that another one made may refuse that.
    FOREACH name IN ARRAY ARRAY['rowcall_owner', 'rowcall_app'] LOOP
        IF NOT pg_has_role(to_regrole(name), 'USAGE') THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER', name);
            EXCEPTION WHEN insufficient_privilege THEN
                NULL;  -- then the migrating role owns the schema, and serves no resources
            END;
        END IF;
    END LOOP;

    -- Who is in rowcall_server may become rowcall_app, but has none of its rights in his own name: rights are
    -- not handed on by a role that does not inherit them itself.
    BEGIN
        IF (SELECT r.rolinherit FROM pg_catalog.pg_roles r WHERE r.rolname = 'rowcall_server') THEN
            ALTER ROLE rowcall_server NOINHERIT;
        END IF;
        IF NOT pg_has_role(to_regrole('rowcall_server'), to_regrole('rowcall_app'), 'MEMBER') THEN
            GRANT rowcall_app TO rowcall_server;
        END IF;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;  -- then who serves resources is granted rowcall_app by hand
              WHEN internal_error OR unique_violation THEN
        NULL;  -- another database of the server is migrated at this moment
    END;

    IF to_regnamespace('rowcall') IS NULL THEN
        CREATE SCHEMA rowcall;
    END IF;
END $$;

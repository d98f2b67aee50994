-- Before the migrations: the roles, where the migrating role may create them. It runs in one transaction with the
-- survey, so that a refusal leaves nothing behind.

DO $$
DECLARE
    may     boolean := (SELECT r.rolsuper OR r.rolcreaterole FROM pg_catalog.pg_roles r WHERE r.rolname = current_user);
    -- Since PostgreSQL 16 a membership says by itself whether it lets its holder use the role's rights, and become the role.
    modern  boolean := current_setting('server_version_num')::integer >= 160000;
    become  text    := CASE WHEN modern THEN 'SET' ELSE 'MEMBER' END;
    without text    := CASE WHEN modern THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
    name    text;
BEGIN
    -- rowcall_owner owns the schema, and nobody logs in as it. The others are granted by hand: publisher may
    -- publish, reader may ask for cursors, and server is what a node needs. A node becomes app while it serves
    -- resources and calls functions for a user.
    FOREACH name IN ARRAY ARRAY['rowcall_owner', 'rowcall_publisher', 'rowcall_reader', 'rowcall_server', 'rowcall_app'] LOOP
        IF may AND to_regrole(name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of the server is migrated at this moment
            END;
        END IF;
    END LOOP;

    -- The migrating role acts for rowcall_owner, unless the schema belongs to another role and stays with it. A role
    -- that somebody else has created may refuse that; then the migrating role owns the schema itself.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
                   WHERE n.nspname = 'rowcall' AND r.rolname <> 'rowcall_owner' AND NOT r.rolsuper)
        AND NOT (pg_has_role(to_regrole('rowcall_owner'), 'USAGE') AND pg_has_role(to_regrole('rowcall_owner'), become)) THEN
        BEGIN
            EXECUTE 'GRANT rowcall_owner TO CURRENT_USER' || CASE WHEN modern THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END;
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END IF;

    -- The migrating role may serve: become rowcall_app, without having its rights otherwise.
    IF NOT pg_has_role(to_regrole('rowcall_app'), become) THEN
        BEGIN
            EXECUTE 'GRANT rowcall_app TO CURRENT_USER' || without;
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END IF;

    -- A member of rowcall_server may become rowcall_app, but has none of its rights without doing so: rights are not
    -- handed on by a role that does not inherit them itself.
    BEGIN
        IF (SELECT r.rolinherit FROM pg_catalog.pg_roles r WHERE r.rolname = 'rowcall_server') THEN
            ALTER ROLE rowcall_server NOINHERIT;
        END IF;
        IF NOT pg_has_role(to_regrole('rowcall_server'), to_regrole('rowcall_app'), become)
            OR pg_has_role(to_regrole('rowcall_server'), to_regrole('rowcall_app'), 'USAGE') THEN
            EXECUTE 'GRANT rowcall_app TO rowcall_server' || without;
        END IF;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;  -- the survey finds out, and the log says so
              WHEN internal_error OR unique_violation THEN
        NULL;  -- another database of the server is migrated at this moment
    END;
END $$;

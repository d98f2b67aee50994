-- Rights to the apps' tables, which belong to the migrating role. Only what is missing is granted.

DO $$
DECLARE
    item record;
BEGIN
    -- A node answers who may follow what, logs users in, and reads snapshots.
    FOR item IN
        SELECT t.name
        FROM (VALUES ('users'), ('chat_rooms'), ('chat_room_members'), ('chat_messages'), ('chat_join_requests'),
                     ('patients'), ('dams'), ('hydrographs'), ('hydrograph_points'), ('job_postings')) t (name)
        WHERE NOT has_table_privilege(to_regrole('rowcall_server'), 'public.' || t.name, 'SELECT')
    LOOP
        EXECUTE format('GRANT SELECT ON public.%I TO rowcall_server', item.name);
    END LOOP;

    -- The trigger functions run as the owner of schema rowcall: what they look up, and the membership that
    -- admitting makes. Of users they see no password.
    FOR item IN
        SELECT n.nspowner::regrole::text AS owner FROM pg_namespace n
        WHERE n.nspname = 'rowcall' AND NOT (has_column_privilege(n.nspowner, 'public.users', 'username', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.chat_rooms', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.chat_room_members', 'SELECT')
            AND has_table_privilege(n.nspowner, 'public.chat_room_members', 'INSERT'))
    LOOP
        EXECUTE format('GRANT SELECT (id, username, first_name, last_name) ON public.users TO %s', item.owner);
        EXECUTE format('GRANT SELECT ON public.chat_rooms TO %s', item.owner);
        EXECUTE format('GRANT SELECT, INSERT ON public.chat_room_members TO %s', item.owner);
    END LOOP;
END $$;

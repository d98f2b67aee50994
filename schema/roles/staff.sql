-- Who sees which accounts, and what staff may do: rules for roles, made once like those in policies.sql. They
-- are beside the others, so whoever may do a thing by one of those still may.

DO $$
DECLARE
    name text;
BEGIN
    IF to_regrole('rowcall_app') IS NULL OR to_regrole('rowcall_server') IS NULL
        OR EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'public' AND 'rowcall_app' = ANY (p.roles)
                   AND p.tablename = 'users') THEN
        RETURN;
    END IF;
    PERFORM set_config('lock_timeout', '2s', true);

    CREATE POLICY nodes ON public.users FOR SELECT TO rowcall_server
        USING ((SELECT current_user <> 'rowcall_app'));

    -- Accounts: seen by themselves and by those they share a room with. IN, not ANY (ARRAY): who is in many
    -- rooms knows thousands, and these are hashed.
    CREATE POLICY see ON public.users FOR SELECT TO rowcall_app
        USING (id IN (SELECT rowcall.chat_my_people()));

    -- Staff see and write every row, as far as the columns are granted.
    FOREACH name IN ARRAY ARRAY['users', 'chat_rooms', 'chat_room_members', 'chat_messages', 'chat_join_requests',
                                'patients', 'dams', 'hydrographs', 'hydrograph_points', 'job_postings'] LOOP
        EXECUTE format('CREATE POLICY staff ON public.%I TO rowcall_app USING ((SELECT rowcall.staff()))', name);
    END LOOP;
END $$;

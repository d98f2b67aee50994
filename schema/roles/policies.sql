-- Which rows of the apps' tables users see and write. These rules are for roles, which may come later than
-- the tables: they are made once, when the roles are there. To change one, drop it in a migration.
--
-- What a policy asks once for a statement stands in a SELECT of its own.

DO $$
DECLARE
    name text;
BEGIN
    IF to_regrole('rowcall_app') IS NULL OR to_regrole('rowcall_server') IS NULL
        OR EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'public' AND 'rowcall_app' = ANY (p.roles)
                   AND p.tablename = 'chat_rooms') THEN
        RETURN;
    END IF;
    PERFORM set_config('lock_timeout', '2s', true);

    -- A node's own role may be one that inherits from rowcall_app. It reads all the same, to answer who may
    -- follow what.
    FOREACH name IN ARRAY ARRAY['chat_rooms', 'chat_room_members', 'chat_messages', 'chat_join_requests',
                                'patients', 'dams', 'hydrographs', 'hydrograph_points', 'job_postings'] LOOP
        EXECUTE format('CREATE POLICY nodes ON public.%I FOR SELECT TO rowcall_server
            USING ((SELECT current_user <> ''rowcall_app''))', name);
    END LOOP;

    -- Rooms: seen by those in them, changed by their owner, who may hand them to a member.
    CREATE POLICY see ON public.chat_rooms FOR SELECT TO rowcall_app
        USING (owner_id = (SELECT rowcall.me()) OR id = ANY (ARRAY(SELECT rowcall.chat_my_rooms())) OR (SELECT rowcall.staff()));
    CREATE POLICY open ON public.chat_rooms FOR INSERT TO rowcall_app
        WITH CHECK (owner_id = (SELECT rowcall.me()));
    CREATE POLICY change ON public.chat_rooms FOR UPDATE TO rowcall_app
        USING (owner_id = (SELECT rowcall.me()))
        WITH CHECK (owner_id = (SELECT rowcall.me()) OR rowcall.chat_is_member(id, owner_id));
    CREATE POLICY close ON public.chat_rooms FOR DELETE TO rowcall_app
        USING (owner_id = (SELECT rowcall.me()));

    -- Members: admitted by a trigger, not by hand. An owner may step among them, to hand the room over;
    -- members leave, and the owner removes them.
    CREATE POLICY see ON public.chat_room_members FOR SELECT TO rowcall_app
        USING (room_id = ANY (ARRAY(SELECT rowcall.chat_my_rooms())) OR (SELECT rowcall.staff()));
    CREATE POLICY step_down ON public.chat_room_members FOR INSERT TO rowcall_app
        WITH CHECK (user_id = (SELECT rowcall.me()) AND room_id = ANY (ARRAY(SELECT rowcall.chat_owned_rooms())));
    CREATE POLICY leave ON public.chat_room_members FOR DELETE TO rowcall_app
        USING (user_id = (SELECT rowcall.me()) OR room_id = ANY (ARRAY(SELECT rowcall.chat_owned_rooms())));

    -- Messages: said by those in the room, as themselves; taken back by them or by the owner.
    CREATE POLICY see ON public.chat_messages FOR SELECT TO rowcall_app
        USING (room_id = ANY (ARRAY(SELECT rowcall.chat_my_rooms())) OR (SELECT rowcall.staff()));
    CREATE POLICY say ON public.chat_messages FOR INSERT TO rowcall_app
        WITH CHECK (sender_id = (SELECT rowcall.me()) AND room_id = ANY (ARRAY(SELECT rowcall.chat_my_rooms())));
    CREATE POLICY edit ON public.chat_messages FOR UPDATE TO rowcall_app
        USING (sender_id = (SELECT rowcall.me()) AND room_id = ANY (ARRAY(SELECT rowcall.chat_my_rooms())));
    CREATE POLICY take_back ON public.chat_messages FOR DELETE TO rowcall_app
        USING (sender_id = (SELECT rowcall.me()) AND room_id = ANY (ARRAY(SELECT rowcall.chat_my_rooms()))
            OR room_id = ANY (ARRAY(SELECT rowcall.chat_owned_rooms())));

    -- Join requests: made for oneself with the room's join code, answered by the room's owner.
    CREATE POLICY see ON public.chat_join_requests FOR SELECT TO rowcall_app
        USING (user_id = (SELECT rowcall.me()) OR room_id = ANY (ARRAY(SELECT rowcall.chat_owned_rooms())) OR (SELECT rowcall.staff()));
    CREATE POLICY ask ON public.chat_join_requests FOR INSERT TO rowcall_app
        WITH CHECK (user_id = (SELECT rowcall.me()) AND status = 'pending' AND rowcall.chat_code_fits(room_id));
    CREATE POLICY answer ON public.chat_join_requests FOR UPDATE TO rowcall_app
        USING (room_id = ANY (ARRAY(SELECT rowcall.chat_owned_rooms())))
        WITH CHECK (room_id = ANY (ARRAY(SELECT rowcall.chat_owned_rooms())) AND status IN ('admitted', 'denied'));

    -- Patients: for whoever is logged in.
    CREATE POLICY use ON public.patients TO rowcall_app
        USING ((SELECT rowcall.me()) IS NOT NULL);

    -- Dams and what belongs to them: seen by everybody, written by whoever is logged in.
    CREATE POLICY see ON public.dams FOR SELECT TO rowcall_app USING (true);
    CREATE POLICY write ON public.dams TO rowcall_app USING ((SELECT rowcall.me()) IS NOT NULL);
    CREATE POLICY see ON public.hydrographs FOR SELECT TO rowcall_app USING (true);
    CREATE POLICY write ON public.hydrographs TO rowcall_app USING ((SELECT rowcall.me()) IS NOT NULL);
    CREATE POLICY see ON public.hydrograph_points FOR SELECT TO rowcall_app USING (true);
    CREATE POLICY write ON public.hydrograph_points TO rowcall_app USING ((SELECT rowcall.me()) IS NOT NULL);

    -- Jobs: seen by the user they belong to. They are started by a function.
    CREATE POLICY see ON public.job_postings FOR SELECT TO rowcall_app
        USING (user_id = (SELECT rowcall.me()) OR (SELECT rowcall.staff()));
END $$;

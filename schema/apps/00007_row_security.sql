-- Who sees and writes which rows, of those who come through resources and functions: these run as role
-- rowcall_app with the user's id in rowcall.user_id and whether they are staff in rowcall.is_staff. Nobody
-- else is restricted by this. A role needs no more than the usual rights to write these tables, with one
-- exception that is PostgreSQL's: COPY FROM into a table with row-level security is for its owner, for
-- superusers and for roles with BYPASSRLS.

-- +goose Up

-- What policies ask. Only their signatures belong to the past, so here they say no; the installation of
-- triggers, which follows every migration, gives them their present bodies. Those that look into tables do
-- so with their owner's rights: a policy that read a table with policies of its own would go round in circles.

CREATE FUNCTION rowcall.me()                                         -- the user's id; NULL when anonymous
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT NULL::bigint';

CREATE FUNCTION rowcall.staff()                                      -- whether the user is staff
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT false';

CREATE FUNCTION rowcall.chat_my_rooms()                              -- those the user owns or is a member of
RETURNS SETOF bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT NULL::bigint WHERE false';

CREATE FUNCTION rowcall.chat_owned_rooms()
RETURNS SETOF bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT NULL::bigint WHERE false';

CREATE FUNCTION rowcall.chat_is_member(room bigint, person bigint)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT false';

CREATE FUNCTION rowcall.chat_code_fits(room bigint)                  -- whether rowcall.join_code opens the room
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT false';

REVOKE ALL ON FUNCTION rowcall.me, rowcall.staff, rowcall.chat_my_rooms, rowcall.chat_owned_rooms,
    rowcall.chat_is_member, rowcall.chat_code_fits FROM PUBLIC;

-- Everybody but rowcall_app, and those who act for it, stays where the grants leave them. A node's own
-- role may be one that acts for it: it reads all the same, to answer who may follow what.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['chat_rooms', 'chat_room_members', 'chat_messages', 'chat_join_requests',
                                'patients', 'dams', 'hydrographs', 'hydrograph_points', 'job_postings'] LOOP
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY others ON public.%I
            USING ((SELECT NOT coalesce(pg_has_role(to_regrole(''rowcall_app''), ''USAGE''), false)))', name);
        IF to_regrole('rowcall_server') IS NOT NULL THEN
            EXECUTE format('CREATE POLICY nodes ON public.%I FOR SELECT TO rowcall_server
                USING ((SELECT current_user <> ''rowcall_app''))', name);
        END IF;
    END LOOP;
END $$;
-- +goose StatementEnd

-- The rules themselves. What a policy asks once for a statement stands in a SELECT of its own. Where the
-- migrating role may not create roles there is no rowcall_app, and nothing to say.
-- +goose StatementBegin
DO $$
BEGIN
    IF to_regrole('rowcall_app') IS NULL THEN
        RETURN;
    END IF;

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
-- +goose StatementEnd

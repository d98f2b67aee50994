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

-- Everybody but rowcall_app, and those who inherit from it, stays where the grants leave them. What
-- rowcall_app itself sees and writes is in roles/policies.sql; until then, nothing.
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
    END LOOP;
END $$;
-- +goose StatementEnd

-- What the policies of the apps' tables ask; schema/roles/policies.sql has the policies.
--
-- A node that serves resources and functions says in its transaction who the user is: rowcall.user_id and
-- rowcall.is_staff. Functions that look into tables do so with their owner's rights. The owner is
-- not subject to the policies, and so neither are these functions nor the trigger functions; a policy that
-- asked its own table through itself would never come to an end.

CREATE OR REPLACE FUNCTION rowcall.me()
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('rowcall.user_id', true), '')::bigint
$$;

CREATE OR REPLACE FUNCTION rowcall.staff()
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(current_setting('rowcall.is_staff', true), '') = 'true'
$$;

-- The rooms that the user owns or is a member of.
CREATE OR REPLACE FUNCTION rowcall.chat_my_rooms()
RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.id FROM public.chat_rooms r WHERE r.owner_id = rowcall.me()
    UNION SELECT m.room_id FROM public.chat_room_members m WHERE m.user_id = rowcall.me()
$$;

CREATE OR REPLACE FUNCTION rowcall.chat_owned_rooms()
RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.id FROM public.chat_rooms r WHERE r.owner_id = rowcall.me()
$$;

CREATE OR REPLACE FUNCTION rowcall.chat_is_member(room bigint, person bigint)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.chat_room_members m WHERE m.room_id = room AND m.user_id = person)
$$;

-- Whom the user may know of: themselves, the owners and members of their rooms, and those who ask to join a
-- room of theirs. Whoever is not logged in knows nobody.
CREATE OR REPLACE FUNCTION rowcall.chat_my_people()
RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH mine AS MATERIALIZED (SELECT rowcall.chat_my_rooms() AS id)
    SELECT rowcall.me()
    UNION SELECT r.owner_id FROM public.chat_rooms r WHERE r.id IN (SELECT m.id FROM mine m)
    UNION SELECT m.user_id FROM public.chat_room_members m WHERE m.room_id IN (SELECT i.id FROM mine i)
    UNION SELECT q.user_id FROM public.chat_join_requests q JOIN public.chat_rooms r ON r.id = q.room_id
          WHERE r.owner_id = rowcall.me()
$$;

-- Whether the code that the user has brought, in rowcall.join_code, is the room's.
CREATE OR REPLACE FUNCTION rowcall.chat_code_fits(room bigint)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.chat_rooms r
                   WHERE r.id = room AND r.join_code = current_setting('rowcall.join_code', true))
$$;

-- The room that a code opens, for one who does not see it yet.
CREATE OR REPLACE FUNCTION rowcall.chat_room_of(code text, OUT id bigint, OUT title text)
RETURNS record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.id, r.title FROM public.chat_rooms r WHERE r.join_code = code AND code <> '' ORDER BY r.id LIMIT 1
$$;

DO $$
BEGIN
    IF to_regrole('rowcall_app') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.me, rowcall.staff, rowcall.chat_my_rooms, rowcall.chat_owned_rooms,
            rowcall.chat_is_member, rowcall.chat_my_people, rowcall.chat_code_fits, rowcall.chat_room_of TO rowcall_app;
    END IF;
END $$;

-- What users do to rooms besides reading and writing rows. Each runs with the user's rights, so that the
-- policies decide; what it adds is a sentence for one who may not. A function refuses with an error code of
-- the form RC404: the number is the HTTP status, and the message is shown to the user.

-- Asking to be let into the room that a code opens. One who is waiting already is not put in line twice.
CREATE OR REPLACE FUNCTION rowcall.chat_join_by_code(code text)
RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    room    record;
    request bigint;
BEGIN
    SELECT r.id, r.title INTO room FROM rowcall.chat_room_of(btrim(code)) r;
    IF room.id IS NULL THEN
        RAISE EXCEPTION 'no room has this code' USING ERRCODE = 'RC404';
    END IF;
    IF room.id IN (SELECT rowcall.chat_my_rooms()) THEN
        RAISE EXCEPTION 'you are in this room already' USING ERRCODE = 'RC409';
    END IF;
    request := (SELECT q.id FROM public.chat_join_requests q
                WHERE q.room_id = room.id AND q.user_id = rowcall.me() AND q.status = 'pending' ORDER BY q.id LIMIT 1);
    IF request IS NULL THEN
        PERFORM set_config('rowcall.join_code', btrim(code), true);
        INSERT INTO public.chat_join_requests (room_id, user_id) VALUES (room.id, rowcall.me()) RETURNING id INTO request;
    END IF;
    RETURN json_build_object('id', request, 'room_id', room.id, 'title', room.title, 'status', 'pending');
END $$;

-- Opening a room of one's own. Without a code it gets one.
CREATE OR REPLACE FUNCTION rowcall.chat_create_room(title text, join_code text DEFAULT NULL)
RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    room public.chat_rooms;
BEGIN
    IF title IS NULL OR length(btrim(title)) NOT BETWEEN 1 AND 50 THEN
        RAISE EXCEPTION 'a title has 1 to 50 characters' USING ERRCODE = 'RC400';
    END IF;
    IF join_code IS NULL THEN
        INSERT INTO public.chat_rooms (owner_id, title) VALUES (rowcall.me(), btrim(title)) RETURNING * INTO room;
    ELSIF length(btrim(join_code)) NOT BETWEEN 4 AND 32 THEN
        RAISE EXCEPTION 'a join code has 4 to 32 characters' USING ERRCODE = 'RC400';
    ELSE
        INSERT INTO public.chat_rooms (owner_id, title, join_code)
        VALUES (rowcall.me(), btrim(title), btrim(join_code)) RETURNING * INTO room;
    END IF;
    RETURN json_build_object('id', room.id, 'owner_id', room.owner_id, 'title', room.title, 'join_code', room.join_code);
END $$;

-- Leaving a room. An owner hands it over first.
CREATE OR REPLACE FUNCTION rowcall.chat_leave_room(room_id bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF room_id IN (SELECT rowcall.chat_owned_rooms()) THEN
        RAISE EXCEPTION 'hand the room over first' USING ERRCODE = 'RC409';
    END IF;
    DELETE FROM public.chat_room_members m WHERE m.room_id = chat_leave_room.room_id AND m.user_id = rowcall.me();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'you are not in this room' USING ERRCODE = 'RC404';
    END IF;
END $$;

-- Sending a member away, for the owner.
CREATE OR REPLACE FUNCTION rowcall.chat_remove_member(room_id bigint, user_id bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.chat_require_owner(room_id);
    DELETE FROM public.chat_room_members m
    WHERE m.room_id = chat_remove_member.room_id AND m.user_id = chat_remove_member.user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this user is not a member' USING ERRCODE = 'RC404';
    END IF;
END $$;

-- Giving a room to one of its members. Who owned it stays as a member.
CREATE OR REPLACE FUNCTION rowcall.chat_hand_over(room_id bigint, user_id bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.chat_require_owner(room_id);
    IF NOT rowcall.chat_is_member(room_id, user_id) THEN
        RAISE EXCEPTION 'only a member can take the room over' USING ERRCODE = 'RC409';
    END IF;
    INSERT INTO public.chat_room_members (room_id, user_id) VALUES (chat_hand_over.room_id, rowcall.me())
    ON CONFLICT DO NOTHING;
    UPDATE public.chat_rooms r SET owner_id = chat_hand_over.user_id WHERE r.id = chat_hand_over.room_id;
END $$;

-- One who is not in a room is not told whether there is one.
CREATE OR REPLACE FUNCTION rowcall.chat_require_owner(room bigint)
RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF room IN (SELECT rowcall.chat_owned_rooms()) THEN
        RETURN;
    END IF;
    IF room IN (SELECT rowcall.chat_my_rooms()) THEN
        RAISE EXCEPTION 'only the owner of the room may do this' USING ERRCODE = 'RC403';
    END IF;
    RAISE EXCEPTION 'you are not in this room' USING ERRCODE = 'RC404';
END $$;

DO $$
BEGIN
    IF to_regrole('rowcall_app') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.chat_join_by_code, rowcall.chat_create_room, rowcall.chat_leave_room,
            rowcall.chat_remove_member, rowcall.chat_hand_over, rowcall.chat_require_owner TO rowcall_app;
    END IF;
END $$;

-- Chat: one function per table says what its changes mean. The model to read.
--
-- Every trigger is named so that it fires before all others, foreign keys included, and fires ALWAYS, also
-- while replication applies rows. Its function runs with its owner's rights, whoever writes, and with a
-- search_path that nobody else can put objects into. One that looks into tables sets row_security: a
-- restore switches it off, which makes policies an error. TRUNCATE names no rows, so there are no events for
-- them; where it takes rights away, everybody is asked again.

-- Messages: to everybody in the room. One that moves to another room leaves the first.
CREATE OR REPLACE FUNCTION rowcall.on_chat_messages()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    type text := 'chat_message_created';
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF TG_OP = 'DELETE' OR OLD.room_id <> NEW.room_id OR OLD.id <> NEW.id THEN
            PERFORM rowcall.file('room/' || OLD.room_id, 'chat_message_deleted', json_build_object('id', OLD.id::text));
        ELSE
            type := 'chat_message_updated';
        END IF;
        IF TG_OP = 'DELETE' THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM rowcall.file('room/' || NEW.room_id, type, json_build_object(
        'id', NEW.id::text, 'message', NEW.message, 'room_id', NEW.room_id,
        'sender_id', NEW.sender_id, 'posted', rowcall.iso(NEW.posted)));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.chat_messages
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_messages();
ALTER TABLE public.chat_messages ENABLE ALWAYS TRIGGER "0_rowcall";

-- Join requests: to the room's owner, and to the user who asks, who is told which room it is about. Creating,
-- admitting and denying are what somebody does; whatever else becomes of a request is told as what it is.
CREATE OR REPLACE FUNCTION rowcall.on_chat_join_requests()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    moved  boolean := TG_OP = 'UPDATE' AND (OLD.id, OLD.room_id, OLD.user_id) <> (NEW.id, NEW.room_id, NEW.user_id);
    action text;
    asking json;  -- who asks, for a page that has not seen the user yet
BEGIN
    IF TG_OP = 'DELETE' OR moved THEN
        PERFORM rowcall.join_request_event(OLD, 'join_request_deleted');
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        action := 'create';
        asking := (SELECT json_build_object('id', u.id, 'first_name', u.first_name, 'last_name', u.last_name)
                   FROM public.users u WHERE u.id = NEW.user_id);
    ELSIF OLD.status <> NEW.status THEN
        action := CASE NEW.status WHEN 'admitted' THEN 'admit' WHEN 'denied' THEN 'deny' END;
    END IF;
    IF action IS NOT NULL THEN
        PERFORM rowcall.file('room/' || NEW.room_id, 'did_alter_join_request',
            json_build_object('id', NEW.id::text, 'action', action, 'requesting_user', asking), 'owner');
        PERFORM rowcall.file('user/' || NEW.user_id, 'did_alter_join_request',
            json_build_object('id', NEW.id::text, 'action', action, 'requesting_user', asking, 'room_id', NEW.room_id,
                'title', (SELECT r.title FROM public.chat_rooms r WHERE r.id = NEW.room_id)));
    ELSIF moved OR OLD.status <> NEW.status THEN
        PERFORM rowcall.join_request_event(NEW, 'join_request_updated');
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION rowcall.join_request_event(request public.chat_join_requests, type text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    data json := json_build_object('id', request.id::text, 'room_id', request.room_id,
        'user_id', request.user_id, 'status', request.status);
BEGIN
    PERFORM rowcall.file('room/' || request.room_id, type, data, 'owner');
    PERFORM rowcall.file('user/' || request.user_id, type, data);
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.chat_join_requests
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_join_requests();
ALTER TABLE public.chat_join_requests ENABLE ALWAYS TRIGGER "0_rowcall";

-- Admitting makes the user a member, whoever admits. This changes data rather than telling of it, so it
-- does not fire while replication or a restore brings rows in: the membership comes with them.
CREATE OR REPLACE FUNCTION rowcall.admit()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
BEGIN
    IF NEW.status = 'admitted' AND (TG_OP = 'INSERT' OR OLD.status <> 'admitted') THEN
        INSERT INTO public.chat_room_members (room_id, user_id) VALUES (NEW.room_id, NEW.user_id)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall_admit"
    AFTER INSERT OR UPDATE ON public.chat_join_requests
    FOR EACH ROW EXECUTE FUNCTION rowcall.admit();

-- Members: the user's rights to the room are asked again, the room learns who came or went, the user
-- which room. Where the room or the user is being deleted, their own trigger has told already.
CREATE OR REPLACE FUNCTION rowcall.chat_membership(type_for_room text, type_for_user text, in_room bigint, of_user bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    names record;
BEGIN
    PERFORM rowcall.revalidate('room/' || in_room, of_user::text);
    SELECT u.first_name, u.last_name, u.username, r.title INTO names
    FROM public.users u, public.chat_rooms r WHERE u.id = of_user AND r.id = in_room;
    IF FOUND THEN
        PERFORM rowcall.file('room/' || in_room, type_for_room, json_build_object('user_id', of_user,
            'first_name', names.first_name, 'last_name', names.last_name, 'username', names.username));
        PERFORM rowcall.file('user/' || of_user, type_for_user,
            json_build_object('room_id', in_room, 'title', names.title));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION rowcall.on_chat_room_members()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.room_id, OLD.user_id) = (NEW.room_id, NEW.user_id) THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM rowcall.chat_membership('member_left', 'room_left', OLD.room_id, OLD.user_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM rowcall.chat_membership('member_joined', 'room_joined', NEW.room_id, NEW.user_id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.chat_room_members
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_room_members();
ALTER TABLE public.chat_room_members ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON public.chat_room_members
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('room');
ALTER TABLE public.chat_room_members ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

-- Rooms: another owner, or none, and everybody's rights are asked again. The members of a room that goes
-- are told here, while it still has a title and its memberships are still there. Owners are told of their
-- rooms as users too. The join code is told to nobody.
CREATE OR REPLACE FUNCTION rowcall.on_chat_rooms()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    moved boolean := TG_OP = 'UPDATE' AND (OLD.id, OLD.owner_id) <> (NEW.id, NEW.owner_id);
BEGIN
    IF TG_OP = 'DELETE' OR moved THEN
        PERFORM rowcall.revalidate('room/' || OLD.id);
    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM rowcall.file('user/' || m.user_id, 'room_left', json_build_object('room_id', OLD.id, 'title', OLD.title))
        FROM public.chat_room_members m WHERE m.room_id = OLD.id;
        PERFORM rowcall.room_event(OLD, 'room_deleted', true);
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM rowcall.room_event(NEW, 'room_created', true);
    ELSIF moved THEN
        PERFORM rowcall.room_event(OLD, 'room_deleted', true) WHERE OLD.id <> NEW.id;
        PERFORM rowcall.room_event(NEW, 'room_updated', true);
        PERFORM rowcall.file('user/' || OLD.owner_id, 'room_updated',
            json_build_object('room_id', NEW.id, 'title', NEW.title, 'owner_id', NEW.owner_id)) WHERE OLD.owner_id <> NEW.owner_id;
    ELSIF OLD.* IS DISTINCT FROM NEW.* THEN
        PERFORM rowcall.room_event(NEW, 'room_updated', false);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.title <> NEW.title THEN
        PERFORM rowcall.room_renamed(NEW);
    END IF;
    RETURN NULL;
END $$;

-- A new title is told to everybody who has the room in a list of theirs, so that none of them has to follow
-- every room to show how it is called.
CREATE OR REPLACE FUNCTION rowcall.room_renamed(room public.chat_rooms)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT rowcall.file('user/' || listed.user_id, 'room_renamed', json_build_object('room_id', room.id, 'title', room.title))
    FROM (SELECT room.owner_id AS user_id
          UNION SELECT m.user_id FROM public.chat_room_members m WHERE m.room_id = room.id
          UNION SELECT q.user_id FROM public.chat_join_requests q WHERE q.room_id = room.id
          ORDER BY user_id) listed
$$;

CREATE OR REPLACE FUNCTION rowcall.room_event(room public.chat_rooms, type text, to_owner boolean)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    data json := json_build_object('room_id', room.id, 'title', room.title, 'owner_id', room.owner_id);
BEGIN
    PERFORM rowcall.file('room/' || room.id, type, data);
    IF to_owner THEN
        PERFORM rowcall.file('user/' || room.owner_id, type, data);
    END IF;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.chat_rooms
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_rooms();
ALTER TABLE public.chat_rooms ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON public.chat_rooms
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('room');
ALTER TABLE public.chat_rooms ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

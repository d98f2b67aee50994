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

-- Join requests: to the room's owner, and to the user who asks, who is told which room it is about.
CREATE OR REPLACE FUNCTION rowcall.on_chat_join_requests()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    action text;
    asking json;  -- who asks, for a page that has not seen the user yet
BEGIN
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
            json_build_object('id', NEW.id::text, 'action', action, 'requesting_user', asking, 'room_id', NEW.room_id));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR UPDATE ON public.chat_join_requests
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
-- are told here, while it still has a title and its memberships are still there.
CREATE OR REPLACE FUNCTION rowcall.on_chat_rooms()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.owner_id <> NEW.owner_id OR OLD.id <> NEW.id THEN
        PERFORM rowcall.revalidate('room/' || OLD.id);
    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM rowcall.file('user/' || m.user_id, 'room_left', json_build_object('room_id', OLD.id, 'title', OLD.title))
        FROM public.chat_room_members m WHERE m.room_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER DELETE OR UPDATE ON public.chat_rooms
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_rooms();
ALTER TABLE public.chat_rooms ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON public.chat_rooms
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('room');
ALTER TABLE public.chat_rooms ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

-- Chat: one function per table says what its changes mean. The model to read.
--
-- Every trigger is named so that it fires before all others, foreign keys included, and fires ALWAYS, also
-- while replication applies rows. Its function runs with its owner's rights, whoever writes, and with a
-- search_path that nobody else can put objects into. One that looks into tables sets row_security: a
-- restore switches it off, which makes policies an error. TRUNCATE names no rows, so there are no events for
-- them; where it takes rights away, everybody is asked again.
--
-- Each function first spells its events, in a block that catches what goes wrong where a table has changed, and then
-- files them: see core/fields.sql.

-- Messages: to everybody in the room. One that moves to another room leaves the first.
CREATE OR REPLACE FUNCTION rowcall.on_chat_messages()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    slot      pg_catalog.int2 := rowcall.writing_slot();
    type      pg_catalog.text := 'chat_message_updated';
    topic     pg_catalog.text;  -- of the room that the message is in
    data      pg_catalog.text;
    old_topic pg_catalog.text;  -- of the room that it is in no more
    gone      pg_catalog.text;
BEGIN
    IF slot IS NULL THEN
        RETURN NULL;
    END IF;
    LOOP
        BEGIN
            IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
                type := 'chat_message_created';
            ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
                old_topic := 'room/' OPERATOR(pg_catalog.||) OLD.room_id;
                gone := pg_catalog.json_build_object('id', OLD.id::pg_catalog.text);
                EXIT;
            ELSIF OLD.room_id OPERATOR(pg_catalog.<>) NEW.room_id OR OLD.id OPERATOR(pg_catalog.<>) NEW.id THEN
                old_topic := 'room/' OPERATOR(pg_catalog.||) OLD.room_id;
                gone := pg_catalog.json_build_object('id', OLD.id::pg_catalog.text);
                type := 'chat_message_created';
            END IF;
            topic := 'room/' OPERATOR(pg_catalog.||) NEW.room_id;
            data := pg_catalog.json_build_object(
                'id', NEW.id::pg_catalog.text, 'message', NEW.message, 'room_id', NEW.room_id,
                'sender_id', NEW.sender_id, 'posted', rowcall.iso(NEW.posted));
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_topic := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN 'room/' OPERATOR(pg_catalog.||) (rowcall.fields(OLD) OPERATOR(pg_catalog.->>) 'room_id') END;
            gone := pg_catalog.json_build_object('id', rowcall.fields(OLD) OPERATOR(pg_catalog.->>) 'id');
            topic := 'room/' OPERATOR(pg_catalog.||) (rowcall.fields(NEW) OPERATOR(pg_catalog.->>) 'room_id');
            data := rowcall.left_of(NEW, '{message, room_id, sender_id, posted}',
                pg_catalog.json_build_object('id', rowcall.fields(NEW) OPERATOR(pg_catalog.->>) 'id'));
            EXIT;
        END;
    END LOOP;
    IF old_topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(old_topic, 600), 'chat_message_deleted', gone);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(old_topic) THEN
                PERFORM rowcall.ring(old_topic);
            END IF;
        END IF;
    END IF;
    IF topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(topic, 600), type, data);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(topic) THEN
                PERFORM rowcall.ring(topic);
            END IF;
        END IF;
    END IF;
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
    moved      boolean;
    action     text;
    asking     json;  -- who asks, for a page that has not seen the user yet
    room       text;  -- what the request is about, and whose it is
    person     text;
    type       text;
    data       json;
    with_title json;  -- the same for the user, with the room's title
    old_room   text;  -- the same of a request that is gone, or is another one now
    old_person text;
    gone       json;
BEGIN
    LOOP
        BEGIN
            moved := TG_OP = 'UPDATE' AND (OLD.id, OLD.room_id, OLD.user_id) <> (NEW.id, NEW.room_id, NEW.user_id);
            IF TG_OP = 'DELETE' OR moved THEN
                old_room := OLD.room_id;
                old_person := OLD.user_id;
                gone := rowcall.join_request_told(OLD);
            END IF;
            EXIT WHEN TG_OP = 'DELETE';
            IF TG_OP = 'INSERT' THEN
                action := 'create';
                asking := (SELECT json_build_object('id', u.id, 'first_name', u.first_name, 'last_name', u.last_name)
                           FROM public.users u WHERE u.id = NEW.user_id);
            ELSIF OLD.status <> NEW.status THEN
                action := CASE NEW.status WHEN 'admitted' THEN 'admit' WHEN 'denied' THEN 'deny' END;
            END IF;
            IF action IS NOT NULL THEN
                type := 'did_alter_join_request';
                data := json_build_object('id', NEW.id::text, 'action', action, 'requesting_user', asking);
                with_title := json_build_object('id', NEW.id::text, 'action', action, 'requesting_user', asking,
                    'room_id', NEW.room_id, 'title', (SELECT r.title FROM public.chat_rooms r WHERE r.id = NEW.room_id));
            ELSIF moved OR OLD.status <> NEW.status THEN
                type := 'join_request_updated';
                data := rowcall.join_request_told(NEW);
                with_title := data;
            END IF;
            room := NEW.room_id;
            person := NEW.user_id;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_room := CASE TG_OP WHEN 'DELETE' THEN rowcall.fields(OLD) ->> 'room_id' END;
            old_person := CASE TG_OP WHEN 'DELETE' THEN rowcall.fields(OLD) ->> 'user_id' END;
            gone := rowcall.left_of(OLD, '{room_id, user_id, status}', json_build_object('id', rowcall.fields(OLD) ->> 'id'));
            room := rowcall.fields(NEW) ->> 'room_id';
            person := rowcall.fields(NEW) ->> 'user_id';
            type := 'join_request_updated';
            data := rowcall.left_of(NEW, '{room_id, user_id, status}', json_build_object('id', rowcall.fields(NEW) ->> 'id'));
            with_title := data;
            EXIT;
        END;
    END LOOP;
    IF gone IS NOT NULL THEN
        PERFORM rowcall.join_request_filed(old_room, old_person, 'join_request_deleted', gone, gone);
    END IF;
    IF type IS NOT NULL AND TG_OP <> 'DELETE' THEN
        PERFORM rowcall.join_request_filed(room, person, type, data, with_title);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION rowcall.join_request_told(request public.chat_join_requests)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN json_build_object('id', request.id::text, 'room_id', request.room_id,
        'user_id', request.user_id, 'status', request.status);
END $$;

CREATE OR REPLACE FUNCTION rowcall.join_request_filed(room text, person text, type text, to_room json, to_person json)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF room IS NOT NULL THEN
        PERFORM rowcall.publish('room/' || room, type, to_room, 'owner');
    END IF;
    IF person IS NOT NULL THEN
        PERFORM rowcall.publish('user/' || person, type, to_person);
    END IF;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.chat_join_requests
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_join_requests();
ALTER TABLE public.chat_join_requests ENABLE ALWAYS TRIGGER "0_rowcall";

-- Admitting makes the user a member, whoever admits. This changes data rather than telling of it, so it
-- does not fire while replication or a restore brings rows in: the membership comes with them. Where the
-- tables have changed so that there can be no such row, the request is written all the same.
CREATE OR REPLACE FUNCTION rowcall.admit()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    admitted boolean;
BEGIN
    LOOP
        BEGIN
            admitted := NEW.status = 'admitted' AND (TG_OP = 'INSERT' OR OLD.status <> 'admitted');
            IF admitted THEN
                INSERT INTO public.chat_room_members (room_id, user_id) VALUES (NEW.room_id, NEW.user_id)
                ON CONFLICT DO NOTHING;
            END IF;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported
                OR not_null_violation OR check_violation THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            RAISE WARNING 'whoever is admitted is made no member of the room: %', SQLERRM;
            EXIT;
        END;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall_admit"
    AFTER INSERT OR UPDATE ON public.chat_join_requests
    FOR EACH ROW EXECUTE FUNCTION rowcall.admit();

-- Members: the user's rights to the room are asked again, the room learns who came or went, the user
-- which room. Where the room or the user is being deleted, their own trigger has told already.
CREATE OR REPLACE FUNCTION rowcall.on_chat_room_members()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    room       text;  -- of a membership that there is now
    person     text;
    old_room   text;  -- of one that is gone
    old_person text;
BEGIN
    LOOP
        BEGIN
            IF TG_OP = 'UPDATE' AND (OLD.room_id, OLD.user_id) = (NEW.room_id, NEW.user_id) THEN
                RETURN NULL;
            END IF;
            old_room := OLD.room_id;
            old_person := OLD.user_id;
            room := NEW.room_id;
            person := NEW.user_id;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_room := rowcall.fields(OLD) ->> 'room_id';
            old_person := rowcall.fields(OLD) ->> 'user_id';
            room := rowcall.fields(NEW) ->> 'room_id';
            person := rowcall.fields(NEW) ->> 'user_id';
            EXIT;
        END;
    END LOOP;
    IF TG_OP <> 'INSERT' THEN
        PERFORM rowcall.membership_filed('member_left', 'room_left', old_room, old_person);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM rowcall.membership_filed('member_joined', 'room_joined', room, person);
    END IF;
    RETURN NULL;
END $$;

-- Where nobody knows which room or whose membership it was, more is asked again, never less.
CREATE OR REPLACE FUNCTION rowcall.membership_filed(type_for_room text, type_for_user text, room text, person text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    to_room   json;
    to_person json;
BEGIN
    PERFORM rowcall.revalidate(coalesce('room/' || room, 'room'), person);
    LOOP
        BEGIN
            SELECT json_build_object('user_id', u.id, 'first_name', u.first_name, 'last_name', u.last_name, 'username', u.username),
                   json_build_object('room_id', r.id, 'title', r.title)
            INTO to_room, to_person
            FROM public.users u, public.chat_rooms r WHERE u.id = person::bigint AND r.id = room::bigint;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            to_room := json_build_object('user_id', person, 'first_name', NULL, 'last_name', NULL, 'username', NULL);
            to_person := json_build_object('room_id', room, 'title', NULL);
            EXIT;
        END;
    END LOOP;
    IF to_room IS NOT NULL AND room IS NOT NULL AND person IS NOT NULL THEN
        PERFORM rowcall.publish('room/' || room, type_for_room, to_room);
        PERFORM rowcall.publish('user/' || person, type_for_user, to_person);
    END IF;
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
-- rooms as users too. A new title is told to everybody who has the room in a list of theirs, so that none of them
-- has to follow every room to show how it is called. The join code is told to nobody.
CREATE OR REPLACE FUNCTION rowcall.on_chat_rooms()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    moved     boolean;
    type      text;
    room      text;            -- whose event it is
    data      json;
    asked     text;            -- the room whose rights are asked again
    owners    text[] := '{}';  -- users who are told the same as the room
    old_room  text;            -- of a room that has another id now
    old_owner text;
    gone      json;
    listed    text[] := '{}';  -- users who are told the title
    list_type text;
    title     json;
BEGIN
    LOOP
        BEGIN
            moved := TG_OP = 'UPDATE' AND (OLD.id, OLD.owner_id) <> (NEW.id, NEW.owner_id);
            IF TG_OP = 'DELETE' OR moved THEN
                asked := OLD.id;
            END IF;
            IF TG_OP = 'DELETE' THEN
                listed := ARRAY(SELECT m.user_id FROM public.chat_room_members m WHERE m.room_id = OLD.id);
                list_type := 'room_left';
                title := json_build_object('room_id', OLD.id, 'title', OLD.title);
                type := 'room_deleted';
                room := OLD.id;
                owners := ARRAY[OLD.owner_id];
                data := rowcall.room_told(OLD);
                EXIT;
            END IF;
            type := CASE TG_OP WHEN 'INSERT' THEN 'room_created' ELSE 'room_updated' END;
            data := rowcall.room_told(NEW);
            IF TG_OP = 'INSERT' THEN
                owners := ARRAY[NEW.owner_id];
            ELSIF moved THEN
                owners := ARRAY[NEW.owner_id, nullif(OLD.owner_id, NEW.owner_id)];
            END IF;
            IF moved AND OLD.id <> NEW.id THEN
                old_room := OLD.id;
                old_owner := OLD.owner_id;
                gone := rowcall.room_told(OLD);
            END IF;
            IF TG_OP = 'INSERT' OR OLD *<> NEW THEN  -- as stored: not every type has an equality
                room := NEW.id;
            END IF;
            IF TG_OP = 'UPDATE' AND OLD.title <> NEW.title THEN
                listed := ARRAY(
                    SELECT l.user_id
                    FROM (SELECT NEW.owner_id AS user_id
                          UNION SELECT m.user_id FROM public.chat_room_members m WHERE m.room_id = NEW.id
                          UNION SELECT q.user_id FROM public.chat_join_requests q WHERE q.room_id = NEW.id) l
                    ORDER BY l.user_id);
                list_type := 'room_renamed';
                title := json_build_object('room_id', NEW.id, 'title', NEW.title);
            END IF;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            asked := rowcall.fields(OLD) ->> 'id';
            room := coalesce(rowcall.fields(NEW) ->> 'id', asked);
            type := CASE TG_OP WHEN 'INSERT' THEN 'room_created' WHEN 'UPDATE' THEN 'room_updated' ELSE 'room_deleted' END;
            data := rowcall.left_of(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END, '{title, owner_id}', json_build_object('room_id', room));
            owners := ARRAY[rowcall.fields(NEW) ->> 'owner_id', rowcall.fields(OLD) ->> 'owner_id'];
            old_room := NULL;
            listed := '{}';
            IF TG_OP <> 'INSERT' AND asked IS NULL THEN
                PERFORM rowcall.revalidate('room');  -- nobody knows which room it was
            END IF;
            EXIT;
        END;
    END LOOP;
    IF asked IS NOT NULL THEN
        PERFORM rowcall.revalidate('room/' || asked);
    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM rowcall.publish('user/' || l.person, list_type, title) FROM unnest(listed) l (person);
    END IF;
    IF old_room IS NOT NULL THEN
        PERFORM rowcall.publish('room/' || old_room, 'room_deleted', gone);
        PERFORM rowcall.publish('user/' || old_owner, 'room_deleted', gone);
    END IF;
    IF room IS NOT NULL THEN
        PERFORM rowcall.publish('room/' || room, type, data);
        PERFORM rowcall.publish('user/' || o.person, type, data) FROM unnest(owners) o (person) WHERE o.person IS NOT NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        PERFORM rowcall.publish('user/' || l.person, list_type, title) FROM unnest(listed) l (person);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION rowcall.room_told(room public.chat_rooms)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN json_build_object('room_id', room.id, 'title', room.title, 'owner_id', room.owner_id);
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.chat_rooms
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_rooms();
ALTER TABLE public.chat_rooms ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON public.chat_rooms
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('room');
ALTER TABLE public.chat_rooms ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

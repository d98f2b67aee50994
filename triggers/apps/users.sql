-- Users: what takes rights away is asked again at once, for all of the user's topics. What others may see of
-- an account is told to the user, and to staff, who may follow all of them.

CREATE OR REPLACE FUNCTION rowcall.user_told(account public.users)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN json_build_object('id', account.id, 'username', account.username,
        'first_name', account.first_name, 'last_name', account.last_name,
        'is_active', account.is_active, 'is_staff', account.is_staff);
END $$;

CREATE OR REPLACE FUNCTION rowcall.on_users()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    names   text[] := '{id, username, first_name, last_name, is_active, is_staff}';
    type    text;
    id      text;            -- of an account whose change is told
    data    json;
    asked   text;            -- the user whose rights are asked again
    old_id  text;            -- of an account that is gone, or has another id now
    gone    json;
    rooms   text[] := '{}';  -- which it was a member of
    leaving json;
BEGIN
    LOOP
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                IF TG_OP = 'DELETE' OR OLD.id <> NEW.id THEN
                    old_id := OLD.id;
                    gone := json_build_object('id', OLD.id);
                END IF;
                IF old_id IS NOT NULL OR OLD.is_active AND NEW.is_active IS NOT TRUE
                    OR (OLD.is_staff, OLD.password) IS DISTINCT FROM (NEW.is_staff, NEW.password) THEN
                    asked := OLD.id;
                END IF;
            END IF;
            IF TG_OP = 'DELETE' THEN
                -- The memberships go next, by foreign key; by then nobody could tell the rooms who it was.
                rooms := ARRAY(SELECT m.room_id FROM public.chat_room_members m WHERE m.user_id = OLD.id);
                leaving := json_build_object('user_id', OLD.id, 'first_name', OLD.first_name, 'last_name', OLD.last_name,
                    'username', OLD.username);
                EXIT;
            END IF;
            type := CASE WHEN TG_OP = 'INSERT' OR old_id IS NOT NULL THEN 'user_created' ELSE 'user_updated' END;
            IF type = 'user_created' OR (OLD.username, OLD.first_name, OLD.last_name, OLD.is_active, OLD.is_staff)
                    IS DISTINCT FROM (NEW.username, NEW.first_name, NEW.last_name, NEW.is_active, NEW.is_staff) THEN
                id := NEW.id;
                data := rowcall.user_told(NEW);
            END IF;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            asked := rowcall.fields(OLD) ->> 'id';
            old_id := CASE TG_OP WHEN 'DELETE' THEN asked END;
            gone := rowcall.left_of(OLD, '{id}');
            rooms := '{}';
            type := CASE TG_OP WHEN 'INSERT' THEN 'user_created' ELSE 'user_updated' END;
            id := rowcall.fields(NEW) ->> 'id';
            data := rowcall.left_of(NEW, names);
            IF TG_OP <> 'INSERT' AND asked IS NULL THEN
                PERFORM rowcall.revalidate('');  -- nobody knows whose rights these were
            END IF;
            EXIT;
        END;
    END LOOP;
    PERFORM rowcall.revalidate_user(asked);
    PERFORM rowcall.publish('room/' || r.id, 'member_left', leaving) FROM unnest(rooms) r (id);
    IF old_id IS NOT NULL THEN
        PERFORM rowcall.publish('user/' || old_id, 'user_deleted', gone);
    END IF;
    IF id IS NOT NULL THEN
        PERFORM rowcall.publish('user/' || id, type, data);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_users();
ALTER TABLE public.users ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON public.users
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('');
ALTER TABLE public.users ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

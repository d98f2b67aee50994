-- Users: what takes rights away is asked again at once, for all of the user's topics. What others may see of
-- an account is told to the user, and to staff, who may follow all of them.

CREATE OR REPLACE FUNCTION rowcall.on_users()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM rowcall.revalidate_user(OLD.id::text);
        -- The memberships go next, by foreign key; by then nobody could tell the rooms who it was.
        PERFORM rowcall.file('room/' || m.room_id, 'member_left', json_build_object(
            'user_id', OLD.id, 'first_name', OLD.first_name, 'last_name', OLD.last_name, 'username', OLD.username))
        FROM public.chat_room_members m WHERE m.user_id = OLD.id;
    ELSIF TG_OP = 'UPDATE' AND (OLD.id <> NEW.id OR OLD.is_active AND NOT NEW.is_active OR OLD.is_staff <> NEW.is_staff
        OR OLD.password <> NEW.password) THEN
        PERFORM rowcall.revalidate_user(OLD.id::text);
    END IF;
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
        PERFORM rowcall.file('user/' || OLD.id, 'user_deleted', json_build_object('id', OLD.id));
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
        PERFORM rowcall.user_event(NEW, 'user_created');
    ELSIF TG_OP = 'UPDATE' AND (OLD.username, OLD.first_name, OLD.last_name, OLD.is_active, OLD.is_staff)
            IS DISTINCT FROM (NEW.username, NEW.first_name, NEW.last_name, NEW.is_active, NEW.is_staff) THEN
        PERFORM rowcall.user_event(NEW, 'user_updated');
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION rowcall.user_event(account public.users, type text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.file('user/' || account.id, type, json_build_object('id', account.id, 'username', account.username,
        'first_name', account.first_name, 'last_name', account.last_name,
        'is_active', account.is_active, 'is_staff', account.is_staff));
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_users();
ALTER TABLE public.users ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON public.users
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('');
ALTER TABLE public.users ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

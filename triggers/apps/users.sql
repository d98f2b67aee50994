-- Users: what takes rights away is asked again at once, for all of the user's topics.

CREATE OR REPLACE FUNCTION rowcall.on_users()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM rowcall.revalidate_user(OLD.id::text);
        -- The memberships go next, by foreign key; by then nobody could tell the rooms who it was.
        PERFORM rowcall.file('room/' || m.room_id, 'member_left', json_build_object(
            'user_id', OLD.id, 'first_name', OLD.first_name, 'last_name', OLD.last_name, 'username', OLD.username))
        FROM public.chat_room_members m WHERE m.user_id = OLD.id;
    ELSIF OLD.id <> NEW.id OR OLD.is_active AND NOT NEW.is_active OR OLD.is_staff <> NEW.is_staff
        OR OLD.password <> NEW.password THEN
        PERFORM rowcall.revalidate_user(OLD.id::text);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER DELETE OR UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_users();
ALTER TABLE public.users ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON public.users
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('');
ALTER TABLE public.users ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

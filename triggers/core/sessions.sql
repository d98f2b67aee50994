-- Sessions: when one ends, or passes to another user, its user's sockets are asked again.

CREATE OR REPLACE FUNCTION rowcall.on_sessions()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.user_id IS DISTINCT FROM NEW.user_id THEN
        PERFORM rowcall.revalidate_user(OLD.user_id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER DELETE OR UPDATE OF user_id ON rowcall.sessions
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_sessions();
ALTER TABLE rowcall.sessions ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON rowcall.sessions
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('');
ALTER TABLE rowcall.sessions ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

-- Sessions of a Django site, where its logins count: when one ends before its time, its sockets are asked
-- again. Whose it is stands within the signed data, so the access event names the session, by a hash of its
-- key: who reads the log cannot log in with that. Sessions that have run out concern nobody, and Django's
-- clearsessions deletes many of them at once. What else Django writes into a session is not looked at.
--
-- No trigger has a WHEN here: to read such a definition PostgreSQL locks the table, and an installation that
-- only looks would have to wait.

CREATE OR REPLACE FUNCTION rowcall.on_django_session()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.expire_date <= now() THEN
        RETURN NULL;
    ELSIF TG_OP = 'UPDATE' AND NEW.expire_date > now() AND NEW.session_key = OLD.session_key THEN
        RETURN NULL;
    END IF;
    -- Keys that Django makes hold nothing else. Others are taken for nobody's login, and may have no bytes in UTF-8.
    IF translate(OLD.session_key, 'abcdefghijklmnopqrstuvwxyz0123456789', '') = '' THEN
        PERFORM rowcall.revalidate_user('django:' || encode(sha256(convert_to(OLD.session_key, 'UTF8')), 'hex'));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER DELETE OR UPDATE OF session_key, expire_date ON {sessions}
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_django_session();
ALTER TABLE {sessions} ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON {sessions}
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('');
ALTER TABLE {sessions} ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

-- Sessions of a Django site, where its logins count: when one ends before its time, its sockets are asked
-- again. Whose it is stands within the signed data, so the access event names the session, by a hash of its
-- key: who reads the log cannot log in with that. Sessions that have run out concern nobody, and Django's
-- clearsessions deletes many of them at once. What else Django writes into a session is not looked at.
--
-- No trigger has a WHEN here: to read such a definition PostgreSQL locks the table, and an installation that
-- only looks would have to wait. Nor does one name columns: the site could not give these another type any more.

CREATE OR REPLACE FUNCTION rowcall.on_django_session()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key text;  -- of a session that has ended before its time
BEGIN
    LOOP
        BEGIN
            IF OLD.expire_date <= now() THEN
                RETURN NULL;
            ELSIF TG_OP = 'UPDATE' AND NEW.expire_date > now() AND NEW.session_key = OLD.session_key THEN
                RETURN NULL;
            END IF;
            key := OLD.session_key;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);  -- the table has changed: see core/fields.sql
            key := rowcall.fields(OLD) ->> 'session_key';
            IF key IS NULL THEN
                PERFORM rowcall.revalidate('');  -- nobody knows whose session it was
            END IF;
            EXIT;
        END;
    END LOOP;
    -- Keys that Django makes hold nothing else. Others are taken for nobody's login, and may have no bytes in UTF-8.
    IF translate(key, 'abcdefghijklmnopqrstuvwxyz0123456789', '') = '' THEN
        PERFORM rowcall.revalidate_user('django:' || encode(sha256(convert_to(key, 'UTF8')), 'hex'));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER DELETE OR UPDATE ON {sessions}
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_django_session();
ALTER TABLE {sessions} ENABLE ALWAYS TRIGGER "0_rowcall";

CREATE OR REPLACE TRIGGER "0_rowcall_truncate"
    AFTER TRUNCATE ON {sessions}
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_truncate('');
ALTER TABLE {sessions} ENABLE ALWAYS TRIGGER "0_rowcall_truncate";

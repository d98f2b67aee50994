-- Job postings: their user sees each insert and each save, changed or not, and which ones go.

CREATE OR REPLACE FUNCTION rowcall.on_job_postings()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    slot      pg_catalog.int2 := rowcall.writing_slot();
    topic     pg_catalog.text;  -- of the user whose posting it is
    data      pg_catalog.text;
    old_topic pg_catalog.text;  -- of the user whose posting it was, where it is gone, or another's now
    gone      pg_catalog.text;
BEGIN
    IF slot IS NULL THEN
        RETURN NULL;
    END IF;
    LOOP
        BEGIN
            IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
                old_topic := 'jobs/' OPERATOR(pg_catalog.||) OLD.user_id;
                gone := pg_catalog.json_build_object('id', OLD.id);
                EXIT;
            ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND (OLD.id OPERATOR(pg_catalog.<>) NEW.id OR OLD.user_id OPERATOR(pg_catalog.<>) NEW.user_id) THEN
                old_topic := 'jobs/' OPERATOR(pg_catalog.||) OLD.user_id;
                gone := pg_catalog.json_build_object('id', OLD.id);
            END IF;
            topic := 'jobs/' OPERATOR(pg_catalog.||) NEW.user_id;
            data := pg_catalog.json_build_object('id', NEW.id, 'state', NEW.state, 'title', NEW.title, 'progress', NEW.progress);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_topic := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN 'jobs/' OPERATOR(pg_catalog.||) (rowcall.fields(OLD) OPERATOR(pg_catalog.->>) 'user_id') END;
            gone := rowcall.left_of(OLD, '{id}');
            topic := 'jobs/' OPERATOR(pg_catalog.||) (rowcall.fields(NEW) OPERATOR(pg_catalog.->>) 'user_id');
            data := rowcall.left_of(NEW, '{id, state, title, progress}');
            EXIT;
        END;
    END LOOP;
    IF old_topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(old_topic, 600), 'job_posting.deleted', gone);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(old_topic) THEN
                PERFORM rowcall.ring(old_topic);
            END IF;
        END IF;
    END IF;
    IF topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(topic, 600), 'job_posting.saved', data);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(topic) THEN
                PERFORM rowcall.ring(topic);
            END IF;
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.job_postings
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_job_postings();
ALTER TABLE public.job_postings ENABLE ALWAYS TRIGGER "0_rowcall";

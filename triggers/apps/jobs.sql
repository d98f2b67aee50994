-- Job postings: their user sees each insert and each save, changed or not, and which ones go.

CREATE OR REPLACE FUNCTION rowcall.on_job_postings()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person     text;  -- whose posting it is
    data       json;
    old_person text;  -- whose posting it was, where it is gone, or another's now
    gone       json;
BEGIN
    LOOP
        BEGIN
            IF TG_OP = 'DELETE' THEN
                old_person := OLD.user_id;
                gone := json_build_object('id', OLD.id);
                EXIT;
            ELSIF TG_OP = 'UPDATE' AND (OLD.id, OLD.user_id) <> (NEW.id, NEW.user_id) THEN
                old_person := OLD.user_id;
                gone := json_build_object('id', OLD.id);
            END IF;
            person := NEW.user_id;
            data := json_build_object('id', NEW.id, 'state', NEW.state, 'title', NEW.title, 'progress', NEW.progress);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_person := CASE TG_OP WHEN 'DELETE' THEN rowcall.fields(OLD) ->> 'user_id' END;
            gone := rowcall.left_of(OLD, '{id}');
            person := rowcall.fields(NEW) ->> 'user_id';
            data := rowcall.left_of(NEW, '{id, state, title, progress}');
            EXIT;
        END;
    END LOOP;
    IF old_person IS NOT NULL THEN
        PERFORM rowcall.file('jobs/' || old_person, 'job_posting.deleted', gone);
    END IF;
    IF person IS NOT NULL THEN
        PERFORM rowcall.file('jobs/' || person, 'job_posting.saved', data);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.job_postings
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_job_postings();
ALTER TABLE public.job_postings ENABLE ALWAYS TRIGGER "0_rowcall";

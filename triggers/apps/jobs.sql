-- Job postings: their user sees each insert and each save, changed or not, and which ones go.

CREATE OR REPLACE FUNCTION rowcall.on_job_postings()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (OLD.id, OLD.user_id) <> (NEW.id, NEW.user_id) THEN
        PERFORM rowcall.file('jobs/' || OLD.user_id, 'job_posting.deleted', json_build_object('id', OLD.id));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    PERFORM rowcall.file('jobs/' || NEW.user_id, 'job_posting.saved',
        json_build_object('id', NEW.id, 'state', NEW.state, 'title', NEW.title, 'progress', NEW.progress));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.job_postings
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_job_postings();
ALTER TABLE public.job_postings ENABLE ALWAYS TRIGGER "0_rowcall";

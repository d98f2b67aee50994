-- Job postings: their user sees each insert and each save, changed or not.

CREATE OR REPLACE FUNCTION rowcall.on_job_postings()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.file('jobs/' || NEW.user_id, 'job_posting.saved',
        json_build_object('id', NEW.id, 'state', NEW.state, 'title', NEW.title, 'progress', NEW.progress));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR UPDATE ON public.job_postings
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_job_postings();
ALTER TABLE public.job_postings ENABLE ALWAYS TRIGGER "0_rowcall";

-- Jobs for show: a user starts one, and nodes move it through its states, a step a second.

-- Starting a job of one's own. It has its owner's rights, since users do not write job postings by hand.
CREATE OR REPLACE FUNCTION rowcall.jobs_start(title text)
RETURNS json LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job public.job_postings;
BEGIN
    IF rowcall.me() IS NULL THEN
        RAISE EXCEPTION 'log in first' USING ERRCODE = 'RC401';
    END IF;
    IF title IS NULL OR length(btrim(title)) NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'a title has 1 to 100 characters' USING ERRCODE = 'RC400';
    END IF;
    IF (SELECT count(*) FROM public.job_runs u JOIN public.job_postings j ON j.id = u.job_id
        WHERE j.user_id = rowcall.me()) >= 10 THEN
        RAISE EXCEPTION 'ten of your jobs are under way; wait for one to end' USING ERRCODE = 'RC409';
    END IF;
    INSERT INTO public.job_postings (user_id, title) VALUES (rowcall.me(), btrim(title)) RETURNING * INTO job;
    INSERT INTO public.job_runs (job_id, due_at) VALUES (job.id, clock_timestamp() + interval '1 second');
    RETURN json_build_object('id', job.id, 'state', job.state, 'title', job.title, 'progress', job.progress);
END $$;

-- One step for each job that is due: queued, running in quarters, done. It returns how many jobs took
-- one. Nodes call it; several at once do not take the same step twice.
CREATE OR REPLACE FUNCTION rowcall.jobs_work()
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job   bigint;
    state text;
    steps integer := 0;
BEGIN
    FOR job IN
        SELECT u.job_id FROM public.job_runs u WHERE u.due_at <= clock_timestamp() ORDER BY u.job_id FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE public.job_postings j
        SET progress = least(j.progress + CASE j.state WHEN 'queued' THEN 0 ELSE 25 END, 100),
            state = CASE WHEN j.progress >= 75 THEN 'done' ELSE 'running' END
        WHERE j.id = job RETURNING j.state INTO state;
        IF state = 'running' THEN
            UPDATE public.job_runs u SET due_at = clock_timestamp() + interval '1 second' WHERE u.job_id = job;
        ELSE
            DELETE FROM public.job_runs u WHERE u.job_id = job;  -- done, or gone
        END IF;
        steps := steps + 1;
    END LOOP;
    RETURN steps;
END $$;

DO $$
BEGIN
    IF to_regrole('rowcall_app') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.jobs_start TO rowcall_app;
    END IF;
    IF to_regrole('rowcall_server') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.jobs_work TO rowcall_server;
    END IF;
END $$;

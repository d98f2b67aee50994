-- Jobs of the sample users, where those are there.

INSERT INTO public.job_postings (user_id, title, state, progress)
SELECT u.id, j.title, j.state, j.progress
FROM (VALUES ('alice', 'Sort the summer collection', 'running', 40),
             ('alice', 'Sort the winter collection', 'queued', 0),
             ('bob', 'Import the catalogue', 'done', 100)) j (username, title, state, progress)
JOIN public.users u USING (username)
WHERE NOT EXISTS (SELECT FROM public.job_postings);

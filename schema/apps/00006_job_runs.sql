-- Jobs that are worked on for show, so that somebody sees a job go through its states.

-- +goose Up

-- No foreign key: job_postings must be free to be truncated. What has lost its job is removed at its next step.
CREATE TABLE public.job_runs (
    job_id bigint      PRIMARY KEY,
    due_at timestamptz NOT NULL                                      -- when it takes its next step
);

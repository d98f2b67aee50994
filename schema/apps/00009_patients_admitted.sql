-- A patient has been admitted: who is and when is required, as in the application that the patients come from. Rows
-- without a date get the one on which they were written.

-- +goose Up

SET LOCAL lock_timeout = '2s';  -- rather than wait for it in front of writers
UPDATE public.patients SET admission_date = created_at WHERE admission_date IS NULL;
ALTER TABLE public.patients ALTER COLUMN admission_date SET NOT NULL;

-- Times in events.

-- iso writes a time as 2021-06-01T10:00:00Z, with six digits where there is a fraction, whatever the
-- session's time zone and date style; an endless time is NULL. An interval names the zone without asking any
-- setting for it. The body is bound to its functions when it is created, so it needs no search_path; it is
-- short because it is inlined into every event.
CREATE OR REPLACE FUNCTION rowcall.iso(t timestamptz)
RETURNS text LANGUAGE sql STABLE
RETURN replace(to_char(t AT TIME ZONE INTERVAL '0', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '');

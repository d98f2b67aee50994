-- Times in events.

-- iso writes a time as 2021-06-01T10:00:00Z, with six digits where there is a fraction, whatever the
-- session's time zone and date style: 0044-03-15T10:00:00Z BC before the year 1, infinity and -infinity where there is
-- no end. An interval names the zone without asking any setting for it. The body is bound to its functions when it is
-- created, so it needs no search_path; it is short because it is inlined into every event.
CREATE OR REPLACE FUNCTION rowcall.iso(t timestamptz)
RETURNS text LANGUAGE sql STABLE
RETURN CASE
    WHEN t >= '0001-01-01 00:00:00+00'::timestamptz AND t < 'infinity'::timestamptz
        THEN replace(to_char(t AT TIME ZONE INTERVAL '0', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '')
    WHEN isfinite(t) THEN replace(to_char(t AT TIME ZONE INTERVAL '0', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '') || ' BC'
    ELSE t::text
END;

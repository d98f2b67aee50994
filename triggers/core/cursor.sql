-- The cursor of a statement's snapshot, for pages and SQL clients.

-- cursor says: all that the statement which calls it has seen. A page reads its rows in the same statement,
-- or in the same REPEATABLE READ transaction, and follows from here on without a gap. Its text is
-- epoch.xmin.(xmax-xmin) and the distance from xmin of each transaction in progress, all hexadecimal.
CREATE OR REPLACE FUNCTION rowcall.cursor()
RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seen pg_snapshot;
    low  bigint;
    name text;
    text text;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'a standby has no cursors'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Ask the primary.';
    END IF;
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'a transaction that has written has no cursor'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Its own changes are seen by it and by nobody else. Ask before the first write, or in a transaction of its own.';
    END IF;
    name := rowcall.known_epoch();
    IF name IS NULL THEN
        RAISE EXCEPTION 'the log has no epoch yet'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'It gets one when a Rowcall node connects. Start one, and ask again.';
    END IF;
    seen := pg_current_snapshot();
    low := pg_snapshot_xmin(seen)::text::bigint;
    text := concat_ws('.', name, to_hex(low), to_hex(pg_snapshot_xmax(seen)::text::bigint - low),
        (SELECT string_agg(to_hex(x::text::bigint - low), '.' ORDER BY x) FROM pg_snapshot_xip(seen) x));
    IF length(text) > 4096 THEN
        RAISE EXCEPTION 'the cursor would be longer than nodes take'
            USING ERRCODE = 'program_limit_exceeded', HINT = 'About a thousand transactions are in progress. Ask again.';
    END IF;
    RETURN text;
END $$;

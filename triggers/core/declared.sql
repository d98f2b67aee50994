-- What generated functions ask before and after they write a row of the log. PostgreSQL puts both into the expressions
-- that call them; every name is qualified.

-- writing_slot returns the slot to write, or NULL for nothing: where no node has been for a day, a log that nobody reads
-- must not fill the disk.
CREATE OR REPLACE FUNCTION rowcall.writing_slot()
RETURNS smallint LANGUAGE sql AS $$
    SELECT CASE WHEN pg_catalog.pg_sequence_last_value('rowcall.alive') OPERATOR(pg_catalog.<) pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) THEN NULL
        ELSE (coalesce(pg_catalog.pg_sequence_last_value('rowcall.slot'), 0) OPERATOR(pg_catalog.&) 3)::pg_catalog.int2 END
$$;

-- ringing reports whether writers ring. Asked before the row of the log is written, a listener could go to sleep in
-- between and miss this event.
CREATE OR REPLACE FUNCTION rowcall.ringing()
RETURNS boolean LANGUAGE sql AS $$
    SELECT (coalesce(pg_catalog.pg_sequence_last_value('rowcall.gate'), 1) OPERATOR(pg_catalog.&) 1) OPERATOR(pg_catalog.=) 1
$$;

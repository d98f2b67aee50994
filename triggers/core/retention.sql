-- Retention: slots are emptied in rotation. No row is ever deleted, and nobody ever waits for a lock.

-- empty_next_slot makes room in the slot that is written next, and notes what is gone. It raises
-- lock_not_available while anybody uses that slot: a waiting lock would stop everybody behind it. The floor and
-- the emptying commit together; whoever reads a slot and then the floor knows what has escaped him.
CREATE OR REPLACE FUNCTION rowcall.empty_next_slot()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    slot    text := format('rowcall.log_%s', (rowcall.slot_rotations() + 1) % 4);
    dropped xid8;
BEGIN
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', slot);
    EXECUTE format('SELECT xid FROM %s ORDER BY xid DESC LIMIT 1', slot) INTO dropped;
    IF dropped IS NOT NULL THEN
        UPDATE rowcall.floor SET xid = greatest(xid, dropped), snap = pg_current_snapshot();
        EXECUTE format('TRUNCATE %s', slot);
    END IF;
END $$;

-- log_state says what retention goes by: how much the slot that is written holds and since when, and how
-- much the whole log does.
CREATE OR REPLACE FUNCTION rowcall.log_state(OUT slot_bytes bigint, OUT slot_since timestamptz, OUT log_bytes bigint, OUT log_since timestamptz)
RETURNS record LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number int := rowcall.slot_rotations() % 4;
BEGIN
    slot_bytes := pg_total_relation_size(format('rowcall.log_%s', number)::regclass);
    log_bytes := (SELECT sum(pg_total_relation_size(i.inhrelid)) FROM pg_inherits i WHERE i.inhparent = 'rowcall.log'::regclass);
    slot_since := (SELECT l.at FROM rowcall.log l WHERE l.slot = number ORDER BY l.xid LIMIT 1);
    log_since := (SELECT min(o.at) FROM (SELECT n FROM generate_series(0, 3) n) s,
                  LATERAL (SELECT l.at FROM rowcall.log l WHERE l.slot = s.n ORDER BY l.xid LIMIT 1) o);
END $$;

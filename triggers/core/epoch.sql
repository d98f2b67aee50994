-- The epoch: which history of the log a cursor belongs to.

-- here says which server and database this is; a boot row that says otherwise came in with a dump.
CREATE OR REPLACE FUNCTION rowcall.here(OUT system_identifier bigint, OUT database_oid oid)
RETURNS record LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.system_identifier, d.oid FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
$$;

-- known_epoch is the epoch as 16 hexadecimal digits, NULL where nobody has named this history yet. A boot row counts
-- where it was written: in this database, into this table, by the transaction that it names.
CREATE OR REPLACE FUNCTION rowcall.known_epoch()
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT left(encode(sha256(convert_to(
                concat_ws('/', b.system_identifier, b.database_oid, b.id), 'UTF8')), 'hex'), 16)
            FROM rowcall.boot b JOIN rowcall.here() h USING (system_identifier, database_oid)
            WHERE b.table_oid = b.tableoid AND b.made = b.xmin);
END $$;

-- clear_slot removes from one slot of the log what another history left behind, and returns whether nothing of it can
-- pass for new. A row of another history is told by its transaction: it has not ended here, or not even begun, and yet
-- the row is seen. Where a dump came in, or there are many such rows, the slot is emptied. That waits for nobody: while
-- somebody holds the slot, its rows stay, which only matters if there are such among them. Statistics may be missing
-- after a restore, so the planner is told to use the index.
CREATE OR REPLACE FUNCTION rowcall.clear_slot(number integer, dump boolean)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    seen    pg_snapshot := pg_current_snapshot();
    running xid8[] := ARRAY(SELECT x FROM pg_snapshot_xip(seen) x WHERE x <> pg_current_xact_id());
    mine    xid8 := pg_current_xact_id();
    many    constant integer := 10000;
    alien   integer := (SELECT count(*) FROM (
        (SELECT FROM rowcall.log l WHERE l.slot = number AND l.xid >= pg_snapshot_xmax(seen) AND l.xid <> mine LIMIT many + 1)
        UNION ALL (SELECT FROM rowcall.log l WHERE l.slot = number AND l.xid = ANY (running) LIMIT many + 1)) f);
BEGIN
    IF NOT dump AND alien <= many THEN
        DELETE FROM rowcall.log l WHERE l.slot = number AND l.xid >= pg_snapshot_xmax(seen) AND l.xid <> mine;
        DELETE FROM rowcall.log l WHERE l.slot = number AND l.xid = ANY (running);
        RETURN true;
    END IF;
    EXECUTE format('LOCK TABLE rowcall.log_%s IN ACCESS EXCLUSIVE MODE NOWAIT', number);
    EXECUTE format('TRUNCATE rowcall.log_%s', number);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN alien = 0;
END $$;

-- clear_log does that for the whole log. Its transaction ids mean nothing here, and neither does its floor. While
-- writers keep the slot that is written from being emptied, they are sent to another one.
CREATE OR REPLACE FUNCTION rowcall.clear_log(dump boolean)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    clean boolean := true;
BEGIN
    FOR number IN 0..3 LOOP
        clean := rowcall.clear_slot(number, dump) AND clean;
    END LOOP;
    IF NOT clean THEN
        PERFORM rowcall.advance_slot();
    END IF;
    UPDATE rowcall.floor SET xid = '0', snap = pg_current_snapshot();
    RETURN clean;
END $$;

DROP FUNCTION IF EXISTS rowcall.clear_foreign(boolean);  -- of an earlier build

-- name_history writes the boot row, which names a history that nobody has named before.
CREATE OR REPLACE FUNCTION rowcall.name_history()
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM rowcall.boot;
    INSERT INTO rowcall.boot (system_identifier, database_oid, table_oid)
    SELECT h.system_identifier, h.database_oid, 'rowcall.boot'::regclass FROM rowcall.here() h;
    UPDATE rowcall.boot SET made = xmin;  -- which the new version of the row has too, also in a savepoint
END $$;

-- refuse_half_a_restore raises an error while pg_restore has not brought in all data yet: a history that began now would
-- take the rest for its own. The indexes are made last.
CREATE OR REPLACE FUNCTION rowcall.refuse_half_a_restore()
RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    indexes constant text[] := ARRAY['log_xid', 'floor_one_row', 'boot_one_row', 'server_run_once'];
BEGIN
    IF (SELECT count(*) FROM unnest(indexes) u (name) JOIN pg_index i ON i.indexrelid = to_regclass('rowcall.' || u.name)
        WHERE i.indisvalid) < cardinality(indexes) THEN
        RAISE EXCEPTION 'schema rowcall is not restored completely' USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Indexes of its tables are missing: wait until pg_restore has made them.';
    END IF;
END $$;

-- epoch names this history of the log, and begins one where there is none: after a crash, a promotion, a restore.
-- Nodes ask on connect and whenever a poll finds no boot row that counts. Two that ask at once agree. It is NULL, and
-- has to be asked again, while rows of another history cannot be removed because somebody holds a lock on them.
CREATE OR REPLACE FUNCTION rowcall.epoch()
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known text := rowcall.known_epoch();
BEGIN
    IF known IS NULL THEN
        PERFORM pg_advisory_xact_lock(x'726f7763626f6f74'::bigint);  -- "rowcboot"
        known := rowcall.known_epoch();
    END IF;
    IF known IS NULL THEN
        PERFORM rowcall.refuse_half_a_restore();
    END IF;
    IF known IS NULL AND rowcall.clear_log(dump => EXISTS (SELECT FROM rowcall.boot)) THEN
        PERFORM rowcall.name_history();
        known := rowcall.known_epoch();
    END IF;
    RETURN known;
END $$;

-- new_epoch begins a new history on purpose: events were not filed for a while, or the database's files were put back
-- to an earlier state. It returns its epoch.
CREATE OR REPLACE FUNCTION rowcall.new_epoch()
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'726f7763626f6f74'::bigint);
    IF rowcall.known_epoch() IS NULL THEN
        RETURN rowcall.epoch();
    END IF;
    PERFORM rowcall.name_history();
    RETURN rowcall.known_epoch();
END $$;

-- note_run records that a node reads the log in this run of the server. It writes nothing while the unique index is
-- missing, as in the middle of pg_restore. If the run in which a node last read is no longer recorded, the files of an
-- earlier state were put back.
CREATE OR REPLACE FUNCTION rowcall.note_run()
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO rowcall.server_run (started) SELECT pg_postmaster_start_time() WHERE to_regclass('rowcall.server_run_once') IS NOT NULL
    ON CONFLICT DO NOTHING
$$;

-- leave_epoch begins a new history in place of the given one. If that has ended already, because another node was
-- faster, it does nothing.
CREATE OR REPLACE FUNCTION rowcall.leave_epoch(epoch text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'726f7763626f6f74'::bigint);
    IF rowcall.known_epoch() = leave_epoch.epoch THEN
        PERFORM rowcall.name_history();
    END IF;
END $$;

-- The epoch: which history of the log a cursor belongs to.

-- here says which server and database this is; a boot row that says otherwise came in with a dump.
CREATE OR REPLACE FUNCTION rowcall.here(OUT system_identifier bigint, OUT database_oid oid)
RETURNS record LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.system_identifier, d.oid FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
$$;

-- known_epoch is the epoch as 16 hexadecimal digits, NULL where nobody has named this history yet.
CREATE OR REPLACE FUNCTION rowcall.known_epoch()
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT left(encode(sha256(convert_to(
                concat_ws('/', b.system_identifier, b.database_oid, b.id), 'UTF8')), 'hex'), 16)
            FROM rowcall.boot b JOIN rowcall.here() h USING (system_identifier, database_oid));
END $$;

-- clear_foreign removes what another history left behind. Its transaction ids mean nothing here, and
-- those that are still to come here would one day pass for new. Rows of this history stay.
CREATE OR REPLACE FUNCTION rowcall.clear_foreign(dump boolean)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM rowcall.log l
    WHERE dump OR (l.xid >= pg_snapshot_xmax(pg_current_snapshot()) AND l.xid <> pg_current_xact_id());
    UPDATE rowcall.floor SET xid = '0', snap = pg_current_snapshot();
END $$;

-- epoch names this history of the log, and begins one where there is none: after a crash, a promotion, a
-- restore. Nodes ask on connect and whenever a poll finds no boot row. Two that ask at once agree.
CREATE OR REPLACE FUNCTION rowcall.epoch()
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known text;
    dump boolean;
    named boolean;
BEGIN
    LOOP
        known := rowcall.known_epoch();
        IF known IS NOT NULL THEN
            RETURN known;
        END IF;
        DELETE FROM rowcall.boot b WHERE (b.system_identifier, b.database_oid) IS DISTINCT FROM (SELECT h FROM rowcall.here() h);
        dump := FOUND;
        INSERT INTO rowcall.boot (system_identifier, database_oid)
        SELECT h.system_identifier, h.database_oid FROM rowcall.here() h
        ON CONFLICT DO NOTHING;
        named := FOUND;
        IF named THEN
            PERFORM rowcall.clear_foreign(dump);
        END IF;
    END LOOP;
END $$;

-- new_epoch begins a new history on purpose: events were not filed for a while. It returns its epoch.
CREATE OR REPLACE FUNCTION rowcall.new_epoch()
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE rowcall.boot SET id = gen_random_uuid();
    RETURN rowcall.epoch();
END $$;

-- The sequence rowcall.state holds the three numbers that every writer reads. A sequence is read outside MVCC, so a writer
-- in a REPEATABLE READ transaction reads the present value. The value of rowcall.state packs three numbers:
--
--     (files until << 29) | (generation of the gate << 9) | rotations
--
-- files until: triggers file events until this second since 1970; nodes push it ahead of them.
-- generation: odd, writers ring; even, they do not. Modulo 2^20: whoever compares generations asks only whether they are equal.
-- rotations: how often the log went on to another slot, modulo 512. The slot that is written is rotations modulo 4.
--
-- Functions that read it have bodies that are bound when they are created, so they need no search_path, and PostgreSQL
-- puts them into the expressions that call them. A sequence that was set back to its start has no last value: then
-- triggers file into slot 0, and ring.

-- writing_slot returns the slot to write, or NULL for nothing: where no node has been for a day, a log that nobody reads
-- must not fill the disk.
CREATE OR REPLACE FUNCTION rowcall.writing_slot()
RETURNS smallint LANGUAGE sql
RETURN CASE WHEN (pg_sequence_last_value('rowcall.state') >> 29) < date_part('epoch', clock_timestamp()) THEN NULL
            ELSE (coalesce(pg_sequence_last_value('rowcall.state'), 0) & 3)::smallint END;

-- ringing reports whether writers ring.
CREATE OR REPLACE FUNCTION rowcall.ringing()
RETURNS boolean LANGUAGE sql
RETURN coalesce(pg_sequence_last_value('rowcall.state') & 512, 512) <> 0;

-- must_ring is asked only after ringing has said true: PostgreSQL prepares an expression once a transaction, and this one
-- is long. It returns true if this transaction still has to send a NOTIFY for the topic. It returns false if the gate is
-- closed, or if the transaction has rung for this topic or for all. PostgreSQL puts its body into the expressions that
-- call it: of a large transaction, all rows but the first few cost this question alone.
CREATE OR REPLACE FUNCTION rowcall.must_ring(topic text)
RETURNS boolean LANGUAGE sql
RETURN rowcall.ringing() AND NOT coalesce(
    starts_with(current_setting('rowcall.rung', true), pg_current_xact_id()::text || E'\n')
    AND (current_setting('rowcall.rung', true) = pg_current_xact_id()::text || E'\n*'
         OR strpos(current_setting('rowcall.rung', true), E'\n' || topic || E'\n') > 0), false);

CREATE OR REPLACE FUNCTION rowcall.gate_generation()
RETURNS bigint LANGUAGE sql
RETURN coalesce((pg_sequence_last_value('rowcall.state') >> 9) & 1048575, 1);

CREATE OR REPLACE FUNCTION rowcall.slot_rotations()
RETURNS bigint LANGUAGE sql
RETURN coalesce(pg_sequence_last_value('rowcall.state') & 511, 0);

-- files_until is in seconds since 1970.
CREATE OR REPLACE FUNCTION rowcall.files_until()
RETURNS bigint LANGUAGE sql
RETURN coalesce(pg_sequence_last_value('rowcall.state') >> 29, 0);

-- lock_state lets one transaction at a time change the state. Writers do not take this lock. It is the lock of a row and
-- no advisory lock, because every role of the database could take that and keep it.
CREATE OR REPLACE FUNCTION rowcall.lock_state()
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM rowcall.floor FOR NO KEY UPDATE;
END $$;

CREATE OR REPLACE FUNCTION rowcall.set_state(files_until bigint, generation bigint, rotations bigint)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT setval('rowcall.state', (files_until << 29) | ((generation & 1048575) << 9) | (rotations & 511))
$$;

-- flip_gate turns the gate if it is still the generation expected, tells every listener at commit, and
-- returns the generation that holds now.
CREATE OR REPLACE FUNCTION rowcall.flip_gate(expected bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.lock_state();
    IF rowcall.gate_generation() = expected THEN
        PERFORM rowcall.set_state(rowcall.files_until(), expected + 1, rowcall.slot_rotations());
        PERFORM pg_notify('rowcall', '{"gate":' || rowcall.gate_generation() || '}');
    END IF;
    RETURN rowcall.gate_generation();
END $$;

-- keep_alive lets triggers file events until the given second since 1970, never shorter than they do
-- already, and returns until when they did before: in the past, events are missing.
CREATE OR REPLACE FUNCTION rowcall.keep_alive(until bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before bigint;
BEGIN
    PERFORM rowcall.lock_state();
    before := rowcall.files_until();
    IF until > before THEN
        PERFORM rowcall.set_state(until, rowcall.gate_generation(), rowcall.slot_rotations());
    END IF;
    RETURN before;
END $$;

-- advance_slot has writers write the next slot. A transaction of its own, after the one that emptied it: a sequence does
-- not roll back.
CREATE OR REPLACE FUNCTION rowcall.advance_slot()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.lock_state();
    PERFORM rowcall.set_state(rowcall.files_until(), rowcall.gate_generation(), rowcall.slot_rotations() + 1);
END $$;

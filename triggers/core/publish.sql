-- Filing an event and ringing for it. The order within file is the protocol: see docs/architecture.md.

-- file files one event of the calling transaction. It cannot fail for reasons of its own: it casts nothing
-- that could be refused, and has no exception block, which would cost an xid a row and hide gaps. An event
-- without a topic or a type has nobody to go to and is not filed.
--
-- Every writer runs this for every row, so it is made of few expressions: pg_sequence_last_value reads a
-- sequence outside MVCC without starting a query, and naming the slot saves a quarter against finding it through
-- the log. Nor does it set a search_path: only functions that have done so already may call it.
CREATE OR REPLACE FUNCTION rowcall.file(topic text, type text, data json, role text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- The slot to write, or NULL for nothing: where no node has been for a day, a log that nobody reads must
    -- not fill the disk.
    slot integer := CASE
        WHEN pg_sequence_last_value('rowcall.alive') < date_part('epoch', clock_timestamp())
            OR topic IS NULL OR type IS NULL THEN NULL
        ELSE coalesce(pg_sequence_last_value('rowcall.slot'), 0) % 4
    END;
BEGIN
    -- 1. The row, which also gives the transaction its xid. A topic that nobody can follow, because it is
    --    longer than 200 bytes, is cut to what an index can hold; it stays longer than 200.
    IF slot = 0 THEN
        INSERT INTO rowcall.log_0 (slot, topic, type, role, data)
        VALUES (0, left(file.topic, 600), file.type, file.role, file.data::text);
    ELSIF slot = 1 THEN
        INSERT INTO rowcall.log_1 (slot, topic, type, role, data)
        VALUES (1, left(file.topic, 600), file.type, file.role, file.data::text);
    ELSIF slot = 2 THEN
        INSERT INTO rowcall.log_2 (slot, topic, type, role, data)
        VALUES (2, left(file.topic, 600), file.type, file.role, file.data::text);
    ELSIF slot = 3 THEN
        INSERT INTO rowcall.log_3 (slot, topic, type, role, data)
        VALUES (3, left(file.topic, 600), file.type, file.role, file.data::text);
    ELSE
        RETURN;
    END IF;

    -- 2. Only then the gate. Asked earlier, a listener could go to sleep in between and miss this event.
    IF coalesce(pg_sequence_last_value('rowcall.gate'), 1) % 2 = 1 THEN
        -- Who may follow a topic matters to followers of every topic below it, so that ring names none.
        PERFORM rowcall.ring(CASE WHEN type <> 'rowcall.access' THEN topic END);
    END IF;
END $$;

-- publish is file for everybody who may publish: trigger functions of any owner, and SQL clients.
CREATE OR REPLACE FUNCTION rowcall.publish(topic text, type text, data json, role text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.file(topic, type, data, role);
END $$;

-- ring tells listeners where to look, once per topic and transaction; after four topics, or for none, once
-- for all of them. What has been rung is kept in a setting that lives as long as the transaction and is
-- undone with a savepoint, just as the rings are. It begins with the xid, so that whatever a session
-- has set there by itself is not believed.
CREATE OR REPLACE FUNCTION rowcall.ring(topic text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine text := pg_current_xact_id()::text || E'\n';
    rung text := current_setting('rowcall.rung', true);  -- mine, then a line per topic, or mine and a star
BEGIN
    IF rung IS NULL OR NOT starts_with(rung, mine) THEN
        rung := mine;
    END IF;
    IF rung = mine || '*' OR strpos(rung, E'\n' || topic || E'\n') > 0 THEN
        RETURN;
    END IF;
    IF topic IS NULL OR octet_length(topic) > 200 OR strpos(topic, E'\n') > 0
        OR array_length(string_to_array(rung, E'\n'), 1) > 5 THEN
        PERFORM set_config('rowcall.rung', mine || '*', true);
        PERFORM pg_notify('rowcall', '{}');
        RETURN;
    END IF;
    PERFORM set_config('rowcall.rung', rung || topic || E'\n', true);
    PERFORM pg_notify('rowcall', '{"topic":' || to_json(topic)::text || '}');
END $$;

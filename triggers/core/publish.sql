-- Filing an event and ringing for it. The order is the protocol: see docs/architecture.md.

-- publish files one event of the calling transaction, for everybody who may: trigger functions of any owner, and SQL
-- clients. It cannot fail for reasons of its own: it casts nothing that could be refused, and has no exception block,
-- which would cost an xid a row and hide gaps. An event without a topic or a type has nobody to go to and is not filed.
--
-- Writers run this for every row. So it has no SET clause and calls no function that is not put into its expressions;
-- every name, operator and type is qualified, so search_path has no effect.
CREATE OR REPLACE FUNCTION rowcall.publish(topic text, type text, data json, role text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    slot pg_catalog.int2 := rowcall.writing_slot();
    -- The caller's text may have a collation in which texts cannot be searched. A topic that nobody can follow, because it
    -- is longer than 200 bytes, is cut to what an index can hold; it stays longer than 200.
    name pg_catalog.text COLLATE pg_catalog."C" := pg_catalog."left"(topic, 600) COLLATE pg_catalog."C";
BEGIN
    -- Resets are rowcall.reset's alone: one that is published is not filed.
    IF slot IS NULL OR topic IS NULL OR type IS NULL OR type OPERATOR(pg_catalog.=) 'rowcall.reset' THEN
        RETURN;
    END IF;

    -- 1. The row, which also gives the transaction its xid.
    INSERT INTO rowcall.log (slot, topic, type, role, data) VALUES (slot, name, type, role, data::pg_catalog.text);

    -- 2. Only then the gate. Asked earlier, a listener could go to sleep in between and miss this event.
    IF type OPERATOR(pg_catalog.=) 'rowcall.access' THEN
        name := NULL;  -- who may follow a topic matters to followers of every topic below it
    END IF;
    IF rowcall.ringing() THEN
        IF rowcall.must_ring(name) THEN
            PERFORM rowcall.ring(name);
        END IF;
    END IF;
END $$;

-- ring tells listeners where to look, once per topic and transaction; after four topics, or for none, once
-- for all of them. What has been rung is kept in a setting that lives as long as the transaction and is
-- undone with a savepoint, just as the rings are. It begins with the xid, so that whatever a session
-- has set there by itself is not believed. No SET clause here either.
CREATE OR REPLACE FUNCTION rowcall.ring(topic text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- The xid, then a line per topic, or a star
    mine pg_catalog.text := pg_catalog.pg_current_xact_id()::pg_catalog.text OPERATOR(pg_catalog.||) E'\n';
    rung pg_catalog.text := pg_catalog.current_setting('rowcall.rung', true);
BEGIN
    IF rung IS NULL OR NOT pg_catalog.starts_with(rung, mine) THEN
        rung := mine;
    END IF;
    IF rung OPERATOR(pg_catalog.=) (mine OPERATOR(pg_catalog.||) '*')
        OR pg_catalog.strpos(rung, pg_catalog.concat(E'\n', topic, E'\n')) OPERATOR(pg_catalog.>) 0 AND topic IS NOT NULL THEN
        RETURN;
    END IF;
    IF topic IS NULL OR pg_catalog.octet_length(topic) OPERATOR(pg_catalog.>) 200
        OR pg_catalog.strpos(topic, E'\n') OPERATOR(pg_catalog.>) 0
        OR pg_catalog.array_length(pg_catalog.string_to_array(rung, E'\n'), 1) OPERATOR(pg_catalog.>) 5 THEN
        rung := pg_catalog.set_config('rowcall.rung', mine OPERATOR(pg_catalog.||) '*', true);
        PERFORM pg_catalog.pg_notify('rowcall', '{}');
        RETURN;
    END IF;
    rung := pg_catalog.set_config('rowcall.rung', pg_catalog.concat(rung, topic, E'\n'), true);
    PERFORM pg_catalog.pg_notify('rowcall', pg_catalog.concat('{"topic":', pg_catalog.to_json(topic), '}'));
END $$;

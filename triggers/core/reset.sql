-- Reset events: followers are told, in the order of the log, that what they know is out of date.

-- reset tells the followers of some topics, of those above and of those below, to read their state again. A topic
-- may have parameters, as in orders/{customer_id}. The reason is truncate, schema or triggers. One event is filed for
-- each topic, under / and what comes before the first parameter: replays find it there, and nothing else is filed so.
--
-- A reset that this transaction has just filed is not filed again, if nobody has filed anything since: TRUNCATE of a partitioned
-- table fires a trigger for the table and one for each partition.
--
-- A caller can make every client read its state again. So only the schema's owner and rowcall_server may execute it.
-- Trigger functions call it with the rights of their owner.
CREATE OR REPLACE FUNCTION rowcall.reset(topics text[], reason text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    slot smallint := rowcall.writing_slot();
    named text;
BEGIN
    IF slot IS NULL OR rowcall.has_just_reset(topics, reason) THEN
        RETURN;
    END IF;
    FOREACH named IN ARRAY coalesce(topics, '{}') LOOP
        IF named IS NOT NULL THEN
            INSERT INTO rowcall.log (slot, topic, type, data)
            VALUES (slot, rowcall.reset_topic(named), 'rowcall.reset', rowcall.reset_data(named, reason));
        END IF;
    END LOOP;
    -- Only then the gate, as in publish. The ring names no topic: followers of many may be meant.
    IF rowcall.must_ring(NULL) THEN
        PERFORM rowcall.ring(NULL);
    END IF;
END $$;

-- reset_topic is what a reset event is filed under, and reset_data what it says.
CREATE OR REPLACE FUNCTION rowcall.reset_topic(named text)
RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN left('/' || rtrim(split_part(named, '{', 1), '/'), 600);
END $$;

CREATE OR REPLACE FUNCTION rowcall.reset_data(named text, reason text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN json_build_object('topics', json_build_array(named), 'reason', reason)::text;
END $$;

-- has_just_reset reports whether the last events of the log are these resets, and of this transaction: as many ids as there are
-- topics were given out, and none later. It reads by the index on topic and xid.
CREATE OR REPLACE FUNCTION rowcall.has_just_reset(topics text[], reason text)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named  constant text[] := ARRAY(SELECT DISTINCT u.name FROM unnest(topics) u (name) WHERE u.name IS NOT NULL);
    latest constant bigint := (SELECT i.last_value FROM rowcall.log_id i);
BEGIN
    RETURN (SELECT count(DISTINCT l.data) FROM rowcall.log l
            WHERE l.xid = pg_current_xact_id_if_assigned() AND l.id > latest - cardinality(named) AND l.type = 'rowcall.reset'
              AND l.topic = ANY (ARRAY(SELECT rowcall.reset_topic(u.name) FROM unnest(named) u (name)))
              AND l.data = ANY (ARRAY(SELECT rowcall.reset_data(u.name, reason) FROM unnest(named) u (name)))) = cardinality(named);
END $$;

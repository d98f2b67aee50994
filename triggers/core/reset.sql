-- Reset events: followers are told, in the order of the log, that what they know is out of date.

-- reset tells the followers of some topics, of those above and of those below, to read their state again. A topic
-- may have parameters, as in orders/{customer_id}. The reason is truncate, schema or triggers. One event is filed for
-- each topic, under / and what comes before the first parameter: replays find it there, and nothing else is filed so.
--
-- A caller can make every client read its state again. So only the schema's owner and rowcall_server may execute it.
-- Trigger functions call it with the rights of their owner.
CREATE OR REPLACE FUNCTION rowcall.reset(topics text[], reason text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    slot smallint := rowcall.writing_slot();
    named text;
BEGIN
    IF slot IS NULL THEN
        RETURN;
    END IF;
    FOREACH named IN ARRAY coalesce(topics, '{}') LOOP
        IF named IS NOT NULL THEN
            INSERT INTO rowcall.log (slot, topic, type, data)
            VALUES (slot, left('/' || rtrim(split_part(named, '{', 1), '/'), 600), 'rowcall.reset',
                json_build_object('topics', json_build_array(named), 'reason', reason)::text);
        END IF;
    END LOOP;
    -- Only then the gate, as in publish. The ring names no topic: followers of many may be meant.
    IF rowcall.must_ring(NULL) THEN
        PERFORM rowcall.ring(NULL);
    END IF;
END $$;

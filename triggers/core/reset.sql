-- Reset events: followers are told, in the order of the log, that what they know is out of date.

-- reset tells the followers of some topics, of those above and of those below, to read their state again. A topic
-- may have parameters, as in orders/{customer_id}. The reason is truncate, schema or triggers. One event is filed for
-- each topic, under / and what comes before the first parameter: replays find it there, and nothing else is filed so.
--
-- Whoever may call this makes every client read its state again, so it is nobody's but the owner's and the server's:
-- trigger functions call it with the rights of their owner.
CREATE OR REPLACE FUNCTION rowcall.reset(topics text[], reason text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY coalesce(topics, '{}') LOOP
        PERFORM rowcall.publish('/' || rtrim(split_part(named, '{', 1), '/'), 'rowcall.reset',
            json_build_object('topics', json_build_array(named), 'reason', reason));
    END LOOP;
END $$;

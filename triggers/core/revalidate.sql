-- Access events: who may follow is asked again, in the order of the log.

-- revalidate asks again for a topic and all below it, of everybody or of one user. The topic '' is above
-- all others.
CREATE OR REPLACE FUNCTION rowcall.revalidate(topic text, user_id text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.publish(topic, 'rowcall.access',
        coalesce('{"user_id":' || to_json(user_id)::text || '}', '{}')::json);
END $$;

-- revalidate_user asks again for all topics of one user: deactivated, logged out, staff taken away.
-- Without a user there is nothing to ask.
CREATE OR REPLACE FUNCTION rowcall.revalidate_user(user_id text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF user_id IS NOT NULL THEN
        PERFORM rowcall.revalidate('', user_id);
    END IF;
END $$;

-- on_truncate stands for the rows that TRUNCATE does not name: everybody below the topic is asked again.
CREATE OR REPLACE FUNCTION rowcall.on_truncate()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.revalidate(TG_ARGV[0]);
    RETURN NULL;
END $$;

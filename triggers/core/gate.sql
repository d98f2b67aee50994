-- What nodes turn: whether writers ring, and how long triggers go on filing.

-- flip_gate turns the gate if it is still the generation expected, tells every listener at commit, and
-- returns the generation that holds now.
CREATE OR REPLACE FUNCTION rowcall.flip_gate(expected bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    generation bigint := (SELECT last_value FROM rowcall.gate);
BEGIN
    IF generation = expected THEN
        generation := nextval('rowcall.gate');
        PERFORM pg_notify('rowcall', '{"gate":' || generation || '}');
    END IF;
    RETURN generation;
END $$;

-- keep_alive lets triggers file events until the given second since 1970, never shorter than they do
-- already, and returns until when they did before: in the past, events are missing.
CREATE OR REPLACE FUNCTION rowcall.keep_alive(until bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before bigint := (SELECT last_value FROM rowcall.alive);
BEGIN
    IF until > before THEN
        PERFORM setval('rowcall.alive', until);
    END IF;
    RETURN before;
END $$;

-- Functions for triggers whose table has changed.
--
-- A session keeps the plan of an expression such as NEW.id together with the type that the column had. After ALTER TABLE
-- ... TYPE the expression is an error in every open session, and after RENAME or DROP COLUMN in all sessions. No writer
-- may fail for that. So the trigger functions of the apps spell their events in a block that catches such errors:
--
--     LOOP
--         BEGIN
--             ... spell the events from OLD and NEW ...
--             EXIT;
--         EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
--             CONTINUE WHEN rowcall.replan(SQLSTATE);
--             ... spell what is left of them from rowcall.fields(OLD) and rowcall.fields(NEW) ...
--             EXIT;
--         END;
--     END LOOP;
--     ... file them ...
--
-- The block reads and writes nothing: a block that wrote would cost a transaction id for every row.

-- replan reports whether it is of use to try again, with plans made anew: once a transaction, where a plan expects
-- another type than there is.
CREATE OR REPLACE FUNCTION rowcall.replan(state text)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine text := pg_current_xact_id()::text;
BEGIN
    IF state <> '42804' OR current_setting('rowcall.replanned', true) IS NOT DISTINCT FROM mine THEN
        RETURN false;
    END IF;
    PERFORM set_config('rowcall.replanned', mine, true);
    DISCARD PLANS;
    RETURN true;
END $$;

-- fields is a row as JSON, by the names that its columns have today; also for triggers that are written by hand, which
-- may be fired by any partition and must not care in which order that one has its columns. Times are written as
-- rowcall.iso writes them. It sets nothing, which would cost half as much again; every name and operator is qualified,
-- types too, so that search_path cannot matter.
CREATE OR REPLACE FUNCTION rowcall.fields(changed record)
RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    told pg_catalog.json := rowcall.json_with_iso(changed);
BEGIN
    IF pg_catalog.strpos(told::pg_catalog.text, E'\\u') OPERATOR(pg_catalog.>) 0 THEN
        RETURN rowcall.readable(told);
    END IF;
    RETURN told;
END $$;

-- readable is JSON without what PostgreSQL takes into a json column and cannot read again: escapes that stand for no
-- character here, such as u0000. Those that to_json itself writes stay.
CREATE OR REPLACE FUNCTION rowcall.readable(told json)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN regexp_replace(told::text, E'(\\\\\\\\)|\\\\u0000|\\\\u(?!00[01])[0-9a-fA-F]{4}', E'\\1', 'g');
END $$;

-- left_of is what is left of a row: the columns named, NULL where there is none of that name, and what is added.
CREATE OR REPLACE FUNCTION rowcall.left_of(changed record, names text[], added json DEFAULT '{}')
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 SET TimeZone = 'UTC' AS $$
DECLARE
    told json := rowcall.fields(changed);
BEGIN
    RETURN (SELECT json_object_agg(s.name, s.value ORDER BY s.place)
            FROM (SELECT n.name, told -> n.name, n.place FROM unnest(names) WITH ORDINALITY n (name, place)
                  UNION ALL SELECT a.key, a.value, 1000 FROM json_each(added) a) s (name, value, place));
END $$;

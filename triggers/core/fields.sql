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
-- character, such as u0000 and half of a surrogate pair. PostgreSQL reads escapes above U+007F only where the encoding of
-- the database has the character. In another encoding than UTF8 they become that character; one that it lacks is left out.
-- Each escape is converted once, however often it occurs: the block around it costs a subtransaction.
CREATE OR REPLACE FUNCTION rowcall.readable(told json)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept       text := regexp_replace(told::text, E'(\\\\\\\\|\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2})'
                           || E'|\\\\u0000|\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', E'\\1', 'g');
    parts      text := E'[^\\\\]+|(?:\\\\u[dD][89abAB][0-9a-fA-F]{2})?\\\\u[0-9a-fA-F]{4}|\\\\[^u]';
    escape     text;
    code       bigint;
    escapes    text[] := '{}';
    characters text[] := '{}';  -- that the escapes stand for
BEGIN
    IF getdatabaseencoding() = 'UTF8' THEN
        RETURN kept;
    END IF;
    FOR escape IN
        SELECT DISTINCT m.found[1] COLLATE "C" FROM regexp_matches(kept, parts, 'g') m (found) WHERE starts_with(m.found[1], E'\\u')
    LOOP
        code := ('x' || lpad(right(escape, 4), 16, '0'))::bit(64)::bigint;
        IF length(escape) = 12 THEN
            code := 65536 + (('x' || lpad(substr(escape, 3, 4), 16, '0'))::bit(64)::bigint - 55296) * 1024 + code - 56320;
        END IF;
        CONTINUE WHEN code < 128;
        escapes := array_append(escapes, escape);
        BEGIN
            characters := array_append(characters, convert_from(decode(to_hex(CASE  -- the bytes of UTF-8
                WHEN code < 2048 THEN 49280 + code / 64 * 256 + code % 64
                WHEN code < 65536 THEN 14712960 + code / 4096 * 65536 + code / 64 % 64 * 256 + code % 64
                ELSE 4034953344 + code / 262144 * 16777216 + code / 4096 % 64 * 65536 + code / 64 % 64 * 256 + code % 64 END), 'hex'), 'UTF8'));
        EXCEPTION WHEN untranslatable_character THEN
            characters := array_append(characters, '');
        END;
    END LOOP;
    RETURN (SELECT string_agg(coalesce(known.character, p.found[1]), '' ORDER BY p.place)
            FROM regexp_matches(kept, parts, 'g') WITH ORDINALITY p (found, place)
            LEFT JOIN unnest(escapes, characters) known (escape, character) ON known.escape = p.found[1] COLLATE "C");
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

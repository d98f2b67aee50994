-- Values as JSON, with every time that has a zone written as rowcall.iso writes it, however deep it lies: in arrays, ranges,
-- rows and domains. PostgreSQL itself writes 2021-06-01T10:00:00+00:00 there, and another offset in sessions with another
-- time zone. Both are the same time, but a client that compares texts takes them for different ones.

-- json_with_iso returns a value as JSON, with the times in it as rowcall.iso writes them. It has no SET clauses, because
-- these would slow every call down; every name, operator and type is qualified, so search_path has no effect. Only values
-- whose text contains a time of day take the slower path. PostgreSQL refuses to match a text of 256 MiB or more, so times
-- in values of more than 64 MiB stay as PostgreSQL writes them.
CREATE OR REPLACE FUNCTION rowcall.json_with_iso(value anyelement)
RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    here pg_catalog.json := pg_catalog.to_json(value);
BEGIN
    IF pg_catalog.octet_length(here::pg_catalog.text) OPERATOR(pg_catalog.<=) 67108864
        AND here::pg_catalog.text OPERATOR(pg_catalog.~) '[0-9]:[0-9]{2}:[0-9]{2}([.][0-9]+)?[ +-]' THEN
        RETURN rowcall.with_iso(rowcall.json_at_utc(value), rowcall.json_at_other_zone(value));
    END IF;
    RETURN here;
END $$;

CREATE OR REPLACE FUNCTION rowcall.json_at_utc(value anyelement)
RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' AS $$
BEGIN
    RETURN to_json(value)::text;
END $$;

CREATE OR REPLACE FUNCTION rowcall.json_at_other_zone(value anyelement)
RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET TimeZone = '<+01>-01' SET DateStyle = 'ISO, YMD' AS $$
BEGIN
    RETURN to_json(value)::text;
END $$;

-- with_iso rewrites the times in JSON that was written for UTC, by comparing it with the same value written for another
-- zone: what looks like a time and is the same in both is text, and stays.
CREATE OR REPLACE FUNCTION rowcall.with_iso(at_utc text, elsewhere text)
RETURNS json LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    form constant text := '([0-9]{4,}-[0-9]{2}-[0-9]{2})([T ])([0-9]{2}:[0-9]{2}:[0-9]{2})([.][0-9]{1,6})?([+-][0-9]{2}(?::[0-9]{2})*)( BC)?';
BEGIN
    RETURN (
        SELECT string_agg(p.text || coalesce(t.text, ''), '' ORDER BY p.place)
        FROM regexp_split_to_table(at_utc, form) WITH ORDINALITY p (text, place)
        LEFT JOIN (
            SELECT a.place,
                   CASE WHEN a.part = b.part THEN concat(a.part[1], a.part[2], a.part[3], a.part[4], a.part[5], a.part[6])
                        ELSE concat(a.part[1], 'T', a.part[3], rpad(a.part[4], 7, '0'), 'Z', a.part[6]) END AS text
            FROM regexp_matches(at_utc, form, 'g') WITH ORDINALITY a (part, place)
            JOIN regexp_matches(elsewhere, form, 'g') WITH ORDINALITY b (part, place) USING (place)) t USING (place));
END $$;

-- parts_of is a type with the types of its parts, however deep: of an array, a range, a row, or a domain over any of these.
CREATE OR REPLACE FUNCTION rowcall.parts_of(type oid)
RETURNS SETOF oid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE part AS (
        SELECT type AS oid
        UNION
        SELECT s.oid FROM part JOIN pg_type t ON t.oid = part.oid CROSS JOIN LATERAL (
            SELECT t.typelem WHERE t.typcategory = 'A'
            UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
            UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
            UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        ) s (oid)
    )
    SELECT part.oid FROM part
$$;

-- holds_instants reports whether values of a type hold times with a zone within them. Rows of no known type may.
CREATE OR REPLACE FUNCTION rowcall.holds_instants(type oid)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM rowcall.parts_of(type) p (oid) WHERE p.oid IN ('timestamptz'::regtype, 'record'::regtype))
$$;

-- holds_json reports whether values of a type are, or hold within them, texts of JSON: the type json, which keeps its text,
-- and not jsonb. Rows of no known type may.
CREATE OR REPLACE FUNCTION rowcall.holds_json(type oid)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM rowcall.parts_of(type) p (oid) WHERE p.oid IN ('json'::regtype, 'record'::regtype))
$$;

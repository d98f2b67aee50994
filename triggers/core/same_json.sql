-- Whether a client has sent JSON back as it was shown. The type json keeps a text, with its blanks, its escapes, the order of
-- its keys and keys that come twice; a client that reads a document and writes it again keeps all of that but the blanks and
-- the spelling of characters. Such a document must not replace the one that is stored.

-- same_json reports whether two JSON texts differ in blanks between values and in the spelling of characters at most.
-- jsonb would be of no use: it forgets order, and refuses numbers and characters that json takes. PostgreSQL refuses to match
-- a text of 256 MiB or more, so texts of more than 64 MiB have to be equal.
CREATE OR REPLACE FUNCTION rowcall.same_json(shown json, sent json)
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF shown::text = sent::text COLLATE "C" OR greatest(octet_length(shown::text), octet_length(sent::text)) > 67108864 THEN
        RETURN shown::text = sent::text COLLATE "C";
    END IF;
    RETURN rowcall.plain_json(shown::text) = rowcall.plain_json(sent::text) COLLATE "C";
END $$;

-- plain_json is a JSON text without blanks between its values, and with each character spelled as PostgreSQL spells it.
CREATE OR REPLACE FUNCTION rowcall.plain_json(told text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    compact text := regexp_replace(told, E'("(?:[^"\\\\]|\\\\.)*")|\\s+', E'\\1', 'g');
    parts   text := E'[^\\\\]+|\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\\\u[0-9a-fA-F]{4}|\\\\.';
    escapes text[] := '{}';
    plain   text[] := '{}';  -- the spellings of the characters that the escapes stand for
    escape  text;
BEGIN
    IF strpos(compact, E'\\') = 0 THEN
        RETURN compact;
    END IF;
    FOR escape IN
        SELECT DISTINCT m.found[1] COLLATE "C" FROM regexp_matches(compact, parts, 'g') m (found) WHERE starts_with(m.found[1], E'\\')
    LOOP
        escapes := array_append(escapes, escape);
        BEGIN
            plain := array_append(plain, btrim(to_json(('"' || escape || '"')::json #>> '{}')::text, '"'));
        EXCEPTION WHEN data_exception OR feature_not_supported THEN  -- stands for no character, or for none of this database's encoding
            plain := array_append(plain, lower(escape));
        END;
    END LOOP;
    RETURN (SELECT string_agg(coalesce(known.plain, p.found[1]), '' ORDER BY p.place)
            FROM regexp_matches(compact, parts, 'g') WITH ORDINALITY p (found, place)
            LEFT JOIN unnest(escapes, plain) known (escape, plain) ON known.escape = p.found[1] COLLATE "C");
END $$;

-- Texts as parts of topics.

-- segment writes a text as one part of a topic: what is not A-Z a-z 0-9 _ : . - ~ ! ' ( ) * is percent-encoded, byte for
-- byte of UTF-8, with capital letters; and so are the texts . and .. themselves. It has no SET clause, because writers
-- call it for every row; every name and operator is qualified. A text is compared bytewise: in its own collation it could
-- equal another text. A text longer than any topic is cut to 600 characters.
CREATE OR REPLACE FUNCTION rowcall.segment(value text)
RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    IF pg_catalog.translate(value COLLATE pg_catalog."C", 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.-~!''()*', '') OPERATOR(pg_catalog.=) ''
        AND (pg_catalog.btrim(value COLLATE pg_catalog."C", '.') OPERATOR(pg_catalog.<>) '' OR pg_catalog.length(value) OPERATOR(pg_catalog.>) 2
            OR pg_catalog.length(value) OPERATOR(pg_catalog.=) 0) THEN
        RETURN value;
    END IF;
    RETURN rowcall.escaped_segment(pg_catalog."left"(value, 600));
END $$;

CREATE OR REPLACE FUNCTION rowcall.escaped_segment(value text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plain constant bytea := 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:-~!''()*'
        || CASE WHEN value COLLATE "C" IN ('.', '..') THEN '' ELSE '.' END;
    bytes bytea := rowcall.utf8(value);
BEGIN
    RETURN (SELECT string_agg(CASE WHEN position(substr(bytes, n, 1) IN plain) > 0 THEN convert_from(substr(bytes, n, 1), 'SQL_ASCII')
                                   ELSE '%' || upper(encode(substr(bytes, n, 1), 'hex')) END, '' ORDER BY n)
            FROM generate_series(1, length(bytes)) n);
END $$;

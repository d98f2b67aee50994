-- Text for clients, which get UTF-8 whatever the encoding of the database is.

-- utf8 is a text in UTF-8. The encoding of a database may have characters that Unicode does not, such as the byte 81 in
-- WIN1252; each of these becomes U+FFFD. PostgreSQL can only say that a text holds one, so that the text is halved until
-- they are alone: that is quick as long as they are few. An SQL_ASCII database has bytes, not characters: they are
-- returned as they are.
CREATE OR REPLACE FUNCTION rowcall.utf8(value text)
RETURNS bytea LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    half integer := length(value) / 2;
BEGIN
    BEGIN
        RETURN convert_to(value, 'UTF8');
    EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN
        NULL;
    END;
    IF getdatabaseencoding() = 'SQL_ASCII' THEN
        RETURN convert_to(value, 'SQL_ASCII');
    ELSIF half = 0 THEN
        RETURN E'\\xefbfbd'::bytea;
    END IF;
    RETURN rowcall.utf8(left(value, half)) || rowcall.utf8(substr(value, half + 1));
END $$;

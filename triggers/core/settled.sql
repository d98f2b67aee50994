-- Values of declared tables as JSON: the same text in every session.

-- json_settled is json_with_iso with all settings fixed on which the text of a value can depend: how intervals, floats,
-- bytea, money and ranges of times are written, and which names are qualified. Its SET clauses cost each call, so
-- generated functions call it for columns of such types only, and for rows whose table has changed.
CREATE OR REPLACE FUNCTION rowcall.json_settled(value anyelement)
RETURNS json LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'iso_8601' SET extra_float_digits = 1
SET bytea_output = 'hex' SET lc_monetary = 'C' SET quote_all_identifiers = off SET TimeZone = 'UTC' AS $$
BEGIN
    RETURN rowcall.json_with_iso(value);
END $$;

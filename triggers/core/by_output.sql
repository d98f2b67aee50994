-- Values of types that are not PostgreSQL's own, as JSON, without any code of whoever made the type.
--
-- to_json(value) calls a cast to json, and value::text one to text, where the owner of the type has made one. Generated
-- functions have the rights of the owner of schema rowcall, and must not run such code. So values of enums, ranges and
-- composite types are written by the output functions of their parts, which are PostgreSQL's own, or a superuser's. The text
-- is that of to_json where there is no cast. Nothing is looked up in pg_cast: a transaction may not see a cast there that
-- to_json finds all the same. A type that the transaction does not see in the catalog is written by its output function.

-- json_by_output is json_settled that calls no casts but those of a superuser's types.
CREATE OR REPLACE FUNCTION rowcall.json_by_output(value anyelement)
RETURNS json LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'iso_8601' SET extra_float_digits = 1
SET bytea_output = 'hex' SET lc_monetary = 'C' SET quote_all_identifiers = off SET TimeZone = 'UTC' SET array_nulls = on AS $$
DECLARE
    form text := rowcall.form_of(pg_typeof(value));
    utc  text;
BEGIN
    CASE
        WHEN num_nulls(value) = 1 THEN RETURN NULL;
        WHEN form = 'plain' THEN RETURN rowcall.json_with_iso(value);
        WHEN form = 'row' THEN RETURN rowcall.json_of_fields(value, rowcall.fields_of(pg_typeof(value)));
        WHEN form = 'rows' THEN RETURN rowcall.json_of_rows(value);
        WHEN form = 'texts' THEN utc := to_json(concat(value)::text[]);
        ELSE utc := to_json(concat(value));
    END CASE;
    PERFORM set_config('TimeZone', '<+01>-01', true);  -- as in json_with_iso; until the function returns
    RETURN rowcall.with_iso(utc, CASE form WHEN 'texts' THEN to_json(concat(value)::text[]) ELSE to_json(concat(value)) END::text);
END $$;

-- json_of_fields is a row as JSON, with those of the named columns that it has. It reads no others.
CREATE OR REPLACE FUNCTION rowcall.json_of_fields(value anyelement, names text[])
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name   text;
    field  json;
    fields text[] := '{}';
BEGIN
    FOREACH name IN ARRAY names LOOP
        BEGIN
            EXECUTE format('SELECT rowcall.json_by_output(($1).%I)', name) INTO field USING value;
            fields := array_append(fields, concat(to_json(name), ':', coalesce(field::text, 'null')));
        EXCEPTION WHEN undefined_column THEN  -- it has been renamed or dropped
        END;
    END LOOP;
    RETURN concat('{', array_to_string(fields, ','), '}');
END $$;

-- json_of_rows is an array of rows as JSON. Elements come one after the other, whatever the number of dimensions is: a
-- dimension begins and ends wherever as many elements have passed as it holds.
CREATE OR REPLACE FUNCTION rowcall.json_of_rows(value anyelement)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    elements text[] := ARRAY(SELECT coalesce(rowcall.json_by_output(e.element)::text, 'null') FROM (SELECT unnest(value) AS element) e);
    size     int := 1;
    sizes    int[] := '{}';
BEGIN
    IF cardinality(value) = 0 THEN
        RETURN '[]';
    END IF;
    FOR dimension IN REVERSE array_ndims(value)..1 LOOP
        size := size * array_length(value, dimension);
        sizes := array_append(sizes, size);
    END LOOP;
    RETURN (SELECT string_agg(concat(
                repeat('[', (SELECT count(*) FROM unnest(sizes) s (size) WHERE (e.place - 1) % s.size = 0)::int), e.told,
                repeat(']', (SELECT count(*) FROM unnest(sizes) s (size) WHERE e.place % s.size = 0)::int)), ',' ORDER BY e.place)
            FROM unnest(elements) WITH ORDINALITY e (told, place));
END $$;

-- kernel_of is the type behind domains and arrays, and whether there was an array. It ends at PostgreSQL's own types.
CREATE OR REPLACE FUNCTION rowcall.kernel_of(type oid, OUT kernel oid, OUT listed boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE behind AS (
        SELECT type AS oid, false AS listed, 0 AS depth
        UNION ALL
        SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END, b.listed OR t.typtype <> 'd', b.depth + 1
        FROM behind b JOIN pg_type t ON t.oid = b.oid
        WHERE b.oid >= 16384 AND (t.typtype = 'd' OR t.typcategory = 'A' AND t.typelem <> 0)
    )
    SELECT b.oid, b.listed FROM behind b ORDER BY b.depth DESC LIMIT 1
$$;

-- form_of says how values of a type are written: plain, for PostgreSQL's own types and a superuser's base types, whose casts
-- nobody else can make; row and rows, field by field; text and texts, by the output function.
CREATE OR REPLACE FUNCTION rowcall.form_of(type oid)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN k.kernel < 16384 AND k.kernel NOT IN ('record'::regtype, 'record[]'::regtype) THEN 'plain'
                WHEN t.typtype = 'b' AND (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = t.typowner) THEN 'plain'
                WHEN t.typtype = 'c' THEN CASE WHEN k.listed THEN 'rows' ELSE 'row' END
                WHEN k.listed THEN 'texts' ELSE 'text' END
    FROM rowcall.kernel_of(type) k LEFT JOIN pg_type t ON t.oid = k.kernel
$$;

-- fields_of lists the fields of a composite type.
CREATE OR REPLACE FUNCTION rowcall.fields_of(type oid)
RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
    FROM rowcall.kernel_of(type) k JOIN pg_type t ON t.oid = k.kernel JOIN pg_attribute a ON a.attrelid = t.typrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped
$$;

-- Tables in mode statement: whether the events of one statement can be put in order.
--
-- One statement may change a table in several ways: MERGE, INSERT ... ON CONFLICT DO UPDATE, several WITH, foreign keys that
-- delete some rows and update others. Triggers with transition tables then fire once for each way, each after the whole
-- statement. Their events are in order if deletes come before updates and these before inserts, and no row was changed twice:
-- a key is then given up before another row has it. That is so for MERGE and ON CONFLICT. Where it may not be so, the later
-- triggers file no events but a reset.
--
-- The setting rowcall.statements lives as long as the transaction and is undone with a savepoint. It has an entry for each
-- way in which a statement that is under way changes a table: "<oid of the table> <way> <depth of triggers> <hash>;". The hash
-- is of the stack of calls, which is the same for all ways of one statement, and longer in a statement of a function that this
-- one calls. The depth is ! where events of another way have been filed before it, in an order that may be wrong. Whoever sets
-- it by hand causes resets.

-- statement_begins adds an entry: BEFORE triggers call it.
CREATE OR REPLACE FUNCTION rowcall.statement_begins(relation oid, way text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    PERFORM set_config('rowcall.statements',
        concat(current_setting('rowcall.statements', true), relation, ' ', way, ' ', pg_trigger_depth(), ' ', hashtextextended(stack, 0), ';'), true);
END $$;

-- is_mixed reports whether events of the statement would be in an order that may be wrong: AFTER triggers ask before they
-- file. It is also true where no entry is there, because something has taken it away.
CREATE OR REPLACE FUNCTION rowcall.is_mixed(relation oid, way text)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((
        SELECT split_part(s.entry, ' ', 3) = '!'
        FROM string_to_table(current_setting('rowcall.statements', true), ';') WITH ORDINALITY s (entry, place)
        WHERE starts_with(s.entry, concat(relation, ' ', way, ' ')) ORDER BY s.place DESC LIMIT 1), true);
END $$;

-- statement_ends takes the last such entry away, after the trigger has filed. If it has filed any events, it marks the
-- other entries of the table, unless these are of the same statement, with the same stack of calls, without a foreign key's
-- action, which begins one deeper, and of ways that may come later.
CREATE OR REPLACE FUNCTION rowcall.statement_ends(relation oid, way text, filed boolean)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ways    constant text[] := '{DELETE,UPDATE,INSERT}';
    entries text[] := string_to_array(rtrim(current_setting('rowcall.statements', true), ';'), ';');
    own     integer := (SELECT max(s.place) FROM unnest(entries) WITH ORDINALITY s (entry, place)
                        WHERE starts_with(s.entry, concat(relation, ' ', way, ' ')));
    depth   text := split_part(entries[own], ' ', 3);
    stack   text := split_part(entries[own], ' ', 4);
BEGIN
    PERFORM set_config('rowcall.statements', coalesce((
        SELECT string_agg(CASE
                WHEN NOT filed OR split_part(s.entry, ' ', 1) <> relation::text THEN s.entry
                WHEN depth = pg_trigger_depth()::text AND split_part(s.entry, ' ', 3) = depth AND split_part(s.entry, ' ', 4) = stack
                    AND array_position(ways, way) < array_position(ways, split_part(s.entry, ' ', 2)) THEN s.entry
                ELSE concat(split_part(s.entry, ' ', 1), ' ', split_part(s.entry, ' ', 2), ' !')
            END || ';', '' ORDER BY s.place)
        FROM unnest(entries) WITH ORDINALITY s (entry, place) WHERE s.place IS DISTINCT FROM own), ''), true);
END $$;

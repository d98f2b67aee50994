-- The events of the present transaction, shown to people in psql before COMMIT.

-- preview lists the events that this transaction has filed before this statement, in the order in which they were filed. What
-- a rollback to a savepoint has undone is not among them. It reads by the index on xid, whatever the log holds, and gives the
-- transaction no xid.
--
-- A dump that came in may have rows with the xid of this transaction, until a node removes them. They were written by a
-- transaction that has ended. A row that is seen, and whose transaction is in progress, was written by this one.
CREATE OR REPLACE FUNCTION rowcall.preview()
RETURNS TABLE (topic text, type text, role text, data json) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    mine   constant xid8 := pg_current_xact_id_if_assigned();
    number constant bigint := mine::text::bigint;
BEGIN
    IF rowcall.writing_slot() IS NULL THEN
        RAISE NOTICE 'nothing is filed at present: no node has read the log for longer than log.abandon';
    END IF;
    -- xmin has 32 bits: the distance from this transaction, whose savepoints have later numbers, makes it an xid8.
    RETURN QUERY
    SELECT l.topic, l.type, l.role, l.data::json
    FROM rowcall.log l CROSS JOIN LATERAL (SELECT (l.xmin::text::bigint - number) & 4294967295 AS distance) later
    WHERE l.xid = mine
      AND CASE WHEN later.distance < 2147483648 THEN pg_xact_status((number + later.distance)::text::xid8) = 'in progress' END
    ORDER BY l.id;
END $$;

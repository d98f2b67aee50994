-- The event log and what its protocol needs. docs/architecture.md tells the protocol.

-- +goose Up

-- Ids order events. No cache: a session that kept ids back would file later events under earlier ids.
CREATE SEQUENCE rowcall.log_id CACHE 1;

-- Three facts that every writer reads, kept in sequences because a sequence is read outside MVCC: a
-- writer in a REPEATABLE READ transaction would see a row of a table as it was when it began.

-- slot: which partition of the log is written, modulo four. Retention advances it.
CREATE SEQUENCE rowcall.slot MINVALUE 0 START 0;
SELECT setval('rowcall.slot', 0);

-- gate: odd, writers ring; even, they do not. Its value is the generation that listeners compare.
CREATE SEQUENCE rowcall.gate;
SELECT setval('rowcall.gate', 1);

-- alive: until when triggers file events, in seconds since 1970. Nodes push it ahead of them.
CREATE SEQUENCE rowcall.alive MINVALUE 0 START 0;
SELECT setval('rowcall.alive', extract(epoch FROM clock_timestamp())::bigint + 86400);

-- No constraint but NOT NULL, and no type that could refuse a text: filing must not fail.
CREATE TABLE rowcall.log (
    slot  smallint    NOT NULL,
    id    bigint      NOT NULL DEFAULT nextval('rowcall.log_id'),
    xid   xid8        NOT NULL DEFAULT pg_current_xact_id(),  -- of the transaction, not of its savepoint
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    topic text        NOT NULL COLLATE "C",                   -- bytewise, so that a range finds what lies below
    type  text        NOT NULL,
    role  text,                                               -- the only role that may see it; NULL for all
    data  text                                                -- JSON text
) PARTITION BY LIST (slot);

-- Slots are emptied by TRUNCATE, so vacuum need not visit rows that were only inserted. Statistics
-- matter: without them the planner may read a whole slot for the few rows behind a cursor.
CREATE TABLE rowcall.log_0 PARTITION OF rowcall.log FOR VALUES IN (0)
    WITH (autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0.05);
CREATE TABLE rowcall.log_1 PARTITION OF rowcall.log FOR VALUES IN (1)
    WITH (autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0.05);
CREATE TABLE rowcall.log_2 PARTITION OF rowcall.log FOR VALUES IN (2)
    WITH (autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0.05);
CREATE TABLE rowcall.log_3 PARTITION OF rowcall.log FOR VALUES IN (3)
    WITH (autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0.05);

-- Replays of one topic and of what lies below it.
CREATE INDEX log_topic_xid ON rowcall.log (topic, xid);

-- Polls: what the last snapshot had not seen. Made last: of two indexes that seem to cost the same, as on a slot
-- that was just emptied, the planner takes the newer.
CREATE INDEX log_xid ON rowcall.log (xid);

-- floor: the highest xid that retention has ever dropped, and the snapshot taken at that moment.
CREATE TABLE rowcall.floor (
    xid  xid8        NOT NULL,
    snap pg_snapshot NOT NULL
);
CREATE UNIQUE INDEX floor_one_row ON rowcall.floor ((true));
INSERT INTO rowcall.floor (xid, snap) VALUES ('0', pg_current_snapshot());

-- boot: names this history of the log. UNLOGGED on purpose: a crash, a promotion and a restored base
-- backup empty it, and cursors of before are then known to be of another history.
CREATE UNLOGGED TABLE rowcall.boot (
    id                uuid   NOT NULL DEFAULT gen_random_uuid(),
    system_identifier bigint NOT NULL,
    database_oid      oid    NOT NULL
);
CREATE UNIQUE INDEX boot_one_row ON rowcall.boot ((true));

-- Every writer reads three numbers for every row. They move into one sequence, because each sequence costs a lock and a page.
-- triggers/core/state.sql says how the value is packed: until when triggers file events, the generation of the gate, and
-- how often the log went on to another slot.
--
-- The three old sequences stay, and nothing else reads them: writers and nodes of the version before this migration may
-- be at work until the functions are replaced and the nodes are.
--
-- IF NOT EXISTS: pg_restore --clean of an older dump leaves the sequence there.

-- +goose Up

CREATE SEQUENCE IF NOT EXISTS rowcall.state MINVALUE 0 START 512;
SELECT setval('rowcall.state', ((SELECT last_value FROM rowcall.alive) << 29)
    | ((SELECT last_value & 1048575 FROM rowcall.gate) << 9) | (SELECT last_value & 511 FROM rowcall.slot));

COMMENT ON SEQUENCE rowcall.slot IS 'not used any more: see rowcall.state';
COMMENT ON SEQUENCE rowcall.gate IS 'not used any more: see rowcall.state';
COMMENT ON SEQUENCE rowcall.alive IS 'not used any more: see rowcall.state';

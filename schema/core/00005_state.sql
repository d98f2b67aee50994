-- What every writer reads for every row, in one sequence instead of three: each sequence costs a lock and a page.
-- triggers/core/state.sql says how the value is packed: until when triggers file events, the generation of the gate, and
-- how often the log went on to another slot.
--
-- IF NOT EXISTS: pg_restore --clean of an older dump leaves the sequence there.

-- +goose Up

CREATE SEQUENCE IF NOT EXISTS rowcall.state MINVALUE 0 START 512;

-- Transactions that began before this migration may call rowcall.file once more, which reads the three old sequences. So
-- these stay where events were filed already. Nothing else reads them.
-- +goose StatementBegin
DO $$
BEGIN
    IF to_regclass('rowcall.alive') IS NULL THEN
        RETURN;
    END IF;
    PERFORM setval('rowcall.state', ((SELECT last_value FROM rowcall.alive) << 29)
        | ((SELECT last_value & 1048575 FROM rowcall.gate) << 9) | (SELECT last_value & 511 FROM rowcall.slot));
    IF (SELECT is_called FROM rowcall.log_id) THEN
        COMMENT ON SEQUENCE rowcall.slot IS 'not used any more: see rowcall.state';
        COMMENT ON SEQUENCE rowcall.gate IS 'not used any more: see rowcall.state';
        COMMENT ON SEQUENCE rowcall.alive IS 'not used any more: see rowcall.state';
    ELSE
        DROP SEQUENCE rowcall.slot, rowcall.gate, rowcall.alive;
    END IF;
END $$;
-- +goose StatementEnd

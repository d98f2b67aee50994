-- The row of boot names the table that it was written into and the transaction that wrote it. A row that a restore has
-- brought in can then be told from a row that Rowcall has written: a restore with --clean makes another table, and data
-- that is truncated and loaded again is written by another transaction. This migration rewrites the present row, so the
-- history of the log goes on.

-- +goose Up

ALTER TABLE rowcall.boot ADD COLUMN table_oid oid, ADD COLUMN made xid;
UPDATE rowcall.boot SET table_oid = tableoid, made = pg_current_xact_id()::xid;

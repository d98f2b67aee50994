-- What a row of boot says of itself, so that a row that a restore brings in is known for one: the table that it was
-- written into, and the transaction that wrote it. A restore with --clean makes another table; data that is truncated
-- and loaded again is written by another transaction. The row that is there goes on: it is written anew, by this one.

-- +goose Up

ALTER TABLE rowcall.boot ADD COLUMN table_oid oid, ADD COLUMN made xid;
UPDATE rowcall.boot SET table_oid = tableoid, made = pg_current_xact_id()::xid;

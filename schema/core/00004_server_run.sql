-- The runs of the server in which a node has read the log. If the files of a server that was shut down are put back, the
-- runs that came later are not in the table any more, and a node that has read in such a run knows that its history was
-- undone. UNLOGGED as boot is: after a crash there is another history anyway.

-- IF NOT EXISTS: pg_restore --clean of an older dump leaves the table there.

-- +goose Up

CREATE UNLOGGED TABLE IF NOT EXISTS rowcall.server_run (
    started timestamptz NOT NULL  -- when the server was
);
CREATE UNIQUE INDEX IF NOT EXISTS server_run_once ON rowcall.server_run (started);

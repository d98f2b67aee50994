-- The tables of pgbench, with fewer rows.
CREATE SCHEMA bench;
CREATE TABLE bench.pgbench_branches (bid int NOT NULL, bbalance int, filler char(88), PRIMARY KEY (bid)) WITH (fillfactor = 100);
CREATE TABLE bench.pgbench_tellers (tid int NOT NULL, bid int, tbalance int, filler char(84), PRIMARY KEY (tid));
CREATE TABLE bench.pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84), PRIMARY KEY (aid));
CREATE TABLE bench.pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
INSERT INTO bench.pgbench_branches SELECT n, 0 FROM generate_series(1, 2) n;
INSERT INTO bench.pgbench_tellers SELECT n, 1 + n % 2, 0 FROM generate_series(1, 10) n;
INSERT INTO bench.pgbench_accounts SELECT n, 1 + n % 2, 0, '' FROM generate_series(1, 100) n;

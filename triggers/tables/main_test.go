package tables_test

import (
	"testing"

	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }

// shop is a database with names and tables of every kind.
const shop = `
	CREATE SCHEMA sales; CREATE SCHEMA "My Schema"; CREATE SCHEMA nothing;
	CREATE TYPE sales.state AS ENUM ('open', 'late');
	CREATE DOMAIN sales.code AS text NOT NULL;
	CREATE TABLE public.orders (id bigint PRIMARY KEY, customer_id int, shop uuid, state sales.state, day date, gift boolean, note text, secret text,
		total numeric(10, 2), twice numeric GENERATED ALWAYS AS (total * 2) STORED);
	CREATE TABLE "My Schema"."Order.Items ""ä""" ("Item Id" uuid PRIMARY KEY, "orderId" bigint, "größe" text);
	CREATE TABLE sales.plain (note text);
	CREATE TABLE sales.deferred (id int PRIMARY KEY DEFERRABLE, code sales.code UNIQUE);
	CREATE TABLE sales.only_deferred (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
	CREATE TABLE sales.partial (id int NOT NULL, a int NOT NULL, b int);
	CREATE UNIQUE INDEX ON sales.partial (id) WHERE a > 0; CREATE UNIQUE INDEX ON sales.partial ((a + 1)); CREATE UNIQUE INDEX ON sales.partial (b);
	CREATE TABLE sales.parted (id int, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
	CREATE TABLE sales.parted_eu (region text NOT NULL, dropped int, id int NOT NULL);
	ALTER TABLE sales.parted_eu DROP dropped; ALTER TABLE sales.parted ATTACH PARTITION sales.parted_eu FOR VALUES IN ('eu');
	CREATE TABLE sales.parent (id int PRIMARY KEY, at timestamptz[]); CREATE TABLE sales.child (more int) INHERITS (sales.parent);
	CREATE VIEW sales.seen AS SELECT 1 AS id; CREATE MATERIALIZED VIEW sales.stored AS SELECT 1 AS id;
	CREATE FOREIGN DATA WRAPPER w; CREATE SERVER elsewhere FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE sales.far (id int) SERVER elsewhere;
	CREATE TABLE "My Schema".a23456789012345678901234567890123456789012345678901234567890123 (id smallint PRIMARY KEY)`

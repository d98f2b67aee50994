package tables_test

import (
	"testing"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

func fingerprint(t *testing.T, db *schematest.Database, declared ...rules.Table) string {
	t.Helper()
	text, err := tables.Fingerprint(t.Context(), db.DB(t), declared)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The fingerprint changes with whatever a declaration depends on, and with nothing that happens all day. TestDrift has more.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, parted+`; CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE pair AS (a mood[], b int); CREATE DOMAIN pairs AS pair[];
		CREATE TABLE orders (id bigint PRIMARY KEY, note text, of pairs); CREATE TABLE other (id int PRIMARY KEY);
		CREATE SCHEMA whole; CREATE TABLE whole.first (id int PRIMARY KEY)`)
	declared := []rules.Table{
		{Table: "public.orders", Topics: topics("orders")},
		{Table: "public.sold", Topics: topics("sold/{region}")},
		{Table: "whole.*", Topics: topics("whole/{table}/{id}")},
	}
	apply(t, db, declared...)
	last := fingerprint(t, db, declared...)
	for _, c := range []struct {
		sql     string
		changes bool
	}{
		{`INSERT INTO orders VALUES (1); INSERT INTO sold VALUES (1, 'eu'); ANALYZE orders; CREATE TEMP TABLE mine (id int)`, false},
		{`TRUNCATE orders, sold; DROP TABLE other; CREATE TABLE other (id int PRIMARY KEY, more text); CREATE TABLE public.first (id int)`, false},
		{`ALTER TABLE sold RENAME at TO placed_at`, true},
		{`CREATE TABLE sold_as (region text NOT NULL, placed_at timestamptz, id bigint NOT NULL); ALTER TABLE sold ATTACH PARTITION sold_as FOR VALUES IN ('as')`, true},
		{`ALTER TABLE sold DETACH PARTITION sold_as`, true},
		{`DROP TRIGGER "0_rowcall_truncate" ON sold_eu_1`, true},
		{`ALTER TABLE orders RENAME TO former`, true},
		{`CREATE TABLE orders (id bigint PRIMARY KEY, note text, of pairs)`, true},
		{`CREATE TRIGGER own AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION rowcall."public.orders"()`, true},
		{`ALTER TABLE orders DROP CONSTRAINT orders_pkey1`, true},
		{`ALTER TYPE mood RENAME TO feeling`, true},
		{`ALTER TYPE pair ADD ATTRIBUTE c timestamptz`, true},
		{`ALTER DOMAIN pairs SET NOT NULL`, true},
		{`ALTER TABLE orders ENABLE ROW LEVEL SECURITY`, true},
		{`CREATE TABLE whole.second (id int PRIMARY KEY)`, true},
		{`ALTER SCHEMA whole RENAME TO other`, true},
		{`DROP SCHEMA rowcall CASCADE`, true},
	} {
		db.Exec(t, c.sql)
		now := fingerprint(t, db, declared...)
		if (now != last) != c.changes {
			t.Errorf("%s: the fingerprint is %s, and was %s; want a change: %v", c.sql, now, last, c.changes)
		}
		last = now
	}
}

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

const driftTables = `
CREATE TABLE orders (id bigint PRIMARY KEY, status text);
CREATE TABLE sold (id bigint, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE sold_eu PARTITION OF sold FOR VALUES IN ('eu');
CREATE TABLE sold_us (LIKE sold INCLUDING ALL);
CREATE TABLE busy (id int PRIMARY KEY);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO rowcall_server`

// driftConfig has topics whose access reads the table busy. While that is locked, preparing each of them again takes seconds.
func driftConfig() string {
	config := `
auth: {users: {table: "-"}}
tables:
  - {table: public.orders, topics: [{topic: orders, allow: public}]}
  - {table: public.sold, topics: [{topic: "sold/{region}", allow: public}]}
topics:
`
	for i := range 10 {
		config += fmt.Sprintf("  - {topic: \"busy%d/{id:int}\", allow: public, access: \"SELECT EXISTS (SELECT FROM busy WHERE id = @id) AS allowed\"}\n", i)
	}
	return config
}

// TestDriftIsNoticedWithinTenSeconds ruins declared tables while a node serves that has more to do with the catalog than it
// can: a table that ten of its settings need is locked all the time.
func TestDriftIsNoticedWithinTenSeconds(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, driftTables)
	file := filepath.Join(t.TempDir(), "drift.yaml")
	if err := os.WriteFile(file, []byte(driftConfig()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &rowcalltest.Server{Database: db, Env: map[string]string{
		"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db), "ROWCALL_DATABASE_MIGRATE_URL": db.URL,
		"ROWCALL_CONFIG": file, "ROWCALL_HTTP_ADDR": "127.0.0.1:0",
	}}
	rowcalltest.Succeeds(t, s.Env, "apply")
	s = s.StartAnother(t)
	holder := db.Conn(t)
	if _, err := holder.Exec(t.Context(), `BEGIN; LOCK TABLE busy`); err != nil {
		t.Fatal(err)
	}
	tells := func(word, of string) {
		t.Helper()
		began := time.Now()
		rowcalltest.Eventually(t, func() bool {
			return strings.Contains(s.Anonymous().Fetch(t, 200, "GET", "/readyz", ""), word)
		}, "/readyz never says "+word+" after "+of)
		if took := time.Since(began); took > testdeadline.Scale(10*time.Second) {
			t.Errorf("/readyz says %s %v after %s, want at most 10s", word, took, of)
		}
	}
	const differs, fits = `"unfit":["tables"]`, `"unfit":[]`
	tells(fits, "the start")
	for _, c := range []struct{ ruin, mend string }{
		{`ALTER TABLE orders DISABLE TRIGGER "0_rowcall"`, `ALTER TABLE orders ENABLE ALWAYS TRIGGER "0_rowcall"`},
		{`DROP TRIGGER "0_rowcall_truncate" ON orders`,
			`CREATE TRIGGER "0_rowcall_truncate" AFTER TRUNCATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION rowcall."public.orders"();
			 ALTER TABLE orders ENABLE ALWAYS TRIGGER "0_rowcall_truncate"`},
		{`ALTER TABLE orders RENAME COLUMN status TO state`, `ALTER TABLE orders RENAME COLUMN state TO status`},
		{`ALTER TABLE sold ATTACH PARTITION sold_us FOR VALUES IN ('us')`, `ALTER TABLE sold DETACH PARTITION sold_us`},
	} {
		db.Exec(t, c.ruin)
		tells(differs, c.ruin)
		db.Exec(t, c.mend)
		tells(fits, c.mend)
	}
}

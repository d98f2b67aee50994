package pages

import (
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

const watchedShop = `
	CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int, status text NOT NULL DEFAULT 'open', total numeric(10, 2));
	CREATE TABLE "Order Items" (order_id bigint, line int, what jsonb, PRIMARY KEY (order_id, line));
	CREATE TABLE keyless (note text);
	INSERT INTO orders VALUES (1, 7, 'open', 10), (9007199254740993, 7, 'open', 20.50)`

// TestWatch starts rowcall watch on a database that knows nothing of Rowcall, as the owner of its tables. The page shows rows
// as psql writes them, and the terminal too. Afterwards the database is as it was.
func TestWatch(t *testing.T) {
	t.Parallel()
	b := rowcalltest.OpenBrowser(t)
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, watchedShop)
	owner := rowcalltest.OwnerURL(t, db)
	before := schemaOf(t, db)

	w := rowcalltest.StartWatch(t, owner, "public.*", "--detach")
	if left := w.Says(t, "Left out: "); !strings.Contains(left, "public.keyless has no primary key") {
		t.Errorf("of the table without a key it says %q", left)
	}
	address := w.Says(t, "page")
	tb := b.OpenTab(t)
	tb.Open(address)
	tb.ExpectElement("link", "public.orders")
	tb.Press("link", "public.orders")
	tb.ExpectElement("table", "Rows of public.orders")
	tb.ExpectText("2 rows No changes yet")
	if hash := rowcalltest.Evaluate[string](tb, `location.hash`); hash != "" {
		t.Errorf("the code is still in the address: %s", hash)
	}

	db.Psql(t, `INSERT INTO orders VALUES (3, 8, 'new <b>row</b>', 5)`)
	tb.ExpectText("3 rows 1 change, last insert of 3")
	tb.ExpectText("new <b>row</b>")
	photograph(tb, "live-insert")
	db.Psql(t, `UPDATE orders SET status = 'late' WHERE id = 9007199254740993`)
	tb.ExpectText("3 rows 2 changes, last update of 9007199254740993")
	tb.ExpectText("9007199254740993 7 late 20.5")
	db.Psql(t, `DELETE FROM orders WHERE id = 1`)
	tb.ExpectText("2 rows 3 changes, last delete of 1")
	tb.ExpectNoText("1 7 open")
	db.Psql(t, `TRUNCATE orders`)
	tb.ExpectText("No rows")
	for _, line := range []string{
		`orders  insert  id=3  {"id":3,"customer_id":8,"status":"new <b>row</b>","total":5.00}`,
		`orders  update  id=9007199254740993  status: "open" -> "late"`,
		`orders  delete  id=1  {"id":1,`,
		`orders  reset     truncate: the table was emptied`,
	} {
		rowcalltest.Eventually(t, func() bool { return strings.Contains(w.Stdout.String(), line) }, "the terminal never shows "+line)
	}

	tb.Press("link", `public."Order Items"`)
	tb.ExpectText("0 rows")
	db.Psql(t, `INSERT INTO "Order Items" VALUES (1, 2, '{"a": [1]}')`)
	tb.ExpectText("1 row 1 change, last insert of 1, 2")
	tb.ExpectText(`{"a":[1]}`)
	tb.Open(strings.Split(address, "#")[0]) // the cookie goes on
	tb.ExpectElement("link", "public.orders")

	second := b.OpenTab(t) // which shares no cookies
	second.AllowConsole("401")
	second.Open(address)
	second.ExpectText("The code is wrong, used")
	second.ExpectNoElement("link", "public.orders")

	tb.AllowCuts()
	second.AllowCuts()
	w.End(t)
	if after := schemaOf(t, db); after != before {
		t.Errorf("the database is not as it was:\n%s", after)
	}
}

// schemaOf is what pg_dump writes of a database's schema, without the lines that differ each time.
func schemaOf(t *testing.T, db *schematest.Database) string {
	t.Helper()
	var kept []string
	for line := range strings.Lines(db.Program(t, "pg_dump", "--schema-only")) {
		if !strings.HasPrefix(line, `\restrict`) && !strings.HasPrefix(line, `\unrestrict`) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

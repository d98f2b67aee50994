package pages

import (
	"os"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

const declaredShop = `
	CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int, status text NOT NULL DEFAULT 'open', secret text);
	CREATE TABLE tickets (id int PRIMARY KEY, seat text);
	GRANT SELECT ON orders, tickets TO rowcall_server;
	INSERT INTO orders SELECT n, 6 + n, 'early', 'pin' FROM generate_series(1, 2) n;
	INSERT INTO tickets SELECT n, 'seat ' || n FROM generate_series(1, 4) n`

const declaredTables = `
tables:
  - table: public.orders
    hide: [secret]
    topics:
      - {topic: orders, allow: staff}
      - {topic: "orders/{customer_id}", allow: authenticated, access: SELECT @customer_id < 9 AS allowed}
  - table: public.tickets
    limit: 3
    topics: [{topic: tickets, allow: staff}]
`

// serveDeclared starts an ordinary node whose file has declared tables beside the example applications.
func serveDeclared(t *testing.T) *rowcalltest.Server {
	t.Helper()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, declaredShop)
	file := rowcalltest.ExampleFile(t)
	example, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(example, declaredTables...), 0o600); err != nil {
		t.Fatal(err)
	}
	return rowcalltest.StartServerOn(t, db, map[string]string{
		"ROWCALL_CONFIG": file, "ROWCALL_DATABASE_MIGRATE_URL": db.URL, "ROWCALL_TABLES_APPLY": "true",
	})
}

// TestLive shows staff the rows of declared tables while psql writes them: those of all topics of a table, those of one value of
// a parameter, and those of a snapshot that was cut. Others are refused.
func TestLive(t *testing.T) {
	t.Parallel()
	b := rowcalltest.OpenBrowser(t)
	s := serveDeclared(t)
	admin := b.OpenTab(t)
	visit(s, admin, "admin", "live")
	admin.ExpectElement("table", "Rows of public.orders") // the first table, and its topic of all rows
	admin.ExpectText("2 rows No changes yet")
	for _, step := range []struct{ sql, summary, row string }{
		{`INSERT INTO orders VALUES (3, 7, 'new <b>row</b>', 'pin')`, "3 rows 1 change, last insert of 3", "3 7 new <b>row</b>"},
		{`UPDATE orders SET status = 'late' WHERE id = 2`, "3 rows 2 changes, last update of 2", "2 8 late"},
		{`UPDATE orders SET customer_id = 8 WHERE id = 1`, "3 rows 3 changes, last update of 1", "1 8 early"}, // from one lower topic to another
	} {
		s.Psql(t, step.sql)
		admin.ExpectText(step.summary)
		admin.ExpectText(step.row)
	}
	admin.ExpectNoText("1 7 early")
	s.Psql(t, `DELETE FROM orders WHERE id = 3`)
	admin.ExpectText("2 rows 4 changes, last delete of 3")
	admin.ExpectNoText("3 7 new")
	admin.ExpectNoText("pin")

	liveOfOneTopic(t, s, admin)
	liveOfManyRows(t, s, admin)
	liveIsForStaff(t, s, b)
}

// liveOfOneTopic gives a value to the parameter of a topic. Its rows enter and leave. Access is asked of staff too.
func liveOfOneTopic(t *testing.T, s *rowcalltest.Server, admin *rowcalltest.Tab) {
	t.Helper()
	choose(admin, "Topic", "orders/{customer_id}")
	admin.ExpectText("Give a value to see rows")
	admin.Fill("textbox", "customer_id", "8")
	admin.Press("button", "Show")
	admin.ExpectText("2 rows No changes yet")
	s.Psql(t, `UPDATE orders SET customer_id = 7 WHERE id = 1; INSERT INTO orders VALUES (4, 7)`) // neither is the customer's any more
	admin.ExpectText("1 row 1 change, last leave of 1")
	admin.ExpectNoText("1 8 early")
	s.Psql(t, `UPDATE orders SET customer_id = 8 WHERE id = 4`)
	admin.ExpectText("2 rows 2 changes, last enter of 4")
	admin.ExpectText("4 8 open")
	admin.Fill("textbox", "customer_id", "9")
	admin.Press("button", "Show")
	admin.ExpectText("Stopped you may not follow this topic")
	admin.ExpectNoElement("table", "Rows of public.orders")
}

// liveOfManyRows opens a table whose snapshot is cut. A row that is not in it appears when it changes.
func liveOfManyRows(t *testing.T, s *rowcalltest.Server, admin *rowcalltest.Tab) {
	t.Helper()
	admin.Press("link", "public.tickets")
	admin.ExpectElement("table", "Rows of public.tickets")
	admin.ExpectText("3 rows are shown. The table has more: other rows appear when they change. No changes yet")
	admin.ExpectNoText("seat 4")
	s.Psql(t, `UPDATE tickets SET seat = 'balcony' WHERE id = 4`)
	admin.ExpectText("4 balcony")
	admin.ExpectText("4 rows are shown. The table has more: other rows appear when they change. 1 change, last update of 4")
	s.Psql(t, `TRUNCATE tickets`)
	admin.ExpectText("No rows")
	admin.ExpectNoText("The table has more")
	admin.Open(s.Pages + "live?table=public.tickets") // its address
	admin.ExpectText("0 rows No changes yet")
}

// liveIsForStaff opens the page as nobody, and as a user who is not staff.
func liveIsForStaff(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	t.Helper()
	other := b.OpenTab(t)
	visit(s, other, "", "live")
	other.ExpectText("Log in with a staff account.")
	visit(s, other, "alice", "live")
	other.ExpectText("You are logged in as alice, which is not a staff account.")
	other.ExpectNoElement("link", "public.orders")
	for path, want := range map[string]int{"api/tables": 403, "v1/topics/orders": 403} {
		if got := s.Login(t, "alice").Status(t, path); got != want {
			t.Errorf("%s is answered to a user with %d, want %d", path, got, want)
		}
	}
	page := s.Login(t, "alice").OpenNative(t)
	if f := page.Subscribe("orders"); f.Code != "forbidden" {
		t.Errorf("a user who is not staff subscribes to all orders: %+v", f)
	}
}

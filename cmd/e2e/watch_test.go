package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// watchedOrders is a database with a table that knows nothing of Rowcall, and its URL as the owner of the table.
func watchedOrders(t *testing.T) (db *schematest.Database, owner string) {
	t.Helper()
	db = schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int)`)
	return db, rowcalltest.OwnerURL(t, db)
}

// madeByRowcall counts what is left of Rowcall.
const madeByRowcall = `
	SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'rowcall') || ' schema, ' ||
	       (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass) || ' triggers'`

// A watch that was killed leaves triggers that do no harm; the next one, or uninstall, removes them.
func TestWatchKilled(t *testing.T) {
	t.Parallel()
	db, owner := watchedOrders(t)
	env := map[string]string{"ROWCALL_DATABASE_URL": owner}
	for _, remedy := range [][]string{{"watch", "--detach"}, {"uninstall", "--yes"}} {
		rowcalltest.StartWatch(t, owner, "orders", "--detach").Kill()
		db.Psql(t, `INSERT INTO orders SELECT coalesce(max(id), 0) + 1, 7 FROM orders`)
		if got := strings.TrimSpace(db.Psql(t, madeByRowcall)); got != "1 schema, 2 triggers" {
			t.Errorf("after it was killed there are %s", got)
		}
		rowcalltest.Succeeds(t, env, remedy...)
		if got := strings.TrimSpace(db.Psql(t, madeByRowcall)); got != "0 schema, 0 triggers" {
			t.Errorf("after rowcall %v there are %s", remedy, got)
		}
	}
}

// Two watches follow one table: the first that ends takes nothing away from the other, and none changes what the other follows.
func TestTwoWatches(t *testing.T) {
	t.Parallel()
	db, owner := watchedOrders(t)
	first, second := rowcalltest.StartWatch(t, owner, "orders", "--detach"), rowcalltest.StartWatch(t, owner, "orders", "--detach")
	said := rowcalltest.Fails(t, map[string]string{"ROWCALL_DATABASE_URL": owner}, "watch", "orders", "--topic", "orders/{customer_id}")
	if !strings.Contains(said, "another rowcall watch follows public.orders") {
		t.Errorf("a third one with another topic says %s", said)
	}
	first.End(t)
	if !strings.Contains(first.Told.String(), "public.orders stays live: another rowcall watch follows it.") {
		t.Errorf("the first one says %s", first.Told)
	}
	db.Psql(t, `INSERT INTO orders VALUES (1, 7)`)
	second.After(t, "") // the first line
	if got := second.Stdout.String(); !strings.Contains(got, "orders  insert  id=1") {
		t.Errorf("the second one prints %q", got)
	}
	second.End(t)
	if got := strings.TrimSpace(db.Psql(t, madeByRowcall)); got != "0 schema, 0 triggers" {
		t.Errorf("after both there are %s", got)
	}
}

// Only the operator reads the tables, unless they are public; no page of another host name reaches the node.
func TestWatchIsForItsOperator(t *testing.T) {
	t.Parallel()
	_, owner := watchedOrders(t)
	for _, c := range []struct {
		args   []string
		path   string
		status int
	}{
		{nil, "v1/topics/orders", http.StatusUnauthorized},
		{[]string{"--public", "--topic", "orders/{customer_id}"}, "v1/topics/orders/7", http.StatusOK},
		{[]string{"--public", "--topic", "orders/{customer_id}"}, "api/tables", http.StatusUnauthorized},
	} {
		w := rowcalltest.StartWatch(t, owner, append([]string{"orders"}, c.args...)...)
		pages, _, _ := strings.Cut(w.Says(t, "page"), "live#code=")
		if got := statusOf(t, pages+c.path, ""); got != c.status {
			t.Errorf("%v: %s answers %d, want %d", c.args, c.path, got, c.status)
		}
		if got := statusOf(t, pages+c.path, "evil.example"); got != http.StatusMisdirectedRequest && got != http.StatusForbidden {
			t.Errorf("%v: for another host name %s answers %d", c.args, c.path, got)
		}
		if loud := strings.Contains(w.Told.String(), "PUBLIC"); loud != (len(c.args) > 0) {
			t.Errorf("%v: it says %s", c.args, w.Told)
		}
		w.End(t)
	}
}

func statusOf(t *testing.T, address, host string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// A pipe whose reader goes away ends a watch as Ctrl-C does, and it cleans up.
func TestWatchIntoAPipe(t *testing.T) {
	t.Parallel()
	db, owner := watchedOrders(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", fmt.Sprintf(`exec 3>&1; { "%s" watch orders --detach --json; echo "ended $?" >&3; } | head -n 1`, os.Getenv("ROWCALL_TEST_PROGRAM")))
	cmd.Env = append(os.Environ(), "ROWCALL_DATABASE_URL="+owner)
	out, told := rowcalltest.NewOutput(), rowcalltest.NewOutput()
	cmd.Stdout, cmd.Stderr = out, told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	told.After(t, "Changes follow.", ended)
	db.Psql(t, `INSERT INTO orders VALUES (1, 7)`)
	out.After(t, `{"data":{"op":"insert"`, ended)
	rowcalltest.Eventually(t, func() bool {
		db.Psql(t, `UPDATE orders SET customer_id = customer_id + 1`)
		return strings.Contains(out.String(), "ended 0")
	}, "it does not end with its reader")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := strings.TrimSpace(db.Psql(t, madeByRowcall)); got != "0 schema, 0 triggers" {
		t.Errorf("afterwards there are %s", got)
	}
}

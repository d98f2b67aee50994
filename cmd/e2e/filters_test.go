package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

const filteredShop = `
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'late', 'paid');
CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer_id int NOT NULL, status shop.state NOT NULL DEFAULT 'open', total numeric(10,2), note text, secret text);
GRANT USAGE ON SCHEMA shop TO rowcall_server;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO rowcall_server;
INSERT INTO shop.orders VALUES (1, 7, 'open', 10, 'a', 's'), (2, 7, 'paid', 20, 'b', 's'), (3, 7, 'late', 30, NULL, 's'), (4, 8, 'open', 40, 'd', 's'), (5, 7, 'open', 50, 'e', 's'), (6, 7, 'late', 60, 'f', 's')`

const filteredConfig = `
auth: {users: {table: "-"}}
topics:
  - {topic: news, allow: public, snapshot: "SELECT 1 AS id"}
  - {topic: closed, access: "SELECT false AS allowed", allow: public}
tables:
  - table: shop.orders
    hide: [secret]
    limit: 2
    topics:
      - {topic: orders, allow: public}
      - {topic: "orders/{customer_id}", allow: public}
`

func serveFiltered(t *testing.T) (*schematest.Database, *rowcalltest.Server) {
	t.Helper()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, filteredShop)
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(filteredConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &rowcalltest.Server{Database: db, Env: map[string]string{
		"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db), "ROWCALL_DATABASE_MIGRATE_URL": db.URL,
		"ROWCALL_CONFIG": file, "ROWCALL_HTTP_ADDR": "127.0.0.1:0", "ROWCALL_TABLES_APPLY": "true",
	}}
	return db, s.StartAnother(t)
}

const (
	unpaid      = `{"status":{"in":["open","late"]},"total":{"gte":20}}`
	unpaidAgain = `{"and":[{"total":{"gte":"2e1"}},{"status":{"in":["late","open","late"]}}]}`
)

// changes are changes of rows, with what a follower of orders/7 with the filter unpaid hears of them.
var changes = []struct{ sql, hears string }{
	{`UPDATE shop.orders SET note = 'x' WHERE id = 3`, "update 3"},
	{`UPDATE shop.orders SET note = 'x' WHERE id = 1`, ""},
	{`UPDATE shop.orders SET total = 25 WHERE id = 1`, "enter 1"},
	{`UPDATE shop.orders SET status = 'paid' WHERE id = 3`, "leave 3"},
	{`UPDATE shop.orders SET status = 'paid', total = NULL WHERE id = 3`, ""},
	{`INSERT INTO shop.orders VALUES (10, 7, 'open', 20.00)`, "insert 10"},
	{`INSERT INTO shop.orders VALUES (11, 7, 'open', 19.99), (12, 7, 'late', NULL)`, ""},
	{`UPDATE shop.orders SET customer_id = 8 WHERE id = 10`, "leave 10"},
	{`UPDATE shop.orders SET customer_id = 8 WHERE id = 11`, ""},
	{`UPDATE shop.orders SET customer_id = 7 WHERE id = 4`, "enter 4"},
	{`DELETE FROM shop.orders WHERE id IN (2, 12)`, ""},
	{`DELETE FROM shop.orders WHERE id = 6`, "delete 6"},
}

// heardOf lists what the changes tell a follower, without what they do not hear.
func heardOf(from int) []string {
	var all []string
	for _, c := range changes[from:] {
		if c.hears != "" {
			all = append(all, c.hears)
		}
	}
	return all
}

// spoken is an event in the words of changes. It checks that leave has no new row and enter no old one, and both all columns.
func spoken(t *testing.T, f rowcalltest.Frame) string {
	t.Helper()
	op := fmt.Sprint(f.Data["op"])
	row := f.Data["new"]
	if op == "leave" || op == "delete" {
		row = f.Data["old"]
	}
	columns, _ := row.(map[string]any)
	if f.Type != "orders."+op || len(columns) != 5 || op != "update" && (f.Data["new"] == nil) == (f.Data["old"] == nil) {
		t.Errorf("the event is %+v", f)
	}
	key, _ := f.Data["key"].(map[string]any)
	return op + " " + fmt.Sprint(key["id"])
}

// ids are the keys of a snapshot.
func ids(f rowcalltest.Frame) string {
	var all []string
	for _, row := range f.Snapshot {
		all = append(all, fmt.Sprint(row["id"]))
	}
	return strings.Join(all, " ")
}

// TestFiltersOnEveryTransport follows a declared table with a filter, over the native socket, server-sent events and HTTP: the
// state, live events, and a resume from every cursor.
func TestFiltersOnEveryTransport(t *testing.T) {
	t.Parallel()
	db, s := serveFiltered(t)
	page, all, upper := s.Anonymous().OpenNative(t), s.Anonymous().OpenNative(t), s.Anonymous().OpenNative(t)
	state := page.Subscribe("orders/7", `"snapshot":true`, `"where":`+unpaid)
	if ids(state) != "3 5" || !state.Truncated {
		t.Errorf("the state: %+v", state)
	}
	all.Subscribe("orders/7")
	if f := upper.Subscribe("orders", `"where":{"id":{"in":[4,"10"]}}`, `"snapshot":true`); ids(f) != "4" || f.Truncated {
		t.Errorf("the state of the upper topic: %+v", f)
	}
	cursors := []string{state.Cursor}
	places := []int{0}
	var script []string
	for _, c := range changes {
		script = append(script, c.sql)
	}
	db.Psql(t, strings.Join(script, ";\n"))
	for i, c := range changes {
		if c.hears == "" {
			continue
		}
		f := page.ReceiveFrame()
		if got := spoken(t, f); got != c.hears {
			t.Fatalf("after %s: heard %s, want %s", c.sql, got, c.hears)
		}
		cursors, places = append(cursors, f.Cursor), append(places, i+1)
	}
	all.SkipUntil(`"orders.delete","data":{"op":"delete","key":{"id":"6"}`)
	for _, want := range []string{"insert 10", "update 10", "update 4"} {
		if got := spoken(t, upper.ReceiveFrame()); got != want {
			t.Errorf("a follower of the upper topic heard %s, want %s", got, want)
		}
	}

	// Every cursor resumes exactly, with the same filter in other words too, and on every transport.
	page.Send(`{"op":"ping"}`)
	pong := page.ReceiveFrame()
	if pong.Op != "pong" || pong.Cursor == "" {
		t.Fatalf("the pong: %+v", pong)
	}
	cursors, places = append(cursors, pong.Cursor), append(places, len(changes))
	for i, cursor := range cursors {
		want := heardOf(places[i])
		back := s.Anonymous().OpenNative(t)
		if f := back.Subscribe("orders/7", `"where":`+unpaidAgain, `"since":"`+cursor+`"`); f.Recovered == nil || !*f.Recovered || f.Cursor != cursor {
			t.Fatalf("resuming from %s: %+v", cursor, f)
		}
		var got []string
		for range want {
			got = append(got, spoken(t, back.ReceiveFrame()))
		}
		back.Send(`{"op":"ping"}`)
		if f := back.ReceiveFrame(); f.Op != "pong" {
			t.Errorf("after the replay from %s: %+v", cursor, f)
		}
		overHTTP := eventsSince(t, s, cursor, unpaid, 1000)
		byOne := eventsSince(t, s, cursor, unpaid, 1)
		if diff := cmp.Diff([][]string{want, want, want}, [][]string{got, overHTTP, byOne}); diff != "" {
			t.Errorf("the replay from cursor %d over the native socket and HTTP (-want +got):\n%s", i, diff)
		}
	}
	if got := streamSince(t, s, cursors[1], unpaid, len(heardOf(places[1]))); !slices.Equal(got, heardOf(places[1])) {
		t.Errorf("the stream of server-sent events: %v", got)
	}

	// A cursor of another filter, or of none, is of no use.
	unmarked := all.Subscribe("orders/7").Cursor
	stale := s.Anonymous().OpenNative(t)
	for _, c := range []struct{ since, where string }{{pong.Cursor, `{"status":"open"}`}, {pong.Cursor, ""}, {unmarked, unpaid}, {strings.TrimSpace(db.Psql(t, `SELECT rowcall.cursor()`)), unpaid}} {
		more := []string{`"since":"` + c.since + `"`}
		if c.where != "" {
			more = append(more, `"where":`+c.where)
		}
		f := stale.Subscribe("orders/7", more...)
		if f.Recovered == nil || *f.Recovered || f.Reason != "filter" || f.Cursor == "" {
			t.Errorf("resuming from %s with %q: %+v", c.since, c.where, f)
		}
	}
	if f := stale.Subscribe("orders/8", `"since":"`+pong.Cursor+`"`); f.Recovered == nil || !*f.Recovered {
		t.Errorf("resuming another topic without a filter: %+v", f)
	}
	address := "/v1/events?topic=orders/7&since=" + pong.Cursor
	if answer := s.Anonymous().Fetch(t, 410, "GET", address, ""); !strings.Contains(answer, `"reason":"filter"`) {
		t.Errorf("without the filter: %s", answer)
	}
	if answer := s.Anonymous().Fetch(t, 200, "GET", "/v1/topics/orders/7?where="+url.QueryEscape(`{"id":"5","note":{"ne":"x"}}`), ""); !strings.Contains(answer, `"snapshot":[{"id":5,`) {
		t.Errorf("the state over HTTP: %s", answer)
	}
	refusals(t, s)
}

// refusals asks for filters that do not fit.
func refusals(t *testing.T, s *rowcalltest.Server) {
	t.Helper()
	page := s.Anonymous().OpenNative(t)
	for _, c := range []struct{ topic, where, want string }{
		{"orders/7", `{"secret":"s"}`, `where: \"secret\" is no column that filters of this topic can name`},
		{"orders/7", `{"nothing":"s"}`, `where: \"nothing\" is no column that filters of this topic can name`},
		{"orders/7", `{"status":"shipped"}`, `where: \"status\" is of type shop.state: \"shipped\" is no value of it`},
		{"orders/7", `{"total":1,"total":2}`, `where: \"total\" stands there twice`},
		{"orders/7", `[]`, `where: []: a filter is an object`},
		{"news", `{"id":1}`, `where: filters are for topics of declared tables, and this topic has no declared columns`},
		{"closed", `{"id":1}`, `"code":"forbidden"`},
		{"nowhere", `{"id":1}`, `"code":"not_found"`},
	} {
		page.Send(`{"op":"subscribe","topic":"` + c.topic + `","snapshot":true,"where":` + c.where + `}`)
		if got := page.Receive(); !strings.Contains(got, c.want) || !strings.Contains(got, `"op":"error"`) || strings.HasPrefix(c.want, "where") && !strings.Contains(got, `"code":"bad_request"`) {
			t.Errorf("%s where %s: %s, want %s", c.topic, c.where, got, c.want)
		}
	}
	for path, want := range map[string]string{
		"/v1/topics/orders/7?where=":                                             "a filter is JSON",
		"/v1/topics/orders/7?where={}&where={}":                                  "more than once",
		"/v1/topics/orders/7?where=" + url.QueryEscape(`{"secret":"s"}`):         "is no column",
		"/v1/events?topic=orders/7&where=" + url.QueryEscape(`{"x":"s"}`):        "is no column",
		"/v1/events?topic=orders/7&topic=news&where=" + url.QueryEscape(`{}`):    "a filter is for one topic",
		"/v1/sse?topic=orders/7&topic=news&where=" + url.QueryEscape(`{"id":1}`): "a filter is for one topic",
		"/v1/sse?topic=orders/7&where=" + url.QueryEscape(`{"secret":1}`):        "is no column",
	} {
		if answer := s.Anonymous().Fetch(t, 400, "GET", path, ""); !strings.Contains(answer, want) {
			t.Errorf("%s: %s, want %s", path, answer, want)
		}
	}
}

// eventsSince reads what follows a cursor over HTTP, in parts of at most limit events.
func eventsSince(t *testing.T, s *rowcalltest.Server, since, where string, limit int) []string {
	t.Helper()
	var all []string
	for {
		path := fmt.Sprintf("/v1/events?topic=orders/7&since=%s&where=%s&limit=%d", since, url.QueryEscape(where), limit)
		var answer struct {
			Events []rowcalltest.Frame
			Cursor string
			More   bool
		}
		if err := json.Unmarshal([]byte(s.Anonymous().Fetch(t, 200, "GET", path, "")), &answer); err != nil {
			t.Fatal(err)
		}
		for _, f := range answer.Events {
			all = append(all, spoken(t, f))
		}
		since = answer.Cursor
		if !answer.More && len(answer.Events) < limit {
			return all
		}
	}
}

// streamSince reads so many server-sent events that follow a cursor.
func streamSince(t *testing.T, s *rowcalltest.Server, since, where string, count int) []string {
	t.Helper()
	address := strings.TrimSuffix(s.Pages, "/") + "/v1/sse?topic=orders/7&since=" + since + "&where=" + url.QueryEscape(where)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var all []string
	for lines := bufio.NewScanner(answer.Body); len(all) < count && lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var f rowcalltest.Frame
		if err := json.Unmarshal([]byte(data), &f); err != nil {
			t.Fatal(err)
		}
		all = append(all, spoken(t, f))
	}
	return all
}

// TestFiltersWhenColumnsChange renames, retypes and drops the columns of filters under open subscriptions.
func TestFiltersWhenColumnsChange(t *testing.T) {
	t.Parallel()
	db, s := serveFiltered(t)
	byNote, byTotal := s.Anonymous().OpenNative(t), s.Anonymous().OpenNative(t)
	byNote.Subscribe("orders/7", `"where":{"note":{"prefix":"x"}}`)
	byTotal.Subscribe("orders/7", `"where":{"total":{"gt":20}}`)
	db.Psql(t, `ALTER TABLE shop.orders DROP COLUMN note`)
	byTotal.SkipUntil(`{"op":"reset","topic":"orders/7","reason":"schema"`)
	db.Psql(t, `INSERT INTO shop.orders (id, customer_id, total) VALUES (20, 7, 21)`)
	rowcalltest.Eventually(t, func() bool {
		return s.Anonymous().Status(t, "v1/topics/orders/7?where="+url.QueryEscape(`{"note":"x"}`)) == 400
	}, "a filter may still name the column that was dropped")
	db.Psql(t, `INSERT INTO shop.orders (id, customer_id, total) VALUES (21, 7, 21)`)
	byNote.SkipUntil(`"code":"bad_request","message":"where: \"note\" is no column that filters of this topic can name"`)
	byTotal.SkipUntil(`"key":{"id":"21"}`)
}

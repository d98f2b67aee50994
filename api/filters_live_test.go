package api

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"rowcall/api/access"
	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/filter"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// filteredTopics are topics of two declared tables, of which one files below the topics of the other, and one without
// declared columns.
func filteredTopics() []rules.Topic {
	orders := []filter.Column{{Name: "id", Type: "integer", Kind: filter.KindInt4}, {Name: "status", Type: "text", Kind: filter.KindText}}
	const head = `SELECT t.id, t.status FROM orders t`
	all := append(apitest.SeedTopics(), rules.Topic{Topic: "orders/{n:int}", Allow: rules.AllowPublic, Snapshot: head + " ORDER BY id", SnapshotLimit: 2,
		Filterable: &rules.Filterable{Table: "orders", Columns: orders, Row: "t", Head: head, Word: "WHERE", Tail: " ORDER BY id"}})
	return append(all, rules.Topic{Topic: "orders/{n:int}/lines", Allow: rules.AllowPublic, Snapshot: head + " ORDER BY id",
		Filterable: &rules.Filterable{Table: "lines", Columns: orders[:1], Row: "t", Head: head, Word: "WHERE", Tail: " ORDER BY id"}})
}

func openFilteredServer(t *testing.T) *liveServer {
	t.Helper()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE TABLE orders (id int PRIMARY KEY, status text); GRANT SELECT ON orders TO PUBLIC`)
	return openLiveServerFor(t, db, filteredTopics(), rules.JWT{}, door.Options{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, notifier.Options{})
}

// file files an event.
func file(name, kind, data string) string {
	return fmt.Sprintf(`SELECT rowcall.publish('%s', '%s', '%s');`, name, kind, data)
}

// fetch reads the answer to a GET.
func (tn *liveServer) fetch(t *testing.T, path string) string {
	t.Helper()
	answer, err := http.Get(tn.site() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Followers of a filter hear of no event but those of rows of declared tables. A row with other columns than the filter
// becomes a reset.
func TestFiltersOfOddEvents(t *testing.T) {
	t.Parallel()
	tn := openFilteredServer(t)
	page := tn.native(t, "")
	page.subscribe("orders/1", `,"where":{"id":{"gt":0}}`)
	tn.db.Psql(t, file("orders/1", "orders.insert", `{"op":"insert","key":{"id":1},"new":{"id":1,"status":"a"}}`)+
		file("orders/1", "noted", `{"id":1}`)+file("orders/1", "orders", `{"op":"insert","new":{"id":1}}`)+file("orders/1", "orders.insert", `null`)+
		file("orders/1", "orders.insert", `[]`)+file("orders/1", "orders.merge", `{"op":"merge","new":{"id":1}}`)+file("orders/1/notes", "other.insert", `{"op":"insert","new":{"id":1}}`)+
		file("orders/1/lines", "lines.insert", `{"op":"insert","key":{"id":2},"new":{"id":2}}`)+file("orders/1/lines", "lines.insert", `{"op":"insert","key":{"id":0},"new":{"id":0}}`))
	page.hears(`"type":"orders.insert","data":{"op":"insert","key":{"id":1}`, `"topic":"orders/1/lines","followed":"orders/1","id":`)
	tn.db.Psql(t, file("orders/1", "orders.insert", `{"op":"insert","key":{"id":3},"new":{"ID":3}}`))
	reset := page.hears(`{"op":"reset","topic":"orders/1","reason":"schema"`)
	tn.db.Psql(t, file("orders/1", "orders.insert", `{"op":"insert","key":{"id":"x"},"new":{"id":"x"}}`))
	page.hears(`{"op":"reset","topic":"orders/1","reason":"schema"`)
	tn.db.Psql(t, file("orders/1", "orders.insert", `{"op":"insert","key":{"id":4},"new":{"id":4}}`))
	page.hears(`"key":{"id":4}`)
	back := tn.native(t, "")
	back.subscribe("orders/1", `,"where":{"id":{"gt":0}},"since":"`+cursorOf(reset)+`"`)
	back.hears(`"reason":"schema"`)
	page.say(`{"op":"subscribe","topic":"orders/1","where":{"status":"a"}}`)
	page.hears(`"message":"where: rows of lines are filed under this topic too: \"status\" is no column`)
	page.say(`{"op":"subscribe","topic":"orders/1","where":null,"snapshot":true}`)
	page.hears(`"op":"subscribed"`)
}

// Events that a filter leaves out move the cursor on: that of a pong, and the one of /v1/events.
func TestFilteredEventsMoveTheCursor(t *testing.T) {
	t.Parallel()
	tn := openFilteredServer(t)
	page := tn.native(t, "")
	first := page.subscribe("orders/1", `,"where":{"id":7}`)
	const others = `SELECT count(rowcall.publish('orders/1', 'orders.insert', '{"op":"insert","key":{"id":8},"new":{"id":8}}')) FROM generate_series(1, 40);`
	tn.db.Psql(t, strings.Repeat(others, 20)+file("orders/1", "orders.insert", `{"op":"insert","key":{"id":7},"new":{"id":7}}`))
	page.hears(`"key":{"id":7}`)
	page.say(`{"op":"ping"}`)
	last := cursorOf(page.hears(`"op":"pong"`))
	if !strings.HasSuffix(last, string(newCursorMark("orders/1", `eq "id" "7"`))) {
		t.Errorf("the cursor of the pong has no mark: %s", last)
	}
	for _, since := range []string{first, last} {
		answer := tn.fetch(t, "/v1/events?topic=orders/1&where=%7B%22id%22:7%7D&limit=1&since="+since)
		if has := strings.Contains(answer, `"key":{"id":7}`); has != (since == first) || cursorOf(answer) == since && since == first {
			t.Errorf("after %s: %s", since, answer)
		}
	}
}

// Filters that are spelled alike are one: an event is tested once for all of their followers, and they share its frames.
func TestFiltersAreShared(t *testing.T) {
	t.Parallel()
	tn := openFilteredServer(t)
	table := newFilterTable(tn.rules)
	acquire := func(text string) (*sharedFilter, error) {
		condition, err := access.ParseFilter([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		own, err := tn.rules.Filter("orders/1/lines", *condition)
		if err != nil {
			t.Fatal(err)
		}
		return table.acquire("orders/1/lines", own)
	}
	a, _ := acquire(`{"id":{"in":[1,2]}}`)
	b, _ := acquire(`{"and":[{"id":{"in":[2,1,1]}}]}`)
	if a != b {
		t.Fatalf("%q and %q are two filters", a.spelling, b.spelling)
	}
	e := event(1, "orders/1/lines", "lines.insert", `{"op":"insert","key":{"id":1},"new":{"id":1}}`)
	told, fits := a.hear(e)
	again, _ := b.hear(e)
	if told == nil || !fits || told != again {
		t.Errorf("the event was tested twice: %p and %p", told, again)
	}
	var held []*sharedFilter
	for n := range maxFiltersPerTopic - 1 {
		one, err := acquire(fmt.Sprintf(`{"id":%d}`, n))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, one)
	}
	if _, err := acquire(`{"id":-1}`); err == nil || !strings.Contains(err.Error(), "1000 different filters") {
		t.Errorf("one filter too many: %v", err)
	}
	if _, err := acquire(`{"id":5}`); err != nil {
		t.Errorf("a filter that is in use: %v", err)
	}
	table.release(held[5])
	table.release(held[5])
	if _, err := acquire(`{"id":-1}`); err != nil {
		t.Errorf("after one was given back: %v", err)
	}
	for _, one := range append(held, a, b) {
		if one != held[5] {
			table.release(one)
		}
	}
	if n := len(table.followed[topic.Topic("orders/1/lines")].filters); n != 1 {
		t.Errorf("%d filters are left, want 1", n)
	}
}

// The subscriptions of a socket give their filters back.
func TestFiltersAreGivenBack(t *testing.T) {
	t.Parallel()
	tn := openFilteredServer(t)
	page := tn.native(t, "")
	page.subscribe("orders/1", `,"where":{"id":1}`)
	page.subscribe("orders/1", `,"where":{"id":2}`)
	page.say(`{"op":"unsubscribe","topic":"orders/1"}`)
	page.hears(`"op":"unsubscribed"`)
	table := tn.server.handlers.topics.feed.(liveFeed).filters
	table.mu.Lock()
	defer table.mu.Unlock()
	if len(table.followed) != 0 {
		t.Errorf("%d topics have filters, want none", len(table.followed))
	}
}

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

const declaredShop = `
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'paid');
CREATE TABLE shop."OrderItems" (id bigint PRIMARY KEY, customer_id int NOT NULL, status shop.state NOT NULL DEFAULT 'open', secret text);
GRANT USAGE ON SCHEMA shop TO rowcall_server;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO rowcall_server;
INSERT INTO shop."OrderItems" VALUES (1, 7, 'open', 'hidden')`

const declaredConfig = `
auth: {users: {table: "-"}}
tables:
  - table: shop."OrderItems"
    name: items
    hide: [secret]
    topics:
      - topic: items/{customer_id}
        allow: public
`

// serveDeclared starts a node on a database whose tables are declared.
func serveDeclared(t *testing.T, apply string) (*schematest.Database, *rowcalltest.Server) {
	t.Helper()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, declaredShop)
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(declaredConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &rowcalltest.Server{Database: db, Env: map[string]string{
		"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db), "ROWCALL_DATABASE_MIGRATE_URL": db.URL,
		"ROWCALL_CONFIG": file, "ROWCALL_HTTP_ADDR": "127.0.0.1:0", "ROWCALL_TABLES_APPLY": apply,
	}}
	return db, s.StartAnother(t)
}

// TestDeclaredTablesAreServed declares a table that has no trigger, and follows what psql does to its rows. The trigger is
// switched off and a column comes: the node repairs the one, and keeps the other back until somebody applies it.
func TestDeclaredTablesAreServed(t *testing.T) {
	t.Parallel()
	db, s := serveDeclared(t, "true")
	page := s.Anonymous().OpenNative(t)
	if f := page.Subscribe("items/7", `"snapshot":true`); len(f.Snapshot) != 1 || f.Snapshot[0]["status"] != "open" || f.Snapshot[0]["secret"] != nil {
		t.Fatalf("the state: %+v", f)
	}
	db.Psql(t, `INSERT INTO shop."OrderItems" VALUES (2, 7); UPDATE shop."OrderItems" SET status = 'paid' WHERE id = 2;
		UPDATE shop."OrderItems" SET customer_id = 8 WHERE id = 1`)
	for _, want := range []string{"items.insert", "items.update", "items.leave"} {
		if f := page.ReceiveFrame(); f.Type != want || strings.Contains(fmt.Sprint(f.Data), "secret") {
			t.Errorf("heard %+v, want %s", f, want)
		}
	}

	db.Psql(t, `ALTER TABLE shop."OrderItems" DISABLE TRIGGER "0_rowcall"`)
	if f := page.ReceiveFrame(); f.Op != "reset" || f.Reason != "triggers" {
		t.Errorf("after the trigger was repaired: %+v", f)
	}
	db.Psql(t, `DELETE FROM shop."OrderItems" WHERE id = 2`)
	if f := page.ReceiveFrame(); f.Type != "items.delete" {
		t.Errorf("after the repair: %+v", f)
	}

	db.Psql(t, `ALTER TABLE shop."OrderItems" ADD COLUMN note text NOT NULL DEFAULT 'new'`)
	rowcalltest.Eventually(t, func() bool {
		return strings.Contains(s.Anonymous().Fetch(t, 200, "GET", "/readyz", ""), `"unfit":["tables"]`)
	}, "readyz does not tell of the new column")
	db.Psql(t, `INSERT INTO shop."OrderItems" (id, customer_id) VALUES (3, 7)`)
	page.SkipUntil(`"items.insert"`)
	if state := s.Anonymous().Fetch(t, 200, "GET", "/v1/topics/items/7", ""); strings.Contains(state, "note") {
		t.Errorf("a column that was not applied is in the snapshot: %s", state)
	}
	rowcalltest.Succeeds(t, s.Env, "apply")
	page.SkipUntil(`"schema"`)
	rowcalltest.Eventually(t, func() bool {
		return strings.Contains(s.Anonymous().Fetch(t, 200, "GET", "/v1/topics/items/7", ""), `"note":"new"`)
	}, "the snapshot lacks the column that was applied")
}

const negativeConfig = `
auth: {users: {table: "-"}}
tables:
  - table: public.balances
    topics: [{topic: "small/{small}", allow: public}, {topic: "middle/{middle}", allow: public}, {topic: "large/{large}", allow: public}]
`

// TestNegativeTopics follows topics that are named after whole numbers below zero, down to the least of each type.
func TestNegativeTopics(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE balances (id int PRIMARY KEY, small int2, middle int4, large int8); GRANT SELECT ON balances TO rowcall_server;
		INSERT INTO balances VALUES (1, -32768, -2147483648, -9223372036854775808)`)
	file := filepath.Join(t.TempDir(), "balances.yaml")
	if err := os.WriteFile(file, []byte(negativeConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &rowcalltest.Server{Database: db, Env: map[string]string{
		"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db), "ROWCALL_DATABASE_MIGRATE_URL": db.URL,
		"ROWCALL_CONFIG": file, "ROWCALL_HTTP_ADDR": "127.0.0.1:0", "ROWCALL_TABLES_APPLY": "true",
	}}
	s = s.StartAnother(t)
	page := s.Anonymous().OpenNative(t)
	topics := []string{"small/-32768", "middle/-2147483648", "large/-9223372036854775808"}
	for _, topic := range topics {
		if f := page.Subscribe(topic, `"snapshot":true`); len(f.Snapshot) != 1 || f.Topic != topic {
			t.Errorf("the state of %s: %+v", topic, f)
		}
	}
	db.Psql(t, `UPDATE balances SET id = 1`)
	heard := []string{page.ReceiveFrame().Topic, page.ReceiveFrame().Topic, page.ReceiveFrame().Topic} // each topic has an order of its own
	if slices.Sort(heard); !slices.Equal(heard, []string{topics[2], topics[1], topics[0]}) {
		t.Errorf("received updates of %q, want one of each of %q", heard, topics)
	}
	for spelled, want := range map[string]string{"small/-0": "small/0", "small/-007": "small/-7", "large/-1": "large/-1"} {
		if f := page.Subscribe(spelled); f.Topic != want || f.Code != "" {
			t.Errorf("subscribing to %s: %+v, want the topic %s", spelled, f, want)
		}
	}
	for _, none := range []string{"large/-9223372036854775809", "large/--1", "large/-"} {
		if f := page.Subscribe(none); f.Code != "not_found" {
			t.Errorf("subscribing to %s: %+v, want not_found", none, f)
		}
	}
}

// TestNoNewColumnAfterTheFunctionIsGone drops the function that says which columns were applied, while a node serves. A column
// that comes then is in no snapshot, whether the node prepares the snapshot by itself or because a request has failed.
func TestNoNewColumnAfterTheFunctionIsGone(t *testing.T) {
	t.Parallel()
	db, s := serveDeclared(t, "true")
	const state = "/v1/topics/items/7"
	if answer := s.Anonymous().Fetch(t, 200, "GET", state, ""); !strings.Contains(answer, `"status":"open"`) {
		t.Fatalf("the state is %s", answer)
	}
	db.Psql(t, `DROP FUNCTION rowcall."shop.""OrderItems""" CASCADE; ALTER TABLE shop."OrderItems" ADD COLUMN note text NOT NULL DEFAULT 'new';
		ALTER TABLE shop."OrderItems" RENAME COLUMN status TO stage`)
	if status := s.Anonymous().Status(t, state); status != 503 { // the request fails, and the snapshot is prepared again
		t.Errorf("the snapshot without one of its columns is answered with %d and %s", status, s.Anonymous().Fetch(t, status, "GET", state, ""))
	}
	db.Psql(t, `ALTER TABLE shop."OrderItems" RENAME COLUMN stage TO status`)
	rowcalltest.Eventually(t, func() bool { return s.Anonymous().Status(t, state) == 200 }, "the snapshot does not come back")
	if answer := s.Anonymous().Fetch(t, 200, "GET", state, ""); strings.Contains(answer, "note") || !strings.Contains(answer, `"status":"open"`) {
		t.Errorf("after the function is gone the state is %s", answer)
	}
}

// TestDeclaredTablesAreNotAppliedUnasked serves the same without tables_apply: the node says what is missing, and what
// to do.
func TestDeclaredTablesAreNotAppliedUnasked(t *testing.T) {
	t.Parallel()
	db, s := serveDeclared(t, "false")
	rowcalltest.Eventually(t, func() bool {
		return strings.Contains(s.Anonymous().Fetch(t, 200, "GET", "/readyz", ""), `"unfit":["tables"]`)
	}, "readyz does not tell that the table is not live")
	if made := db.Psql(t, `SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop."OrderItems"'::regclass`); strings.TrimSpace(made) != "0" {
		t.Errorf("%s triggers were made", made)
	}
	page := s.Anonymous().OpenNative(t)
	if f := page.Subscribe("items/7", `"snapshot":true`); len(f.Snapshot) != 1 {
		t.Errorf("the state: %+v", f)
	}

	// A column is renamed and another one comes: the node says that the snapshot does not fit, until somebody applies.
	db.Psql(t, `ALTER TABLE shop."OrderItems" ADD COLUMN later text DEFAULT 'x'; ALTER TABLE shop."OrderItems" RENAME COLUMN status TO stage`)
	const state = "/v1/topics/items/7"
	rowcalltest.Eventually(t, func() bool {
		s.Anonymous().Status(t, state)
		return strings.Contains(s.Anonymous().Fetch(t, 200, "GET", "/readyz", ""), `"tables[0].topics[0].snapshot"`)
	}, "readyz does not tell that the snapshot waits for apply")
	rowcalltest.Succeeds(t, s.Env, "apply")
	rowcalltest.Eventually(t, func() bool { return s.Anonymous().Status(t, state) == 200 }, "the snapshot does not come back")
	if answer := s.Anonymous().Fetch(t, 200, "GET", state, ""); !strings.Contains(answer, `"later":"x"`) || !strings.Contains(answer, `"stage":"open"`) {
		t.Errorf("after apply the state is %s", answer)
	}
}

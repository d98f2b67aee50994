package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// shopTables creates tables that have nothing of Rowcall's, and a trigger as the README shows it.
// Its owner may publish and nothing else.
const shopTables = `
CREATE ROLE {owner};
GRANT rowcall_publisher TO {owner};
CREATE SCHEMA shop AUTHORIZATION {owner};
SET ROLE {owner};
CREATE TABLE shop.people (nr int PRIMARY KEY, mail text, hash text, enabled boolean, clerk boolean);
CREATE TABLE shop.baskets (id int PRIMARY KEY, person int REFERENCES shop.people ON DELETE CASCADE);
CREATE TABLE shop.orders (
	id int PRIMARY KEY, person int, basket int REFERENCES shop.baskets ON DELETE CASCADE ON UPDATE CASCADE, "Total €" numeric);
CREATE FUNCTION shop.on_orders() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	o shop.orders := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
	PERFORM rowcall.publish('orders/' || o.person, 'order.' || lower(TG_OP), json_build_object('id', o.id, 'basket', o.basket));
	RETURN NULL;
END $$;
CREATE TRIGGER "0_rowcall" AFTER INSERT OR UPDATE OR DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.on_orders();
RESET ROLE;
GRANT USAGE ON SCHEMA shop TO rowcall_server;
GRANT SELECT ON shop.people, shop.orders TO rowcall_server;
INSERT INTO shop.people VALUES (7, 'eve@example.org', '{hash}', true, false), (8, 'pat@example.org', '{hash}', true, true);
INSERT INTO shop.baskets VALUES (1, 7), (2, 7);
INSERT INTO shop.orders VALUES (1, 7, 1, 9.5), (2, 7, 1, 10), (3, 7, 2, 11)`

const shopConfig = `
auth:
  users: {table: shop.people, id: nr, username: mail, password: hash, active: enabled, staff: clerk}
topics:
  - topic: orders/{customer:int}
    allow: authenticated
    access: SELECT @customer = @me OR @staff AS allowed
    snapshot: SELECT id, "Total €" AS total FROM shop.orders WHERE person = @customer ORDER BY id
sockets:
  - path: /live/orders
    topic: orders/{me}
    frame: data
    forward: [{type: order.insert, fields: [id]}, {type: order.delete, fields: [id, basket]}]
`

// TestOwnTables serves a database with other tables and another table of users. The events come
// from a trigger of the user, and from the cascade of a foreign key.
func TestOwnTables(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	hash, err := bcrypt.GenerateFromPassword([]byte(rowcalltest.Password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	owner := "owner_" + db.Name
	db.Exec(t, strings.NewReplacer("{owner}", owner, "{hash}", string(hash)).Replace(shopTables))
	t.Cleanup(func() { db.Exec(t, "DROP OWNED BY "+owner+" CASCADE; DROP ROLE "+owner) })
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(shopConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	s := (&rowcalltest.Server{Database: db, Env: map[string]string{
		"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db), "ROWCALL_CONFIG": file, "ROWCALL_HTTP_ADDR": "127.0.0.1:0",
	}}).StartAnother(t)
	eve, pat := s.LoginWith(t, "eve@example.org", rowcalltest.Password), s.LoginWith(t, "pat@example.org", rowcalltest.Password)
	page, own, clerk := eve.OpenSocket(t, "/live/orders/"), eve.OpenNative(t), pat.OpenNative(t)
	if f := own.Subscribe("orders/8"); f.Code != "forbidden" {
		t.Errorf("another's orders: %+v", f)
	}
	if f := own.Subscribe("orders/07", `"snapshot":true`); len(f.Snapshot) != 3 || f.Snapshot[0]["total"] != 9.5 {
		t.Errorf("the state: %+v", f)
	}
	clerk.Follow("orders/7")
	db.Psql(t, `
		INSERT INTO shop.orders VALUES (4, 7, 2, 1);
		UPDATE shop.baskets SET id = 20 WHERE id = 2;
		DELETE FROM shop.baskets WHERE id = 1;
		DELETE FROM shop.people WHERE nr = 7`)
	page.Expect(`{"id":4}`, `{"id":1,"basket":1}`, `{"id":2,"basket":1}`, `{"id":3,"basket":20}`, `{"id":4,"basket":20}`)
	want := []string{"order.insert", "order.update", "order.update", "order.delete", "order.delete", "order.delete", "order.delete"}
	for _, kind := range want {
		if f := clerk.ReceiveFrame(); f.Type != kind {
			t.Errorf("heard %+v, want %s", f, kind)
		}
	}
}

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// changingTables are tables whose owner changes them while a node runs.
const changingTables = `
CREATE TABLE people (id int PRIMARY KEY, login text, hash text, staff boolean);
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE TABLE orders (id int PRIMARY KEY, person int, total int, state state NOT NULL DEFAULT 'new');
CREATE TABLE notes (id int PRIMARY KEY, text text);
CREATE FUNCTION tell_orders() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
	'BEGIN PERFORM rowcall.publish(''orders/'' || NEW.person, ''order'', json_build_object(''id'', NEW.id)); RETURN NEW; END';
CREATE TRIGGER tell_orders AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION tell_orders();
CREATE FUNCTION has_orders(customer bigint, who bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS
	'DECLARE found record; BEGIN SELECT o.* INTO found FROM orders o WHERE o.person = customer ORDER BY o.id LIMIT 1; RETURN found.person = who; END';
CREATE FUNCTION tip(amount int) RETURNS int LANGUAGE sql AS 'SELECT amount';
GRANT SELECT ON people, orders, notes TO rowcall_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON orders, notes TO rowcall_app;
GRANT EXECUTE ON FUNCTION tip TO rowcall_app;
INSERT INTO people VALUES (7, 'eve', '{hash}', true);
INSERT INTO orders VALUES (1, 7, 5), (2, 7, 6);
INSERT INTO notes VALUES (1, 'hello')`

const changingConfig = `
auth:
  users: {table: people, username: login, password: hash, active: "-", staff: staff}
topics:
  - topic: orders/{customer:int}
    allow: authenticated
    access: SELECT EXISTS (SELECT FROM orders o WHERE o.person = @customer AND o.person = @me) AS allowed
    snapshot: SELECT * FROM orders WHERE person = @customer ORDER BY id
  - topic: orders/total/{customer:int}
    allow: authenticated
    snapshot: SELECT sum(total) AS total FROM orders
  - topic: kept/{customer:int}
    allow: authenticated
    access: SELECT has_orders(@customer, @me) AS allowed
    snapshot: SELECT 1 AS one
  - topic: notes
    allow: authenticated
    access: SELECT true AS allowed
    snapshot: SELECT id, text FROM notes
resources:
  - {name: orders, table: orders, allow: authenticated}
  - {name: notes, table: notes, allow: authenticated, label: text}
functions:
  - {name: tip, function: tip, allow: authenticated}
`

// changingServer serves tables that change.
type changingServer struct {
	*rowcalltest.HTTPUser
	t *testing.T
}

// startChangingServer starts a node, behind a pooler in transaction mode if pooled.
func startChangingServer(t *testing.T, pooled bool) changingServer {
	t.Helper()
	db := schematest.New(t, schematest.CoreOnly)
	hash, err := bcrypt.GenerateFromPassword([]byte(rowcalltest.Password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, strings.ReplaceAll(changingTables, "{hash}", string(hash)))
	file := filepath.Join(t.TempDir(), "changing.yaml")
	if err := os.WriteFile(file, []byte(changingConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	direct := rowcalltest.ServingURL(t, db)
	env := map[string]string{
		"ROWCALL_DATABASE_URL": direct, "ROWCALL_CONFIG": file, "ROWCALL_HTTP_ADDR": "127.0.0.1:0", "ROWCALL_LIMITS_EXEMPT": "127.0.0.1/32",
		"ROWCALL_LIMITS_PONG_TIMEOUT": "20m", // on a slow machine a minute may pass between two checks of the settings, in which a test reads from no socket
	}
	if pooled {
		env["ROWCALL_DATABASE_DIRECT_URL"] = direct
		env["ROWCALL_DATABASE_URL"] = schematest.StartPooler(t, direct, schematest.Pooler{Mode: "transaction"})
	}
	s := (&rowcalltest.Server{Database: db, Env: env}).StartAnother(t)
	return changingServer{s.LoginWith(t, "eve", rowcalltest.Password), t}
}

// warmUp has connections prepare all statements.
func (s changingServer) warmUp() {
	s.t.Helper()
	for range 3 {
		s.serves("/v1/topics/orders/7", "/v1/topics/orders/total/7", "/v1/topics/notes", "/api/orders", "/api/orders/1", "/api/notes", "/api/notes/1", "/api/me")
		s.Fetch(s.t, 200, "POST", "/api/functions/tip", `{"amount":3}`)
		s.writesAndAsks()
	}
}

// writesAndAsks writes a row whose trigger, and asks for access whose function, keep plans in PL/pgSQL.
func (s changingServer) writesAndAsks() {
	s.t.Helper()
	s.Fetch(s.t, 200, "PATCH", "/api/orders/1", `{"person":7}`)
	s.Fetch(s.t, 200, "GET", "/v1/topics/kept/7", "")
}

// serves checks that addresses are answered, at once.
func (s changingServer) serves(paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		s.Fetch(s.t, 200, "GET", path, "")
	}
}

// refuses checks that addresses are out of order, at once, and that the answer says so and nothing of
// the database.
func (s changingServer) refuses(paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		body := s.Fetch(s.t, 503, "GET", path, "")
		if !strings.Contains(body, "does not fit the database at the moment") || strings.Contains(body, "column") {
			s.t.Errorf("%s is refused with %s", path, body)
		}
	}
}

// tells waits until /readyz, which must be 200, names exactly these settings.
func (s changingServer) tells(settings ...string) {
	s.t.Helper()
	var last string
	rowcalltest.Eventually(s.t, func() bool {
		var state struct {
			Ready bool
			Unfit []string
		}
		last = s.Fetch(s.t, 200, "GET", "/readyz", "")
		if err := json.Unmarshal([]byte(last), &state); err != nil {
			s.t.Fatal(err)
		}
		return state.Ready && slices.Equal(state.Unfit, settings)
	}, "/readyz never names "+strings.Join(settings, ", ")+" alone")
}

// TestSchemaChanges changes tables, types and functions under a node. What still fits is served at
// once, what does not is refused and told, and comes back.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	for name, pooled := range map[string]bool{"direct": false, "pooler": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startChangingServer(t, pooled)
			s.warmUp()
			s.changeTypes()
			s.changeColumns()
			s.changeTables()
			s.changeFunctions()
			s.changeUsers()
		})
	}
}

func (s changingServer) changeTypes() {
	s.t.Helper()
	s.Psql(s.t, `ALTER TYPE state ADD VALUE 'sent'`)
	s.Fetch(s.t, 201, "POST", "/api/orders", `{"id":3,"person":7,"total":1,"state":"sent"}`)
	s.Fetch(s.t, 400, "POST", "/api/orders", `{"id":4,"person":7,"total":1,"state":"lost"}`)
	s.Psql(s.t, `ALTER TABLE orders ALTER id TYPE bigint, ALTER person TYPE bigint, ALTER total TYPE text`)
	for range 5 {
		s.writesAndAsks() // a session without plans of the old types, whichever it is
	}
	s.serves("/v1/topics/orders/7", "/api/orders", "/api/orders/1")
	s.refuses("/v1/topics/orders/total/7") // there is no sum of texts
	s.tells("topics[1].snapshot")
	s.Psql(s.t, `ALTER TABLE orders ALTER total TYPE numeric USING total::numeric`)
	s.tells()
	s.serves("/v1/topics/orders/total/7", "/v1/topics/orders/7", "/api/orders/1")
}

func (s changingServer) changeColumns() {
	s.t.Helper()
	s.Psql(s.t, `ALTER TABLE orders RENAME total TO amount`)
	if list := s.Fetch(s.t, 200, "GET", "/api/orders", ""); !strings.Contains(list, `"amount":`) {
		s.t.Errorf("the resource lists %s, want the column amount", list)
	}
	if state := s.Fetch(s.t, 200, "GET", "/v1/topics/orders/7", ""); !strings.Contains(state, `"amount":`) {
		s.t.Errorf("the snapshot is %s, want the column amount", state)
	}
	s.refuses("/v1/topics/orders/total/7")
	s.serves("/v1/topics/notes", "/api/notes", "/api/orders/1", "/api/me")
	s.tells("topics[1].snapshot")
	all := s.Fetch(s.t, 200, "GET", "/api/console", "")
	for _, want := range []string{`"setting":"topics[1].snapshot"`, `"name":"orders/total/{customer:int}"`, `"reason":"column \"total\" does not exist`} {
		if !strings.Contains(all, want) {
			s.t.Errorf("the console lacks %s:\n%s", want, all)
		}
	}
	s.Psql(s.t, `ALTER TABLE orders ADD total int DEFAULT 8, ADD note text`)
	s.tells()
	rowcalltest.Eventually(s.t, func() bool {
		return strings.Contains(s.Fetch(s.t, 200, "GET", "/api/resources", ""), `"name":"note"`)
	}, "the resource never has the new column")
	s.Fetch(s.t, 201, "POST", "/api/orders", `{"id":5,"person":7,"note":"new column"}`)
	rowcalltest.Eventually(s.t, func() bool {
		return strings.Contains(s.Fetch(s.t, 200, "GET", "/v1/topics/orders/7", ""), `"new column"`)
	}, "the snapshot never shows the new column")
	s.Psql(s.t, `ALTER TABLE notes DROP text`)
	s.refuses("/v1/topics/notes", "/api/notes", "/api/notes/1") // the label of the resource is gone
	s.serves("/v1/topics/orders/7", "/api/orders", "/api/resources")
	s.tells("topics[3].snapshot", "resources[1]")
}

func (s changingServer) changeTables() {
	s.t.Helper()
	s.Psql(s.t, `DROP TABLE notes`)
	s.refuses("/v1/topics/notes", "/api/notes")
	s.Psql(s.t, `CREATE TABLE notes (text text, id uuid PRIMARY KEY, more int); INSERT INTO notes VALUES ('again', '00000000-0000-0000-0000-00000000000a', 1)`)
	s.tells("topics[3].snapshot", "resources[1]") // the rights are still to be granted
	s.Psql(s.t, `GRANT SELECT ON notes TO rowcall_server, rowcall_app`)
	s.tells()
	s.serves("/v1/topics/notes", "/api/notes", "/api/notes/00000000-0000-0000-0000-00000000000a")
}

func (s changingServer) changeFunctions() {
	s.t.Helper()
	s.Psql(s.t, `DROP FUNCTION tip(int); CREATE FUNCTION tip(amount int, extra int DEFAULT 1) RETURNS text LANGUAGE sql AS 'SELECT (amount + extra)::text'; GRANT EXECUTE ON FUNCTION tip TO rowcall_app`)
	if got := s.Fetch(s.t, 200, "POST", "/api/functions/tip", `{"amount":3,"extra":4}`); strings.TrimSpace(got) != `"7"` {
		s.t.Errorf("the function that was replaced returns %s, want \"7\"", got)
	}
	s.Psql(s.t, `ALTER FUNCTION tip RENAME TO gratuity`)
	s.Fetch(s.t, 503, "POST", "/api/functions/tip", `{"amount":3}`)
	s.tells("functions[0].function")
	s.Psql(s.t, `ALTER FUNCTION gratuity RENAME TO tip`)
	s.tells()
	s.Fetch(s.t, 200, "POST", "/api/functions/tip", `{"amount":3}`)
}

func (s changingServer) changeUsers() {
	s.t.Helper()
	s.Psql(s.t, `ALTER TABLE people ADD first_name text DEFAULT 'Eve'; ALTER TABLE people ALTER id TYPE bigint`)
	s.serves("/api/me")
	s.Psql(s.t, `ALTER TABLE people RENAME login TO nick`)
	s.refuses("/api/me", "/api/orders")
	s.tells("auth.users")
	s.Psql(s.t, `ALTER TABLE people RENAME nick TO login; ALTER TABLE people DROP first_name`)
	s.tells()
	s.serves("/api/me", "/api/orders")
}

// TestAccessThatDoesNotFit takes the column away that access looks at. Followers who are asked about
// again get nothing until it is back, and lose nothing; followers of other topics are not affected.
func TestAccessThatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := startChangingServer(t, false)
	socket := s.OpenNative(t)
	socket.Follow("orders/7", "orders/total/7", "notes")
	s.Psql(t, `ALTER TABLE orders RENAME person TO buyer`)
	late := s.OpenNative(t)
	if f := late.Subscribe("orders/7"); f.Code != "unavailable" {
		t.Errorf("a subscription is answered with %+v, want the code unavailable", f)
	}
	late.Follow("notes")
	s.tells("topics[0].access", "topics[0].snapshot")
	s.Psql(t, `SELECT rowcall.revalidate('orders'), rowcall.revalidate('notes'); SELECT rowcall.publish('orders/7', 'order', '{"n":1}')`)
	s.Psql(t, `SELECT rowcall.publish('notes', 'note', '{"n":2}'), rowcall.publish('orders/total/7', 'total', '{"n":3}')`)
	types := []string{socket.ReceiveFrame().Type, socket.ReceiveFrame().Type}
	if slices.Sort(types); !slices.Equal(types, []string{"note", "total"}) {
		t.Errorf("received %q, want the note and the total: access to the order cannot be asked", types)
	}
	s.Psql(t, `ALTER TABLE orders RENAME buyer TO person`)
	if f := socket.ReceiveFrame(); f.Type != "order" {
		t.Errorf("received %+v, want the order that was held back", f)
	}
	late.ReceiveFrame() // the note
	late.Follow("orders/7")
	s.tells()
}

package resource

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// describe returns the answer to GET /api/resources, by name of the resource.
func describe(t *testing.T, u *apitest.HTTPUser) map[string]description {
	t.Helper()
	var answer struct{ Resources []description }
	if err := json.Unmarshal([]byte(u.Expect(200, "", "GET", "/api/resources", "").Body), &answer); err != nil {
		t.Fatal(err)
	}
	all := map[string]description{}
	for _, d := range answer.Resources {
		all[d.Name] = d
	}
	return all
}

// expectJSON fails the test unless a part of a description is this JSON.
func expectJSON(t *testing.T, got any, want string) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	admin := describe(t, s.user(t, "admin"))
	expectJSON(t, admin["join_requests"], `{"name":"join_requests","key":"id","label":"id","create":true,"update":true,"delete":true,"topics":["room"],"fields":[`+
		`{"name":"id","type":"integer","required":false,"read_only":true,"create":false,"update":false,"nullable":false},`+
		`{"name":"user_id","type":"integer","required":true,"read_only":false,"create":true,"update":false,"nullable":false,"references":{"resource":"users","field":"id","label":"username"}},`+
		`{"name":"room_id","type":"integer","required":true,"read_only":false,"create":true,"update":false,"nullable":false,"references":{"resource":"rooms","field":"id","label":"title"}},`+
		`{"name":"status","type":"text","required":false,"read_only":false,"create":true,"update":true,"nullable":false,"max_length":10,"default":"pending","choices":["pending","admitted","denied"]}]}`)
	users := admin["users"]
	if users.Create || !users.Update || users.Delete || users.Label != "username" {
		t.Errorf("users: got %+v, want rows that are updated only, named by username", users)
	}
	for _, f := range users.Fields {
		if f.Name == "password" {
			t.Errorf("users: got the field %+v, want no password", f)
		}
	}
	expectJSON(t, users.Fields[5], `{"name":"is_active","type":"boolean","required":false,"read_only":false,"create":false,"update":true,"nullable":false,"default":true}`)
	if members := admin["members"]; !members.Create || members.Update || !members.Delete || members.Label != "id" {
		t.Errorf("members: got %+v, want rows that are created and deleted only, named by id", members)
	}
	expectJSON(t, admin["patients"].Fields[3], `{"name":"admission_date","type":"datetime","required":true,"read_only":false,"create":true,"update":true,"nullable":false}`)
	expectJSON(t, admin["jobs"].Fields[4], `{"name":"progress","type":"integer","required":false,"read_only":false,"create":true,"update":true,"nullable":false,"default":0}`)
}

// A description leaves out the resources that the user may not ask for, and the topics that only staff
// may follow.
func TestDescriptionsByIdentity(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	nobody, alice, admin := describe(t, s.user(t, "")), describe(t, s.user(t, "alice")), describe(t, s.user(t, "admin"))
	if _, audit := alice["audit"]; len(nobody) != 1 || nobody["dams"].Name == "" || audit || len(admin) != len(alice)+1 {
		t.Errorf("described resources: got %d for anonymous, %d for alice, %d for staff, want dams alone, all but audit, and all", len(nobody), len(alice), len(admin))
	}
	for name, topics := range map[string][2]string{
		"dams": {`["dams"]`, `["dams"]`}, "patients": {`["patients"]`, `["patients"]`}, "rooms": {`[]`, `["room"]`},
		"users": {`[]`, `["user"]`}, "jobs": {`["jobs/1"]`, `["jobs"]`},
	} {
		expectJSON(t, alice[name].Topics, topics[0])
		expectJSON(t, admin[name].Topics, topics[1])
	}
	s.user(t, "admin").Expect(405, "", "POST", "/api/resources", `{}`)
	stale := s.user(t, "").WithCookie("rowcall_session=stale")
	stale.Expect(401, "", "GET", "/api/resources/", "")
}

// A reference to a resource that the user may not ask for is left out, and search does not look through
// the reference.
func TestReferencesByIdentity(t *testing.T) {
	t.Parallel()
	s := openServerOn(t, schematest.New(t, schematest.Samples), []rules.Resource{
		{Name: "rooms", Table: "chat_rooms", Allow: "authenticated"}, {Name: "users", Table: "users"},
	}, nil)
	alice, admin := s.user(t, "alice"), s.user(t, "admin")
	expectJSON(t, describe(t, alice)["rooms"].Fields[1].References, `null`)
	expectJSON(t, describe(t, admin)["rooms"].Fields[1].References, `{"resource":"users","field":"id","label":"username"}`)
	alice.Expect(200, `{"total":0}`, "GET", "/api/rooms?search=alice", "")
	admin.Expect(200, `{"total":1}`, "GET", "/api/rooms?search=alice", "")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice, carol, admin := s.user(t, "alice"), s.user(t, "carol"), s.user(t, "admin")
	s.db.Exec(t, `INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (50, '100%', 'a_b', now()), (51, '100', 'aXb', now()), (52, 'back\slash', 'x', now()), (53, 'Zoë', 'Ångström', now())`)
	for _, tt := range []struct {
		v           *apitest.HTTPUser
		query, want string
	}{
		{alice, "patients?search=100%25", `{"total":1,"rows":[{"id":50}]}`},
		{alice, "patients?search=a_b", `{"total":1,"rows":[{"id":50}]}`},
		{alice, "patients?search=k%5Cs", `{"total":1,"rows":[{"id":52}]}`},
		{alice, "patients?search=ZO", `{"total":1,"rows":[{"id":53}]}`},
		{alice, "patients?search=100+AXB", `{"total":1,"rows":[{"id":51}]}`},
		{alice, "patients?search=100&id=50&limit=1", `{"total":1,"limit":1,"rows":[{"id":50}]}`},
		{alice, "patients?search=52", `{"total":1,"rows":[{"id":52}]}`},
		{alice, "patients?search=+", `{"total":8}`},
		{alice, "patients?search=nobody+at+all", `{"total":0,"rows":[]}`},
		{admin, "join_requests?search=CAROL", `{"total":1,"rows":[{"user_id":3}]}`},
		{admin, "join_requests?search=reading+pending", `{"total":1}`},
		{admin, "join_requests?search=football", `{"total":0}`},
		{carol, "join_requests?search=carol", `{"total":1}`},
		{carol, "join_requests?search=reading", `{"total":0}`}, // a room that she does not see
		{carol, "users?search=o", `{"total":1}`},
		{admin, "users?search=o", `{"total":3}`},
	} {
		tt.v.Expect(200, tt.want, "GET", "/api/"+tt.query, "")
	}
	for _, query := range []string{"search=a%00b", "search=%ff", "search=" + strings.Repeat("x", 101), "search=a&search=b", "search=a+b+c+d+e+f+g+h+i+j+k"} {
		alice.Expect(400, `{"code":"invalid"}`, "GET", "/api/patients?"+query, "")
		if came := alice.Send("GET", "/api/patients?"+query, ""); !strings.Contains(came.Body, `"errors":{"search":[`) {
			t.Errorf("%s: got %s, want an error of search", query, came.Body)
		}
	}
}

// The table has names that need quotes, and every type and constraint.
func TestOddDescriptions(t *testing.T) {
	t.Parallel()
	fields := map[string]fieldDescription{}
	odd := describe(t, openOddServer(t))
	for _, f := range odd["odd"].Fields {
		fields[f.Name] = f
	}
	if _, ok := fields["secret"]; ok || odd["odd"].Label != `a"b` {
		t.Errorf("odd: got %+v, want the label a\"b and no field secret", odd["odd"])
	}
	expectJSON(t, fields["mood"].Choices, `["fine","so-so","it's \"bad\""]`)
	expectJSON(t, fields["parent"].References, `{"resource":"parents","field":"id","label":"label"}`)
	expectJSON(t, fields["boss"].References, `{"resource":"odd","field":"id","label":"a\"b"}`)
	expectJSON(t, fields["small"].Choices, `null`)
	expectJSON(t, fields["flag"].Default, `false`)
	expectJSON(t, fields["doubled"].ReadOnly, `true`)
	expectJSON(t, fields["nested"].Required, `false`)
	types := map[string]string{"ratio": "number", "price": "decimal", "local": "timestamp", "day": "date", "clock": "time", "parent": "uuid", "mood": "choice",
		"document": "json", "numbers": "other", "address": "other", "at": "datetime", "id": "integer"}
	for name, want := range types {
		if fields[name].Type != want {
			t.Errorf("type of %s: got %s, want %s", name, fields[name].Type, want)
		}
	}
}

// PostgreSQL writes a check in a form of its own, whatever form it was given in.
func TestChoices(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE DOMAIN size AS text CHECK (VALUE IN ('S', 'M')); CREATE TABLE lists (
		id int PRIMARY KEY,
		short varchar(5) DEFAULT 'it''s' CHECK (short IN ('a', 'it''s', 'c, d', '(e)')),
		plain text CHECK (plain = ANY ('{x,y}')),
		spelt text CHECK (spelt = ANY (ARRAY['x', 'y'])),
		number int DEFAULT -1 CHECK (number IN (-1, 2)),
		price numeric DEFAULT 1.50 CHECK (price IN (1.5, 2)),
		padded char(2) CHECK (padded IN ('a', 'b')),
		"odd Name" text CHECK ("odd Name" IN ('p', 'q')),
		lowered text CHECK (lower(lowered) IN ('x', 'y')),
		other text CHECK (other IN ('x', 'y') AND other <> id::text),
		denied text CHECK (denied NOT IN ('x', 'y')),
		either text CHECK (either IN ('x', 'y') OR length(either) > 5),
		single text CHECK (single IN ('x')),
		sized size,
		made timestamptz DEFAULT now(), computed text DEFAULT upper('x'), yes boolean DEFAULT true
	); GRANT SELECT, INSERT, UPDATE ON lists TO rowcall_app`)
	s := openServerOn(t, db, []rules.Resource{{Name: "lists", Table: "lists", Allow: "authenticated"}}, nil)
	choices, defaults := map[string]any{}, map[string]any{}
	for _, f := range describe(t, s.user(t, "alice"))["lists"].Fields {
		if f.Choices != nil {
			choices[f.Name] = f.Choices
		}
		if f.Default != nil {
			defaults[f.Name] = f.Default
		}
	}
	expectJSON(t, choices, `{"number":[-1,2],"odd Name":["p","q"],"padded":["a","b"],"price":[1.5,2],"short":["a","it's","c, d","(e)"],"sized":["S","M"],"spelt":["x","y"]}`)
	expectJSON(t, defaults, `{"number":-1,"price":1.5,"short":"it's","yes":true}`)
}

func TestDescriptionRules(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	compiled := compileTopics(t, db)
	_, err := Compile(t.Context(), dbconn.Over(db.Pool(t)), compiled, []rules.Resource{
		{Name: "a", Table: "users", Label: "password"}, {Name: "b", Table: "users", Label: "nothing"},
		{Name: "c", Table: "dams", Follow: []string{"nowhere", "dams/{id}"}}, {Name: "d", Table: "dams", Follow: []string{""}}, {Name: "resources", Table: "dams"},
	}, slog.New(slog.DiscardHandler))
	apitest.ExpectProblems(t, err, []string{
		`resources[2].follow[0]: "nowhere": no topic of this form`,
		`resources[2].follow[1]: {id} has no value: only {me} comes from the login`,
		`resources[3].follow[0]: is empty`,
		`resources[4].name: "resources" is an address`,
		`resources[0].label: "password" is no column`,
		`resources[1].label: "nothing" is no column`,
	})
}

package api

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/config/rules"
	"rowcall/schema/schematest"
)

// described is what GET /api/resources says, by name of the resource.
func (v *visitor) described() map[string]description {
	v.t.Helper()
	var answer struct{ Resources []description }
	if err := json.Unmarshal([]byte(v.wants(200, "", "GET", "/api/resources", "").body), &answer); err != nil {
		v.t.Fatal(err)
	}
	all := map[string]description{}
	for _, d := range answer.Resources {
		all[d.Name] = d
	}
	return all
}

// means compares a part of a description with what JSON it should have.
func means(t *testing.T, got any, want string) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != want {
		t.Errorf("described as\n%s\nwant\n%s", text, want)
	}
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	admin := w.visitor(t, "admin").described()
	means(t, admin["join_requests"], `{"name":"join_requests","key":"id","label":"id","create":true,"update":true,"delete":true,"topics":["room"],"fields":[`+
		`{"name":"id","type":"integer","required":false,"read_only":true,"create":false,"update":false,"nullable":false},`+
		`{"name":"user_id","type":"integer","required":true,"read_only":false,"create":true,"update":false,"nullable":false,"references":{"resource":"users","field":"id","label":"username"}},`+
		`{"name":"room_id","type":"integer","required":true,"read_only":false,"create":true,"update":false,"nullable":false,"references":{"resource":"rooms","field":"id","label":"title"}},`+
		`{"name":"status","type":"text","required":false,"read_only":false,"create":true,"update":true,"nullable":false,"max_length":10,"default":"pending","choices":["pending","admitted","denied"]}]}`)
	users := admin["users"]
	if users.Create || !users.Update || users.Delete || users.Label != "username" {
		t.Errorf("users: %+v", users)
	}
	for _, f := range users.Fields {
		if f.Name == "password" {
			t.Error("the password is described")
		}
	}
	means(t, users.Fields[5], `{"name":"is_active","type":"boolean","required":false,"read_only":false,"create":false,"update":true,"nullable":false,"default":true}`)
	if members := admin["members"]; !members.Create || members.Update || !members.Delete || members.Label != "id" {
		t.Errorf("members: %+v", members)
	}
	means(t, admin["patients"].Fields[3], `{"name":"admission_date","type":"datetime","required":false,"read_only":false,"create":true,"update":true,"nullable":true}`)
	means(t, admin["jobs"].Fields[4], `{"name":"progress","type":"integer","required":false,"read_only":false,"create":true,"update":true,"nullable":false,"default":0}`)
}

// Who may not ask for a resource does not hear of it, and of topics that only staff follow others hear nothing.
func TestDescriptionsByIdentity(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	nobody, alice, admin := w.visitor(t, "").described(), w.visitor(t, "alice").described(), w.visitor(t, "admin").described()
	if _, audit := alice["audit"]; len(nobody) != 1 || nobody["dams"].Name == "" || audit || len(admin) != len(alice)+1 {
		t.Errorf("described: %d to nobody, %d to alice, %d to staff", len(nobody), len(alice), len(admin))
	}
	for name, topics := range map[string][2]string{
		"dams": {`["dams"]`, `["dams"]`}, "patients": {`["patients"]`, `["patients"]`}, "rooms": {`[]`, `["room"]`},
		"users": {`[]`, `["user"]`}, "jobs": {`["jobs/1"]`, `["jobs"]`},
	} {
		means(t, alice[name].Topics, topics[0])
		means(t, admin[name].Topics, topics[1])
	}
	w.visitor(t, "admin").wants(405, "", "POST", "/api/resources", `{}`)
	stale := w.visitor(t, "")
	stale.cookie = "rowcall_session=stale"
	stale.wants(401, "", "GET", "/api/resources/", "")
}

// A resource that somebody may not ask for is not told of by those that refer to it, nor searched through them.
func TestReferencesByIdentity(t *testing.T) {
	t.Parallel()
	w := openWardOn(t, schematest.New(t, schematest.Samples), []rules.Resource{
		{Name: "rooms", Table: "chat_rooms", Allow: "authenticated"}, {Name: "users", Table: "users"},
	}, nil)
	alice, admin := w.visitor(t, "alice"), w.visitor(t, "admin")
	means(t, alice.described()["rooms"].Fields[1].References, `null`)
	means(t, admin.described()["rooms"].Fields[1].References, `{"resource":"users","field":"id","label":"username"}`)
	alice.wants(200, `{"total":0}`, "GET", "/api/rooms?search=alice", "")
	admin.wants(200, `{"total":1}`, "GET", "/api/rooms?search=alice", "")
}

// Staff follow the root of a family of topics and hear of everything below it, join requests included. Nobody
// else does, and one who is staff no longer stops hearing.
func TestStaffFollowAll(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	staff := map[string]*browser{}
	for _, topic := range []string{"room", "user", "jobs"} {
		staff[topic] = w.native(t, "admin")
		staff[topic].subscribe(topic, "")
		for _, name := range []string{"alice", "bob"} {
			b := w.native(t, name)
			b.say(`{"op":"subscribe","topic":"` + topic + `"}`)
			b.hears(`"op":"error","topic":"` + topic + `","code":"forbidden"`)
		}
		b := w.native(t, "")
		b.say(`{"op":"subscribe","topic":"` + topic + `"}`)
		b.hears(`"op":"error","topic":"` + topic + `","code":"unauthorized"`)
	}
	v := w.visitor(t, "admin")
	made := v.wants(201, `{"status":"pending"}`, "POST", "/api/join_requests", `{"user_id":3,"room_id":2}`)
	at := made.header.Get("Location")
	v.wants(200, `{"status":"admitted"}`, "PATCH", at, `{"status":"admitted"}`)
	v.wants(204, "", "DELETE", at, "")
	v.wants(201, `{"state":"queued"}`, "POST", "/api/jobs", `{"user_id":2,"title":"Count"}`)

	room, user, jobs := staff["room"], staff["user"], staff["jobs"]
	room.hearsOne(`"topic":"room/2"`, `"followed":"room"`, `"type":"did_alter_join_request"`, `"action":"create"`)
	room.hearsOne(`"topic":"room/2"`, `"action":"admit"`)
	room.hearsOne(`"topic":"room/2"`, `"type":"member_joined"`)
	room.hearsOne(`"topic":"room/2"`, `"type":"join_request_deleted"`)
	user.hearsOne(`"topic":"user/3"`, `"followed":"user"`, `"action":"create"`)
	user.hearsOne(`"topic":"user/3"`, `"action":"admit"`)
	user.hearsOne(`"topic":"user/3"`, `"type":"room_joined"`)
	user.hearsOne(`"topic":"user/3"`, `"type":"join_request_deleted"`)
	jobs.hearsOne(`"topic":"jobs/2"`, `"type":"job_posting.saved"`)

	w.db.Psql(t, `UPDATE users SET is_staff = false WHERE id = 5;`)
	for topic, b := range staff {
		b.hears(`"op":"error","topic":"` + topic + `","code":"forbidden"`)
	}
}

// hearsOne wants one frame with all these texts in it.
func (b *browser) hearsOne(parts ...string) {
	b.t.Helper()
	frame := b.hear()
	for _, part := range parts {
		if !strings.Contains(frame, part) {
			b.t.Errorf("heard %s\nwant  %s", frame, part)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	alice, carol, admin := w.visitor(t, "alice"), w.visitor(t, "carol"), w.visitor(t, "admin")
	w.db.Exec(t, `INSERT INTO patients (id, first_name, last_name) VALUES (50, '100%', 'a_b'), (51, '100', 'aXb'), (52, 'back\slash', 'x'), (53, 'Zoë', 'Ångström')`)
	for _, tt := range []struct {
		v           *visitor
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
		tt.v.wants(200, tt.want, "GET", "/api/"+tt.query, "")
	}
	for _, query := range []string{"search=a%00b", "search=%ff", "search=" + strings.Repeat("x", 101), "search=a&search=b", "search=a+b+c+d+e+f+g+h+i+j+k"} {
		alice.wants(400, `{"code":"invalid"}`, "GET", "/api/patients?"+query, "")
		if came := alice.send("GET", "/api/patients?"+query, ""); !strings.Contains(came.body, `"errors":{"search":[`) {
			t.Errorf("%s: %s", query, came.body)
		}
	}
}

// Names, types and constraints of a table that nobody has thought of.
func TestOddDescriptions(t *testing.T) {
	t.Parallel()
	fields := map[string]fieldDescription{}
	odd := openOddWard(t).described()
	for _, f := range odd["odd"].Fields {
		fields[f.Name] = f
	}
	if _, ok := fields["secret"]; ok || odd["odd"].Label != `a"b` {
		t.Errorf("%+v", odd["odd"])
	}
	means(t, fields["mood"].Choices, `["fine","so-so","it's \"bad\""]`)
	means(t, fields["parent"].References, `{"resource":"parents","field":"id","label":"label"}`)
	means(t, fields["boss"].References, `{"resource":"odd","field":"id","label":"a\"b"}`)
	means(t, fields["small"].Choices, `null`)
	means(t, fields["flag"].Default, `false`)
	means(t, fields["doubled"].ReadOnly, `true`)
	means(t, fields["nested"].Required, `false`)
	types := map[string]string{"ratio": "number", "price": "decimal", "local": "timestamp", "day": "date", "clock": "time", "parent": "uuid", "mood": "choice",
		"document": "json", "numbers": "other", "address": "other", "at": "datetime", "id": "integer"}
	for name, want := range types {
		if fields[name].Type != want {
			t.Errorf("%s is described as %s, want %s", name, fields[name].Type, want)
		}
	}
}

// What PostgreSQL makes of lists of values, in its own words.
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
	w := openWardOn(t, db, []rules.Resource{{Name: "lists", Table: "lists", Allow: "authenticated"}}, nil)
	choices, defaults := map[string]any{}, map[string]any{}
	for _, f := range w.visitor(t, "alice").described()["lists"].Fields {
		if f.Choices != nil {
			choices[f.Name] = f.Choices
		}
		if f.Default != nil {
			defaults[f.Name] = f.Default
		}
	}
	means(t, choices, `{"number":[-1,2],"odd Name":["p","q"],"padded":["a","b"],"price":[1.5,2],"short":["a","it's","c, d","(e)"],"sized":["S","M"],"spelt":["x","y"]}`)
	means(t, defaults, `{"number":-1,"price":1.5,"short":"it's","yes":true}`)
}

func TestDescriptionRules(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	compiled, err := compileOn(t, db)
	if err != nil {
		t.Fatal(err)
	}
	_, err = CompileResources(t.Context(), db.Pool(t), compiled, []rules.Resource{
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

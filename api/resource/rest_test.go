package resource

import (
	"net/http"
	"strings"
	"testing"

	"rowcall/api/apitest"
)

func TestResource(t *testing.T) {
	t.Parallel()
	alice := openServer(t).user(t, "alice")
	alice.Expect(200, `{"total":4,"limit":100,"offset":0}`, "GET", "/api/patients", "")
	made := alice.Expect(201, `{"id":5,"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null}`,
		"POST", "/api/patients", `{"first_name":" Ana ","last_name":"Ek","admission_date":"2021-06-01T12:00:00+02:00","id":99,"created_at":"1999-01-01T00:00:00Z"}`)
	if at := made.Header.Get("Location"); at != "/api/patients/5" {
		t.Errorf("Location: got %q, want /api/patients/5", at)
	}
	if made.Header.Get("Cache-Control") != "no-store" || made.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: got %v, want no-store and application/json", made.Header)
	}
	if at := apitest.Field(t, made.Body, "created_at"); !strings.HasPrefix(at, "20") || !strings.HasSuffix(at, "Z") || strings.HasPrefix(at, "1999") {
		t.Errorf("created_at: got %s, want the time of the database", at)
	}
	alice.Expect(200, made.Body, "GET", "/api/patients/5", "")
	alice.Expect(200, made.Body, "GET", "/api/patients/005/", "")
	alice.Expect(200, `{"id":5,"first_name":"Ana","last_name":"Berg","admission_date":"2021-06-01T10:00:00Z"}`, "PATCH", "/api/patients/5", `{"last_name":"Berg"}`)
	alice.Expect(200, `{"last_name":"Berg","dismissal_date":null}`, "PATCH", "/api/patients/5", `{"dismissal_date":null}`)
	alice.Expect(400, `{"errors":{"admission_date":["This field may not be null."]}}`, "PATCH", "/api/patients/5", `{"admission_date":null}`)
	alice.Expect(200, `{"last_name":"Berg"}`, "PATCH", "/api/patients/5", `{}`)
	alice.Expect(200, `{"id":5,"first_name":"A","last_name":"B"}`, "PUT", "/api/patients/5", `{"id":7,"first_name":"A","last_name":"B","admission_date":"2021-06-01T10:00:00Z"}`)
	alice.Expect(400, `{"code":"invalid","status":400,"errors":{"last_name":["This field is required."],"admission_date":["This field is required."]}}`, "PUT", "/api/patients/5", `{"first_name":"A"}`)
	alice.Expect(200, `{"total":1}`, "GET", "/api/patients/?first_name=A", "")
	alice.Expect(204, "", "DELETE", "/api/patients/5", "")
	for _, method := range []string{"GET", "DELETE"} {
		alice.Expect(404, `{"code":"not_found"}`, method, "/api/patients/5", "")
	}
	alice.Expect(404, `{"code":"not_found"}`, "PATCH", "/api/patients/5", `{}`)
}

func TestResourceAddresses(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice := s.user(t, "alice")
	for _, key := range []string{"x", "0x1", "-1", "1.5", "99999999999999999999", "1%27", "1%00", "%20", "1e3", "%E2%80%AE1"} {
		alice.Expect(404, "", "GET", "/api/patients/"+key, "")
	}
	alice.Expect(404, "", "GET", "/api/patients/1/more", "")
	alice.Expect(404, "", "GET", "/api/nothing", "")
	for _, tt := range []struct{ method, path, allow string }{
		{"DELETE", "/api/patients", "GET, HEAD, POST"}, {"PUT", "/api/patients/", "GET, HEAD, POST"}, {"POST", "/api/patients/1", "GET, HEAD, PUT, PATCH, DELETE"},
	} {
		came := alice.Expect(405, `{"code":"method_not_allowed"}`, tt.method, tt.path, `{}`)
		if got := came.Header.Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: got Allow %q, want %q", tt.method, tt.path, got, tt.allow)
		}
	}
	if came := alice.Expect(200, "", "HEAD", "/api/patients/1", ""); came.Body != "" {
		t.Errorf("body of HEAD: got %s, want none", came.Body)
	}
	for content, status := range map[string]int{`{"first_name":`: 400, `{} {}`: 400, `nonsense`: 400, "{\"first_name\":\"" + strings.Repeat("x", 1<<20) + "\"}": 413} {
		alice.Expect(status, "", "POST", "/api/patients", content)
	}
	plain, _ := http.NewRequestWithContext(t.Context(), "PUT", s.url+"/api/patients/1", strings.NewReader(`{}`))
	plain.Header.Set("Cookie", alice.Cookie())
	plain.Header.Set("Sec-Fetch-Site", "same-origin")
	if came, err := http.DefaultClient.Do(plain); err != nil || came.StatusCode != 415 {
		t.Errorf("without a content type: got %v, %v, want 415", came, err)
	}
}

func TestResourceListing(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice := s.user(t, "alice")
	s.db.Exec(t, `INSERT INTO patients (id, first_name, last_name, admission_date) SELECT n, 'N' || n % 3, 'Same', '2020-01-01T00:00:00Z'::timestamptz + n * interval '1 day' FROM generate_series(101, 112) n`)
	for _, tt := range []struct{ query, want string }{
		{"limit=2&offset=1&last_name=Same", `{"total":12,"limit":2,"offset":1,"rows":[{"id":102},{"id":103}]}`},
		{"last_name=Same&first_name=N0&ordering=-id&limit=1", `{"total":4,"rows":[{"id":111}]}`},
		{"id=101&id=103&id=999", `{"total":2,"rows":[{"id":101},{"id":103}]}`},
		{"last_name=Same&ordering=-first_name,id&limit=3", `{"rows":[{"id":101},{"id":104},{"id":107}]}`},
		{"admission_date=2020-04-11T02:00:00%2B02:00", `{"total":1,"rows":[{"id":101}]}`},
		{"dismissal_date=", `{"total":15}`},
		{"admission_date=&admission_date=2020-04-11", ``},
		{"first_name=", `{"total":0,"rows":[]}`},
		{"last_name=Same&offset=50", `{"total":12,"offset":50,"rows":[]}`},
		{"first_name=" + strings.Repeat("x", 300), `{"total":0}`},
	} {
		status := 200
		if tt.want == "" {
			status = 400
		}
		alice.Expect(status, tt.want, "GET", "/api/patients?"+tt.query, "")
	}
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=1001": "limit", "limit=x": "limit", "limit=1&limit=2": "limit", "offset=-1": "offset", "offset=1.5": "offset",
		"ordering=nothing": "ordering", "ordering=": "ordering", "ordering=id%3B": "ordering", "ordering=--id": "ordering", "nothing=1": "nothing", "id=x": "id", "id=1%00": "id",
		"admission_date=yesterday": "admission_date", "first_name=%00": "first_name", "created_at=now": "created_at",
	} {
		if came := alice.Expect(400, `{"code":"invalid"}`, "GET", "/api/patients?"+query, ""); !strings.Contains(came.Body, `"errors":{"`+field+`":[`) {
			t.Errorf("%s: got %s, want an error of %s", query, came.Body, field)
		}
	}
}

func TestResourceInput(t *testing.T) {
	t.Parallel()
	alice := openServer(t).user(t, "alice")
	const datetime = `["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."]`
	for _, tt := range []struct{ content, errors string }{
		{`{}`, `{"first_name":["This field is required."],"last_name":["This field is required."],"admission_date":["This field is required."]}`},
		{`{"first_name":null,"last_name":"b","admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["This field may not be null."]}`},
		{`{"first_name":"  ","last_name":"b","admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["This field may not be blank."]}`},
		{`{"first_name":true,"last_name":["b"],"admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["Not a valid string."],"last_name":["Not a valid string."]}`},
		{`{"first_name":"a\u0000b","last_name":"b","admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["Null characters are not allowed."]}`},
		{`{"first_name":"` + strings.Repeat("ü", 241) + `","last_name":"b","admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["Ensure this field has no more than 240 characters."]}`},
		{`{"first_name":"a","last_name":"b","admission_date":"2021-06-01T10:00:00Z","nothing":1}`, `{"nothing":["There is no such field."]}`},
		{`{"first_name":"a","last_name":"b","admission_date":"yesterday"}`, `{"admission_date":` + datetime + `}`},
		{`{"first_name":"a","last_name":"b","admission_date":5}`, `{"admission_date":` + datetime + `}`},
		{`"text"`, `{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`},
		{`null`, `{"non_field_errors":["No data provided"]}`},
		{`5`, `{"non_field_errors":["Invalid data. Expected a dictionary, but got int."]}`},
	} {
		alice.Expect(400, `{"type":"about:blank","title":"Bad Request","status":400,"code":"invalid","errors":`+tt.errors+`}`, "POST", "/api/patients", tt.content)
	}
	alice.Expect(201, `{"first_name":"`+strings.Repeat("ü", 240)+`","last_name":"5.50"}`, "POST", "/api/patients",
		`{"first_name":"`+strings.Repeat("ü", 240)+`  ","last_name":5.50,"admission_date":"2021-06-01T10:00:00Z"}`)
}

func TestResourceBulk(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice := s.user(t, "alice")
	alice.Expect(201, `[{"first_name":"a","dismissal_date":null},{"first_name":"c","dismissal_date":"2021-06-01T10:00:00Z"}]`, "POST", "/api/patients",
		`[{"first_name":"a","last_name":"b","admission_date":"2021-06-01T10:00:00Z"},{"first_name":"c","last_name":"d","admission_date":"2021-06-01T10:00:00Z","dismissal_date":"2021-06-01 10:00"}]`)
	alice.Expect(400, `{"errors":[{},{"last_name":["This field is required."]},{"non_field_errors":["Invalid data. Expected a dictionary, but got int."]}]}`,
		"POST", "/api/patients", `[{"first_name":"a","last_name":"b","admission_date":"2021-06-01T10:00:00Z"},{"first_name":"c","admission_date":"2021-06-01T10:00:00Z"},5]`)
	alice.Expect(201, `[{"name":null},{"name":null}]`, "POST", "/api/dams", `[{},{}]`)
	alice.Expect(201, `{"name":null}`, "POST", "/api/dams", `{}`)
	alice.Expect(403, "", "POST", "/api/messages", `[{"room_id":1,"sender_id":1,"message":"mine"},{"room_id":1,"sender_id":2,"message":"his"}]`)
	if n := s.db.Text(t, `SELECT count(*) FROM chat_messages WHERE message IN ('mine', 'his')`); n != "0" {
		t.Errorf("rows of a refused list: got %s, want 0", n)
	}
	alice.Expect(400, "", "POST", "/api/patients", `[]`)
	alice.Expect(400, "", "POST", "/api/patients", `[`+strings.Repeat(`{},`, 1000)+`{}]`)
}

func TestResourceAccess(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	nobody, alice, bob, carol, admin := s.user(t, ""), s.user(t, "alice"), s.user(t, "bob"), s.user(t, "carol"), s.user(t, "admin")
	for _, tt := range []struct {
		who                   *apitest.HTTPUser
		status                int
		method, path, content string
	}{
		{nobody, 401, "GET", "/api/patients", ""},
		{nobody, 401, "POST", "/api/patients", `nonsense`},
		{nobody, 401, "GET", "/api/audit", ""},
		{nobody, 200, "GET", "/api/dams", ""},
		{nobody, 401, "POST", "/api/dams", `{"name":"x"}`},
		{nobody, 401, "DELETE", "/api/dams/1", ""},
		{alice, 403, "GET", "/api/audit", ""},
		{admin, 200, "GET", "/api/audit", ""},
		{carol, 404, "GET", "/api/rooms/1", ""},
		{bob, 200, "GET", "/api/rooms/1", ""},
		{bob, 403, "PATCH", "/api/rooms/1", `{"title":"x"}`},
		{bob, 403, "PATCH", "/api/rooms/1", `{}`},
		{bob, 403, "DELETE", "/api/rooms/1", ""},
		{alice, 200, "PATCH", "/api/rooms/1", `{"title":"x"}`},
		{carol, 404, "PATCH", "/api/rooms/1", `{"title":"x"}`},
		{bob, 201, "POST", "/api/messages", `{"room_id":1,"sender_id":2,"message":"hi"}`},
		{bob, 403, "POST", "/api/messages", `{"room_id":1,"sender_id":1,"message":"hi"}`},
		{carol, 403, "POST", "/api/messages", `{"room_id":1,"sender_id":3,"message":"hi"}`},
		{carol, 403, "POST", "/api/join_requests", `{"room_id":2,"user_id":3}`},
		{carol, 403, "PATCH", "/api/join_requests/1", `{"status":"admitted"}`},
		{bob, 404, "PATCH", "/api/join_requests/1", `{"status":"admitted"}`},
		{alice, 200, "PATCH", "/api/join_requests/1", `{"status":"admitted"}`},
		{carol, 201, "POST", "/api/messages", `{"room_id":1,"sender_id":3,"message":"thanks"}`},
		{alice, 403, "POST", "/api/jobs", `{"user_id":1,"title":"x"}`},
		{alice, 403, "PATCH", "/api/jobs/1", `{"title":"x"}`},
		{alice, 403, "PATCH", "/api/jobs/1", `{}`},
		{alice, 404, "GET", "/api/jobs/3", ""},
		{bob, 200, "GET", "/api/jobs/3", ""},
		{admin, 200, "GET", "/api/jobs/3", ""},
	} {
		tt.who.Expect(tt.status, "", tt.method, tt.path, tt.content)
	}
	alice.Expect(200, `{"total":2}`, "GET", "/api/jobs", "")
	admin.Expect(200, `{"total":3}`, "GET", "/api/jobs", "")
	carol.Expect(200, `{"total":0,"rows":[]}`, "GET", "/api/jobs?user_id=1", "")
}

// A deactivated user and a cookie of no login are refused, also where anonymous users are admitted.
func TestResourceAfterLogout(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice := s.user(t, "alice")
	s.db.Exec(t, `UPDATE users SET is_active = false WHERE id = 1`)
	alice.Expect(401, `{"code":"unauthorized"}`, "GET", "/api/patients", "")
	alice = alice.WithCookie("rowcall_session=stale")
	alice.Expect(401, `{"code":"unauthorized"}`, "GET", "/api/dams", "")
}

package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// reply404 is the answer to a request about a row that is not there.
func reply404(action, id string) string {
	return `{"errors":["Not found"],"data":null,"action":"` + action + `","response_status":404,"request_id":` + id + `}`
}

// asks sends a request and returns the next frame.
func (b *browser) asks(request string) string {
	b.t.Helper()
	b.say(request)
	return b.hear()
}

// answers sends a request and wants this reply, in which # stands for any point in time.
func (b *browser) answers(request, want string) string {
	b.t.Helper()
	got := b.asks(request)
	if !similar(got, want) {
		b.t.Fatalf("asked %s\nheard %s\nwant  %s", request, got, want)
	}
	return got
}

// similar compares a frame with one in which "#" stands for any text.
func similar(got, want string) bool {
	form := strings.ReplaceAll(regexp.QuoteMeta(want), `"#"`, `"[^"]+"`)
	return regexp.MustCompile(`^` + form + `$`).MatchString(got)
}

// A row as replies and as events have it.
const (
	anaRow   = `{"id":5,"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null,"created_at":"#","updated_at":"#"}`
	anaEvent = `{"id":5,"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null,"updated_at":"#","created_at":"#","type":"patient.change","action":`
	makeAna  = `{"action":"create","request_id":1,"data":{"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01 12:00+02:00"}}`
)

func (b *browser) similar(want ...string) {
	b.t.Helper()
	for _, one := range want {
		if got := b.hear(); !similar(got, one) {
			b.t.Fatalf("heard %s\nwant  %s", got, one)
		}
	}
}

func TestDCRFActions(t *testing.T) {
	t.Parallel()
	b := openWard(t).dial(t, "/ws/patients/", "alice")
	b.answers(makeAna, `{"errors":[],"data":`+anaRow+`,"action":"create","response_status":201,"request_id":1}`)
	b.similar(anaEvent + `"create"}`)
	b.answers(`{"action":"retrieve","request_id":"x","pk":5}`, `{"errors":[],"data":`+anaRow+`,"action":"retrieve","response_status":200,"request_id":"x"}`)
	b.answers(`{"action":"retrieve","request_id":null,"pk":"005"}`, `{"errors":[],"data":`+anaRow+`,"action":"retrieve","response_status":200,"request_id":null}`)
	b.answers(`{"action":"patch","request_id":1.50,"pk":"5","data":{"last_name":"Berg"}}`,
		`{"errors":[],"data":`+strings.Replace(anaRow, "Ek", "Berg", 1)+`,"action":"patch","response_status":200,"request_id":1.50}`)
	b.similar(strings.Replace(anaEvent, "Ek", "Berg", 1) + `"update"}`)
	b.answers(`{"action":"update","request_id":[1],"pk":5,"data":{"first_name":"Ana","last_name":"Ek","id":9,"nothing":1}}`,
		`{"errors":[],"data":`+anaRow+`,"action":"update","response_status":200,"request_id":[1]}`)
	b.similar(anaEvent + `"update"}`)
	b.answers(`{"action":"patch","request_id":1,"pk":5,"data":{}}`, `{"errors":[],"data":`+anaRow+`,"action":"patch","response_status":200,"request_id":1}`)
	b.similar(anaEvent + `"update"}`)
	b.answers(`{"action":"delete","request_id":{"a":1},"pk":5}`, `{"errors":[],"data":null,"action":"delete","response_status":204,"request_id":{"a":1}}`)
	b.similar(anaEvent + `"delete"}`)
	b.answers(`{"action":"delete","request_id":2,"pk":5}`, reply404("delete", "2"))
	list := b.asks(`{"action":"list","request_id":3,"data":{}}`)
	if !strings.HasPrefix(list, `{"errors":[],"data":[{"id":1,"first_name":"Ana",`) || !strings.HasSuffix(list, `}],"action":"list","response_status":200,"request_id":3}`) {
		t.Errorf("the list is %s", list)
	}
}

func TestDCRFErrors(t *testing.T) {
	t.Parallel()
	b := openWard(t).dial(t, "/ws/patients", "alice")
	const datetime = `"Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."`
	long := strings.Repeat("x", 241)
	for _, tt := range []struct{ action, more, errors string }{
		{"create", `"data":{"first_name":"a"}`, `{"last_name":["This field is required."]}`},
		{"create", `"data":{"first_name":null,"last_name":"b"}`, `{"first_name":["This field may not be null."]}`},
		{"create", `"data":{"first_name":" ","last_name":""}`, `{"first_name":["This field may not be blank."],"last_name":["This field may not be blank."]}`},
		{"create", `"data":{"first_name":"` + long + `","last_name":"b"}`, `{"first_name":["Ensure this field has no more than 240 characters."]}`},
		{"create", `"data":{"first_name":true,"last_name":{}}`, `{"first_name":["Not a valid string."],"last_name":["Not a valid string."]}`},
		{"create", `"data":{"first_name":"a","last_name":"b","admission_date":"soon"}`, `{"admission_date":[` + datetime + `]}`},
		{"create", `"data":[]`, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`},
		{"create", `"data":"x"`, `{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`},
		{"create", `"data":null`, `{"non_field_errors":["No data provided"]}`},
		{"create", `"pk":1`, `{"non_field_errors":["No data provided"]}`},
		{"update", `"pk":1,"data":{"first_name":"a"}`, `{"last_name":["This field is required."]}`},
		{"patch", `"pk":1,"data":{"first_name":""}`, `{"first_name":["This field may not be blank."]}`},
		{"retrieve", `"data":{}`, `{"pk":["This field is required."]}`},
		{"delete", `"pk":null`, `{"pk":["This field may not be null."]}`},
	} {
		b.answers(`{"action":"`+tt.action+`","request_id":"r",`+tt.more+`}`,
			`{"errors":[`+tt.errors+`],"data":null,"action":"`+tt.action+`","response_status":400,"request_id":"r"}`)
	}
	for _, action := range []string{"retrieve", "update", "patch", "delete", "subscribe_instance", "unsubscribe_instance"} {
		for _, pk := range []string{`99`, `"99"`, `"x"`, `true`, `1.5`, `[1]`, `{}`, `"1; DROP TABLE patients"`, `99999999999999999999`, `-1`} {
			b.answers(`{"action":"`+action+`","request_id":7,"pk":`+pk+`,"data":{}}`, reply404(action, "7"))
		}
	}
	b.answers(`{"action":"explode","request_id":1}`, `{"errors":["Method \"explode\" not allowed."],"data":null,"action":"explode","response_status":405,"request_id":1}`)
	b.answers(`{"action":"ex\"<\u0001","request_id":1}`,
		`{"errors":["Method \"ex\"<\u0001\" not allowed."],"data":null,"action":"ex\"<\u0001","response_status":405,"request_id":1}`)
}

// Frames that cannot be read are answered where they say which request they are, and else end the socket:
// only this one.
func TestDCRFMalformedFrames(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	other := w.dial(t, "/ws/patients/", "bob")
	b := w.dial(t, "/ws/patients/", "alice")
	b.answers(`{"request_id":1}`, `{"errors":[{"action":["This field is required."]}],"data":null,"action":null,"response_status":400,"request_id":1}`)
	b.answers(`{"request_id":1,"action":5}`, `{"errors":[{"action":["Not a valid string."]}],"data":null,"action":5,"response_status":400,"request_id":1}`)
	b.answers(`{"request_id":1,"action":null}`, `{"errors":[{"action":["This field may not be null."]}],"data":null,"action":null,"response_status":400,"request_id":1}`)
	b.answers(`{"Request_ID":2,"request_id":1,"ACTION":"list","action":"retrieve","pk":99}`, reply404("retrieve", "1"))
	for _, frame := range []string{``, `{`, `nonsense`, `5`, `"x"`, `null`, `[]`, `[{"action":"list","request_id":1}]`, `{}`, `{"action":"list"}`, `{"Request_ID":1,"action":"list"}`,
		"{\"action\":\"\xff\",\"request_id\":1}", `{"action":"list","request_id":1}x`, strings.Repeat(`[`, 60_000)} {
		b := w.dial(t, "/ws/patients/", "alice")
		b.say(frame)
		b.expectClose(1003)
	}
	binary := w.dial(t, "/ws/patients/", "alice")
	if err := binary.WriteMessage(websocket.BinaryMessage, []byte(`{"action":"list","request_id":1}`)); err != nil {
		t.Fatal(err)
	}
	binary.expectClose(1003)
	large := w.dial(t, "/ws/patients/", "alice")
	large.say(`{"action":"list","request_id":"` + strings.Repeat("x", 64<<10) + `"}`)
	large.expectClose(1009)
	other.answers(`{"action":"delete","request_id":1,"pk":99}`, reply404("delete", "1"))
}

func TestDCRFDemultiplexed(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	b := w.dial(t, "/ws/", "alice")
	b.answers(`{"stream":"patients","payload":`+makeAna+`}`, `{"stream":"patients","payload":{"errors":[],"data":`+anaRow+`,"action":"create","response_status":201,"request_id":1}}`)
	b.similar(`{"stream":"patients","payload":` + anaEvent + `"create"}}`)
	b.answers(`{"stream":"patients","payload":{"action":"subscribe_instance","request_id":"s","pk":5}}`,
		`{"stream":"patients","payload":{"errors":[],"data":null,"action":"subscribe_instance","response_status":201,"request_id":"s"}}`)
	w.db.Psql(t, `DELETE FROM patients WHERE id = 5`)
	b.similar(`{"stream":"patients","payload":`+anaEvent+`"delete"}}`,
		`{"stream":"patients","payload":{"errors":[],"data":{"pk":5},"action":"delete","response_status":204,"request_id":"s"}}`)
	w.db.Psql(t, `INSERT INTO dams (id, name) VALUES (9, 'New'); INSERT INTO hydrographs (id, dam_id) VALUES (2, 9); UPDATE dams SET name = NULL WHERE id = 9`)
	b.similar(`{"stream":"dams","payload":{"id":9,"name":"New","latitude":null,"longitude":null,"owner":null,"river":null,"date_built":null,"type":"dam.create","action":"create"}}`,
		`{"stream":"dams","payload":{"id":9,"name":null,"latitude":null,"longitude":null,"owner":null,"river":null,"date_built":null,"type":"dam.update","action":"update"}}`)
	w.db.Psql(t, `UPDATE job_postings SET state = 'done' WHERE id IN (1, 3)`)
	b.similar(`{"stream":"jobs","payload":{"id":1,"state":"done","title":"#","progress":0,"type":"job_posting.saved","action":"update"}}`)
	b.answers(`{"stream":"jobs","payload":{"action":"retrieve","request_id":1,"pk":3}}`,
		`{"stream":"jobs","payload":`+reply404("retrieve", "1")+`}`)

	const unmapped = `{"errors":["Invalid multiplexed frame received (stream not mapped)"],"data":null,"action":"list","response_status":400,"request_id":1}`
	b.answers(`{"stream":"nope","payload":{"action":"list","request_id":1}}`, `{"stream":"nope","payload":`+unmapped+`}`)
	b.answers(`{"stream":5,"payload":{"action":"list","request_id":1}}`, `{"stream":5,"payload":`+unmapped+`}`)
	b.answers(`{"payload":{"action":"list","request_id":1}}`, unmapped)
	b.answers(`{"action":"list","request_id":1}`, unmapped)
	for _, frame := range []string{`{"stream":"patients"}`, `{"stream":"patients","payload":5}`, `{"stream":"patients","payload":{"action":"list"}}`, `[]`} {
		b := w.dial(t, "/ws", "alice")
		b.say(frame)
		b.expectClose(1003)
	}
}

// Who is not logged in may open a socket, is refused whatever is asked, and hears of nothing.
func TestDCRFAnonymous(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	stale := http.Header{"Cookie": {"rowcall_session=stale"}}
	for _, b := range []*browser{w.dial(t, "/ws/patients/", ""), w.dialWith(t, "/ws/patients/", stale)} {
		w.db.Psql(t, `INSERT INTO patients (first_name, last_name) VALUES ('not', 'heard')`)
		for _, action := range []string{"list", "create", "subscribe_instance", "explode"} {
			b.answers(`{"action":"`+action+`","request_id":"a","pk":1}`,
				`{"errors":["You do not have permission to perform this action."],"data":null,"action":"`+action+`","response_status":403,"request_id":"a"}`)
		}
	}

	// On a socket of several streams, those that everybody may see are open.
	many := w.dial(t, "/ws/", "")
	w.db.Psql(t, `INSERT INTO patients (first_name, last_name) VALUES ('not', 'heard'); INSERT INTO dams (id, name) VALUES (9, 'New')`)
	many.hears(`{"stream":"dams","payload":{"id":9,`)
}

// A resource that is not for the user is refused request by request too.
func TestDCRFForbidden(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	b, admin := w.dial(t, "/ws/audit/", "alice"), w.dial(t, "/ws/audit/", "admin")
	b.hears403("list")
	if list := admin.asks(`{"action":"list","request_id":1}`); !strings.Contains(list, `"response_status":200`) {
		t.Errorf("the admin gets %s", list)
	}
}

func (b *browser) hears403(action string) {
	b.t.Helper()
	b.answers(`{"action":"`+action+`","request_id":1}`,
		`{"errors":["You do not have permission to perform this action."],"data":null,"action":"`+action+`","response_status":403,"request_id":1}`)
}

// Several subscriptions of one row, and of several rows, know nothing of each other.
func TestDCRFSubscriptions(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	b := w.dial(t, "/ws/patients/", "alice")
	done := func(action, id string, status int) string {
		return fmt.Sprintf(`{"errors":[],"data":null,"action":%q,"response_status":%d,"request_id":%s}`, action, status, id)
	}
	subscribe := func(id, pk string) {
		b.answers(`{"action":"subscribe_instance","request_id":`+id+`,"pk":`+pk+`}`, done("subscribe_instance", id, 201))
	}
	for _, id := range []string{`"one"`, `1`, `"1"`, `"two"`} {
		subscribe(id, `1`)
	}
	subscribe(`"one"`, `"1"`) // once more changes nothing
	subscribe(`"other"`, `2`)
	hears := func(sql string, frames ...string) {
		t.Helper()
		w.db.Psql(t, sql)
		for _, frame := range frames {
			b.hears(frame)
		}
	}
	updated := func(id string) string {
		return `"first_name":"A","last_name":"Ek","admission_date":"2026-03-02T08:30:00Z","dismissal_date":null,"updated_at":"`
	}
	ends := func(id string) {
		t.Helper()
		frame := b.hears(updated(id))
		if !strings.HasPrefix(frame, `{"errors":[],"data":{"id":1,`) || !strings.HasSuffix(frame, `},"action":"update","response_status":200,"request_id":`+id+`}`) {
			t.Fatalf("heard %s, want what %s subscribed to", frame, id)
		}
	}
	hears(`UPDATE patients SET first_name = 'A' WHERE id = 1`, `"type":"patient.change"`)
	for _, id := range []string{`"one"`, `1`, `"1"`, `"two"`} {
		ends(id)
	}
	b.answers(`{"action":"unsubscribe_instance","request_id":1,"pk":1}`, done("unsubscribe_instance", `1`, 204))
	b.answers(`{"action":"unsubscribe_instance","request_id":"one","pk":2}`, done("unsubscribe_instance", `"one"`, 204))
	b.answers(`{"action":"unsubscribe_instance","request_id":"nobody","pk":1}`, done("unsubscribe_instance", `"nobody"`, 204))
	hears(`UPDATE patients SET first_name = 'A' WHERE id = 1`, `"type":"patient.change"`)
	for _, id := range []string{`"one"`, `"1"`, `"two"`} {
		ends(id)
	}
	hears(`DELETE FROM patients WHERE id = 1`, `"action":"delete"}`)
	for _, id := range []string{`"one"`, `"1"`, `"two"`} {
		b.expect(`{"errors":[],"data":{"pk":1},"action":"delete","response_status":204,"request_id":` + id + `}`)
	}
	hears(`INSERT INTO patients (id, first_name, last_name) VALUES (1, 'again', 'there'); UPDATE patients SET first_name = 'B' WHERE id = 2`,
		`"action":"create"}`, `"action":"update"}`, `"request_id":"other"}`)
}

func TestDCRFSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	b := openWard(t).dial(t, "/ws/patients/", "alice")
	for i := range 100 {
		b.hearsStatus(fmt.Sprintf(`{"action":"subscribe_instance","request_id":%d,"pk":1}`, i), 201)
	}
	b.hearsStatus(`{"action":"subscribe_instance","request_id":100,"pk":1}`, 429)
	b.hearsStatus(`{"action":"subscribe_instance","request_id":7,"pk":1}`, 201)
	b.hearsStatus(`{"action":"unsubscribe_instance","request_id":7,"pk":1}`, 204)
	b.hearsStatus(`{"action":"subscribe_instance","request_id":100,"pk":2}`, 201)
}

func (b *browser) hearsStatus(request string, status int) {
	b.t.Helper()
	if got := b.asks(request); !strings.Contains(got, fmt.Sprintf(`"response_status":%d,`, status)) {
		b.t.Fatalf("asked %s, heard %s, want %d", request, got, status)
	}
}

// Changes by psql and over a socket look the same, and what is rolled back was never there.
func TestDCRFObserver(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	one, two := w.dial(t, "/ws/patients/", "alice"), w.dial(t, "/ws/patients/", "bob")
	w.db.Psql(t, `BEGIN; INSERT INTO patients (first_name, last_name) VALUES ('never', 'there'); ROLLBACK;
		ALTER TABLE patients ALTER id RESTART WITH 5;
		INSERT INTO patients (first_name, last_name, admission_date) VALUES ('Ana', 'Ek', '2021-06-01T10:00:00Z')`)
	for _, b := range []*browser{one, two} {
		b.similar(anaEvent + `"create"}`)
	}
	one.hearsStatus(`{"action":"patch","request_id":1,"pk":5,"data":{"last_name":"Ek"}}`, 200)
	for _, b := range []*browser{one, two} {
		b.similar(anaEvent + `"update"}`)
	}
}

// However fast others are and however many requests are sent at once: each is answered once, in order, and
// before the event of what it did.
func TestDCRFReplyBeforeEvent(t *testing.T) {
	t.Parallel()
	const requests = 150
	w := openWard(t)
	b := w.dial(t, "/ws/patients/", "alice")
	go func() {
		noise := w.dial(t, "/ws/patients/", "bob")
		for i := range requests {
			noise.say(fmt.Sprintf(`{"action":"patch","request_id":%d,"pk":1,"data":{}}`, i))
		}
	}()
	for i := range requests {
		b.say(fmt.Sprintf(`{"action":"create","request_id":%d,"data":{"first_name":"n","last_name":"%d"}}`, i, i))
	}
	replied, observed := map[int]bool{}, 0
	for len(replied) < requests || observed < requests {
		var frame struct {
			ID        int    `json:"id"`
			Type      string `json:"type"`
			Action    string `json:"action"`
			RequestID *int   `json:"request_id"`
			Status    int    `json:"response_status"`
			Data      struct{ ID int }
		}
		text := b.hear()
		if err := json.Unmarshal([]byte(text), &frame); err != nil {
			t.Fatal(err)
		}
		switch {
		case frame.Type == "" && (frame.Status != 201 || *frame.RequestID != len(replied)):
			t.Fatalf("heard %s, want the reply to %d", text, len(replied))
		case frame.Type == "":
			replied[frame.Data.ID] = true
		case frame.Action == "create" && !replied[frame.ID]:
			t.Fatalf("heard %s before its reply", text)
		case frame.Action == "create":
			observed++
		}
	}
}

// Who sends and does not read gets nothing done, and holds up nobody.
func TestDCRFBackpressure(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	w.db.Exec(t, `INSERT INTO patients (first_name, last_name) SELECT repeat('x', 240), n FROM generate_series(1, 9000) n`)
	deaf := w.dial(t, "/ws/patients/", "alice")
	for i := range 150 {
		deaf.say(fmt.Sprintf(`{"action":"list","request_id":%d}`, i))
	}
	b := w.dial(t, "/ws/patients/", "alice")
	b.answers(`{"action":"delete","request_id":1,"pk":99999}`, reply404("delete", "1"))
	for i := range 3 {
		if got := deaf.hear(); !strings.HasSuffix(got, fmt.Sprintf(`"request_id":%d}`, i)) {
			t.Fatalf("the list ends with %s", got[len(got)-50:])
		}
	}
	w.db.Exec(t, `INSERT INTO patients (first_name, last_name) SELECT 'x', n FROM generate_series(1, 1000) n`)
	c := w.dial(t, "/ws/patients/", "bob")
	c.answers(`{"action":"list","request_id":1}`, `{"errors":["There are too many rows to list them all."],"data":null,"action":"list","response_status":413,"request_id":1}`)
}

// A login that ends takes its socket with it, and an account that is locked does nothing more.
func TestDCRFEndsWithTheLogin(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	cookie := w.login(t, "alice")
	b := w.dialWith(t, "/ws/patients/", http.Header{"Cookie": {cookie}})
	v := &visitor{t: t, base: "http://" + w.addr, cookie: cookie}
	v.wants(204, "", "POST", "/api/logout", `{}`)
	b.expectClose(4401)

	locked, deaf := w.dial(t, "/ws/patients/", "bob"), w.dial(t, "/ws/audit/", "admin")
	w.db.Exec(t, `UPDATE users SET is_active = false`)
	locked.expectClose(4401)
	deaf.say(`{"action":"list","request_id":1}`) // it follows nothing, so nothing has told it
	deaf.expectClose(4401)
}

// A socket comes back with a cursor and misses nothing.
func TestDCRFSince(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	cursor := w.feed.Cursor()
	w.db.Psql(t, `UPDATE patients SET first_name = 'A' WHERE id = 1; UPDATE dams SET name = 'A' WHERE id = 1`)
	b := w.dial(t, "/ws/patients/?since="+cursor, "alice")
	b.hears(`{"id":1,"first_name":"A",`)
	many := w.dial(t, "/ws/?since="+cursor, "alice")
	many.hears(`{"stream":"patients","payload":{"id":1,"first_name":"A",`, `{"stream":"dams","payload":{"id":1,"name":"A",`)
	w.dial(t, "/ws/patients/?since=garbage", "alice").expectClose(4410)
}

func TestCompileDCRFTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	rules, err := compileOn(t, w.db)
	if err != nil {
		t.Fatal(err)
	}
	resources := &Resources{list: []*resource{{name: "a", topic: &pattern{}}, {name: "mute"}}}
	plain, err := compileSockets(seedSockets(), rules)
	if err != nil {
		t.Fatal(err)
	}
	_, err = compileDCRF([]SocketRule{
		{Path: "/ws/a/", Protocol: "dcrf", Resource: "a"},
		{Path: "/ws/a", Protocol: "dcrf", Resource: "a"},
		{Path: "ws", Protocol: "dcrf", Resource: "nowhere"},
		{Path: "/ws/{id}", Protocol: "dcrf"},
		{Path: "/b", Protocol: "dcrf", Resource: "a", Streams: []string{"a"}},
		{Path: "/c", Protocol: "dcrf", Streams: []string{"a", "mute", "a", "x"}},
		{Path: "/ws/job-status/", Protocol: "dcrf", Resource: "a"},
	}, resources, plain)
	expectProblems(t, err, []string{
		`sockets[1].path: "/ws/a/" and "/ws/a" could be the same path`,
		`sockets[2].path: "ws": a path begins with a slash`,
		`sockets[2].resource: "nowhere" is not listed under resources`,
		`sockets[3].path: "/ws/{id}": such a socket has no use for parameters`,
		`sockets[3].resource: name one, or several under streams`,
		`sockets[4].streams: give resource or streams, not both`,
		`sockets[5].streams[1]: "mute" has no topic`,
		`sockets[5].streams[2]: "a" stands twice`,
		`sockets[5].streams[3]: "x" is not listed under resources`,
		`sockets[6].path: "/ws/job-status/" and "/ws/job-status/" could be the same path`,
	})
}

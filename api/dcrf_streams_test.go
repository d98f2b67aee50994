package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

func TestDCRFDemultiplexed(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
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

// An anonymous user may open a socket, is refused all requests, and receives no events.
func TestDCRFAnonymous(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	stale := http.Header{"Cookie": {"rowcall_session=stale"}}
	offering := w.dialWith(t, "/ws/patients/", http.Header{"Sec-WebSocket-Protocol": {"rowcall.bearer, dcrf"}})
	if got := offering.Subprotocol(); got != "rowcall.bearer" {
		t.Errorf("chose the subprotocol %q, want the first that is offered", got)
	}
	for _, b := range []*socketClient{w.dial(t, "/ws/patients/", ""), w.dialWith(t, "/ws/patients/", stale), offering} {
		w.db.Psql(t, `INSERT INTO patients (first_name, last_name, admission_date) VALUES ('not', 'heard', now())`)
		for _, action := range []string{"list", "create", "subscribe_instance", "explode"} {
			b.answers(`{"action":"`+action+`","request_id":"a","pk":1}`,
				`{"errors":["You do not have permission to perform this action."],"data":null,"action":"`+action+`","response_status":403,"request_id":"a"}`)
		}
	}

	// On a socket with several streams, the public ones are open.
	many := w.dial(t, "/ws/", "")
	w.db.Psql(t, `INSERT INTO patients (first_name, last_name, admission_date) VALUES ('not', 'heard', now()); INSERT INTO dams (id, name) VALUES (9, 'New')`)
	many.hears(`{"stream":"dams","payload":{"id":9,`)
}

// Requests about a resource that the user may not read are refused one by one.
func TestDCRFForbidden(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	b, admin := w.dial(t, "/ws/audit/", "alice"), w.dial(t, "/ws/audit/", "admin")
	b.hears403("list")
	if list := admin.asks(`{"action":"list","request_id":1}`); !strings.Contains(list, `"response_status":200`) {
		t.Errorf("the admin gets %s", list)
	}
}

func (b *socketClient) hears403(action string) {
	b.t.Helper()
	b.answers(`{"action":"`+action+`","request_id":1}`,
		`{"errors":["You do not have permission to perform this action."],"data":null,"action":"`+action+`","response_status":403,"request_id":1}`)
}

// A socket ends with its login, and a deactivated account has no more work done.
func TestDCRFEndsWithTheLogin(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	cookie := w.login(t, "alice")
	b := w.dialWith(t, "/ws/patients/", http.Header{"Cookie": {cookie}})
	v := w.httpUser(t, "").WithCookie(cookie)
	v.Expect(204, "", "POST", "/api/logout", `{}`)
	b.expectClose(4401)

	locked, deaf := w.dial(t, "/ws/patients/", "bob"), w.dial(t, "/ws/audit/", "admin")
	w.db.Exec(t, `UPDATE users SET is_active = false`)
	locked.expectClose(4401)
	deaf.say(`{"action":"list","request_id":1}`) // it follows nothing, so nothing has told it
	deaf.expectClose(4401)
}

// A socket that reconnects with a cursor misses nothing.
func TestDCRFSince(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	cursor := w.feed.Cursor()
	w.db.Psql(t, `UPDATE patients SET first_name = 'A' WHERE id = 1; UPDATE dams SET name = 'A' WHERE id = 1`)
	b := w.dial(t, "/ws/patients/?since="+cursor, "alice")
	b.hears(`{"id":1,"first_name":"A",`)
	many := w.dial(t, "/ws/?since="+cursor, "alice")
	many.hears(`{"stream":"patients","payload":{"id":1,"first_name":"A",`, `{"stream":"dams","payload":{"id":1,"name":"A",`)
	for _, useless := range []string{"garbage", ""} {
		w.dial(t, "/ws/patients/?since="+useless, "alice").expectClose(4410)
		w.dial(t, "/ws/?since="+useless, "alice").expectClose(4410)
	}
}

// A socket reconnects to more streams than its user may have replays at the same time. Each stream
// has more to replay than may wait for a reader.
func TestDCRFStreamsShareAReplay(t *testing.T) {
	t.Parallel()
	w := openLimitedResourceServer(t, schematest.New(t, schematest.Samples), apitest.SampleResources(), apitest.SampleFunctions(),
		door.Options{ReplaysPerUser: 1}, notifier.Options{TailEvents: 2, QueueEvents: 4})
	cookie := w.login(t, "alice")
	cursor := w.feed.Cursor()
	const each = 20
	for n := range each {
		w.db.Exec(t, fmt.Sprintf(`UPDATE patients SET first_name = 'A%d' WHERE id = 1`, n))
		w.db.Exec(t, fmt.Sprintf(`UPDATE dams SET name = 'A%d' WHERE id = 1`, n))
		w.db.Exec(t, fmt.Sprintf(`UPDATE job_postings SET progress = %d WHERE id = 1`, n+1))
	}
	for range 3 { // the place is given back each time
		many := w.dialWith(t, "/ws/?since="+cursor, http.Header{"Cookie": {cookie}})
		heard := map[string]int{}
		for range 3 * each {
			stream, _, _ := strings.Cut(many.hear(), `","payload"`)
			heard[stream]++
		}
		for _, stream := range []string{"patients", "dams", "jobs"} {
			if n := heard[`{"stream":"`+stream]; n != each {
				t.Errorf("of %s %d events came, want %d", stream, n, each)
			}
		}
	}
}

func TestCompileDCRFTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	topics := seedTopicRules(t)
	resources := compileResources(t, topics, rules.Resource{Name: "a", Table: "dams", Topic: "dams"}, rules.Resource{Name: "mute", Table: "patients"})
	_, _, err := compileSockets(append(seedSockets(), []rules.Socket{
		{Path: "/ws/a/", Protocol: "dcrf", Resource: "a"},
		{Path: "/ws/a", Protocol: "dcrf", Resource: "a"},
		{Path: "ws", Protocol: "dcrf", Resource: "nowhere"},
		{Path: "/ws/{id}", Protocol: "dcrf"},
		{Path: "/b", Protocol: "dcrf", Resource: "a", Streams: []string{"a"}},
		{Path: "/c", Protocol: "dcrf", Streams: []string{"a", "mute", "a", "x"}},
		{Path: "/ws/job-status/", Protocol: "dcrf", Resource: "a"},
	}...), topics, resources)
	apitest.ExpectProblems(t, err, []string{
		`sockets[5].path: "/ws/a" and "/ws/a/" of sockets[4] could be the same address`,
		`sockets[6].path: "ws" is no path: begin with a slash`,
		`sockets[6].resource: "nowhere" is not listed under resources`,
		`sockets[7].path: "/ws/{id}" has a parameter, which is of no use`,
		`sockets[7].resource: is missing: name a resource, or several under streams`,
		`sockets[8].streams: does not go together with resource`,
		`sockets[9].streams[1]: "mute" has no topic under resources`,
		`sockets[9].streams[2]: "a" is listed twice`,
		`sockets[9].streams[3]: "x" is not listed under resources`,
		`sockets[10].path: "/ws/job-status/" and "/ws/job-status/" of sockets[2] could be the same address`,
	})
}

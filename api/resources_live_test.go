package api

import (
	"strings"
	"sync"
	"testing"

	"rowcall/api/apitest"
)

// While the database is away, every request is answered with 503.
func TestResourcesWithoutDatabase(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	alice, b := w.httpUser(t, "alice"), w.dial(t, "/ws/patients/", "alice")
	w.pool.Close()
	for _, path := range []string{"/api/patients", "/api/patients/1"} {
		if came := alice.Expect(503, `{"code":"unavailable"}`, "GET", path, ""); came.Header.Get("Retry-After") == "" {
			t.Errorf("%s says nothing of when", path)
		}
	}
	alice.Expect(503, `{"code":"unavailable"}`, "POST", "/api/functions/leave_room", `{"room_id":1}`)
	b.answers(`{"action":"list","request_id":1}`, `{"errors":["try again later"],"data":null,"action":"list","response_status":503,"request_id":1}`)
}

// Questions of access are answered however many requests about rows wait for a lock.
func TestResourcesLeaveConnections(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	alice := w.httpUser(t, "alice")
	lock := w.db.Conn(t)
	if _, err := lock.Exec(t.Context(), `BEGIN; LOCK TABLE patients`); err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	for range 2 * w.pool.Config().MaxConns {
		waiting.Go(func() { alice.Send("GET", "/api/patients", "") })
	}
	apitest.WaitFor(t, "requests that wait", func() bool {
		return w.db.Text(t, `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == "true"
	})
	w.dial(t, "/ws/room/1", "bob").subscribedAtOnce(w)
	if _, err := lock.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
}

// subscribedAtOnce fails the test unless an event of the room comes to its socket.
func (b *socketClient) subscribedAtOnce(w *resourceServer) {
	b.t.Helper()
	w.db.Psql(b.t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (900, 1, 1, 'heard')`)
	b.expect(kwargs("900", "heard"))
}

// Staff follow the first part of topics, such as room, and get the events of all topics below it, join
// requests included. No other user may follow it, and a user who is no longer staff gets no more.
func TestStaffFollowAll(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	staff := map[string]*socketClient{}
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
	v := w.httpUser(t, "admin")
	made := v.Expect(201, `{"status":"pending"}`, "POST", "/api/join_requests", `{"user_id":3,"room_id":2}`)
	at := made.Header.Get("Location")
	v.Expect(200, `{"status":"admitted"}`, "PATCH", at, `{"status":"admitted"}`)
	v.Expect(204, "", "DELETE", at, "")
	v.Expect(201, `{"state":"queued"}`, "POST", "/api/jobs", `{"user_id":2,"title":"Count"}`)

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

// hearsOne expects one frame with all these texts in it.
func (b *socketClient) hearsOne(parts ...string) {
	b.t.Helper()
	frame := b.hear()
	for _, part := range parts {
		if !strings.Contains(frame, part) {
			b.t.Errorf("heard %s\nwant  %s", frame, part)
		}
	}
}

func TestStartJob(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	carol := w.httpUser(t, "carol")
	jobs := w.dial(t, "/ws/job-status/", "carol")
	made := carol.Expect(200, `{"state":"queued","title":"Sort","progress":0}`, "POST", "/api/functions/start_job", `{"title":"Sort"}`)
	id := apitest.Field(t, made.Body, "id")
	jobs.expect(`{"id":` + id + `,"state":"queued"}`)
	carol.Expect(200, `{"total":1,"rows":[{"id":`+id+`,"user_id":3}]}`, "GET", "/api/jobs", "")
	for range 9 {
		carol.Expect(200, "", "POST", "/api/functions/start_job", `{"title":"Sort"}`)
	}
	carol.Expect(409, `{"code":"conflict"}`, "POST", "/api/functions/start_job", `{"title":"Sort"}`)
}

package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// rest asks as a page of the node's own does, and returns the body of an answer that must have this status.
func (p *person) rest(t *testing.T, status int, method, path, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(p.pages, "/")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cookie", p.cookie)
	request.Header.Set("Origin", strings.TrimSuffix(p.pages, "/"))
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s %s %s\nanswered %d %s %v, want %d", method, path, body, answer.StatusCode, text, err, status)
	}
	return string(text)
}

// The chat's story as pages tell it, on the shipped configuration: a user asks with the room's code, the
// owner admits, the user posts; and psql and a page write the same events.
func TestResourcesOfTheChat(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice, dave := s.login(t, "alice"), s.login(t, "dave")
	room, user := alice.open(t, "/ws/room/1"), dave.open(t, "/ws/user/4")
	s.Exec(t, `ALTER TABLE chat_join_requests ALTER id RESTART WITH 50; ALTER TABLE chat_messages ALTER id RESTART WITH 60`)

	dave.rest(t, 403, "POST", "/api/messages", `{"room_id":1,"sender_id":4,"message":"let me in"}`)
	dave.rest(t, 404, "GET", "/api/rooms/1", "")
	dave.rest(t, 200, "POST", "/api/functions/join_room", `{"code":"read-with-us"}`)
	create := `{"type":"did_alter_join_request","kwargs":{"id":"50","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}}`
	room.expect(create)
	user.expect(create)
	alice.rest(t, 200, "PATCH", "/api/join_requests/50", `{"status":"admitted"}`)
	room.expect(asked(50, "admit"))
	user.expect(asked(50, "admit"))
	dave.rest(t, 201, "POST", "/api/messages", `{"room_id":1,"sender_id":4,"message":"thank you"}`)
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'by psql')`)
	room.expect(said(61, "thank you"), said(62, "by psql")) // the one that was refused took an id too
	if list := dave.rest(t, 200, "GET", "/api/messages?room_id=1&ordering=-id&limit=1", ""); !strings.Contains(list, `"message":"by psql"`) {
		t.Errorf("the page reads %s", list)
	}
	alice.rest(t, 204, "POST", "/api/functions/remove_member", `{"room_id":1,"user_id":4}`)
	dave.rest(t, 404, "GET", "/api/rooms/1", "")
}

// A job that a page starts goes through its states.
func TestJobGoesThroughItsStates(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	carol := s.login(t, "carol")
	jobs := carol.open(t, "/ws/job-status/")
	s.Exec(t, `ALTER TABLE job_postings ALTER id RESTART WITH 50`)
	carol.rest(t, 200, "POST", "/api/functions/start_job", `{"title":"Sort"}`)
	jobs.expect(`{"id":50,"state":"queued"}`, `{"id":50,"state":"running"}`, `{"id":50,"state":"running"}`,
		`{"id":50,"state":"running"}`, `{"id":50,"state":"running"}`, `{"id":50,"state":"done"}`)
}

// The patients' two sockets, and what psql does.
func TestPatientsSockets(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	bare, many := alice.open(t, "/ws/patients/"), alice.open(t, "/ws/")
	nobody := s.anonymous().open(t, "/ws/patients/")
	bare.say(`{"action":"delete","request_id":"x","pk":99}`)
	bare.expect(`{"errors":["Not found"],"data":null,"action":"delete","response_status":404,"request_id":"x"}`)
	s.Psql(t, `DELETE FROM patients WHERE id = 4`)
	for _, one := range []*socket{bare, many} {
		if frame := one.hear(); !strings.Contains(frame, `"id":4,"first_name":"Samuel"`) || !strings.Contains(frame, `"type":"patient.change","action":"delete"`) {
			t.Errorf("heard %s", frame)
		}
	}
	nobody.say(`{"action":"list","request_id":1}`)
	nobody.expect(`{"errors":["You do not have permission to perform this action."],"data":null,"action":"list","response_status":403,"request_id":1}`)
}

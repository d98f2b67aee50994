package e2e

import (
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestResourcesOfTheChat uses the example configuration as pages do: a user asks to join with the
// code of a room, the owner admits the user, the user posts. psql and pages cause the same events.
func TestResourcesOfTheChat(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice, dave := s.Login(t, "alice"), s.Login(t, "dave")
	room, user := alice.OpenSocket(t, "/ws/room/1"), dave.OpenSocket(t, "/ws/user/4")
	s.Exec(t, `ALTER TABLE chat_join_requests ALTER id RESTART WITH 50; ALTER TABLE chat_messages ALTER id RESTART WITH 60`)

	dave.Fetch(t, 403, "POST", "/api/messages", `{"room_id":1,"sender_id":4,"message":"let me in"}`)
	dave.Fetch(t, 404, "GET", "/api/rooms/1", "")
	dave.Fetch(t, 200, "POST", "/api/functions/join_room", `{"code":"read-with-us"}`)
	create := `{"type":"did_alter_join_request","kwargs":{"id":"50","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}}`
	room.Expect(create)
	user.Expect(create)
	alice.Fetch(t, 200, "PATCH", "/api/join_requests/50", `{"status":"admitted"}`)
	room.Expect(rowcalltest.JoinRequestFrame(50, "admit"))
	user.Expect(rowcalltest.JoinRequestFrame(50, "admit"))
	dave.Fetch(t, 201, "POST", "/api/messages", `{"room_id":1,"sender_id":4,"message":"thank you"}`)
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'by psql')`)
	room.Expect(rowcalltest.ChatMessageFrame(61, "thank you"), rowcalltest.ChatMessageFrame(62, "by psql")) // the one that was refused took an id too
	if list := dave.Fetch(t, 200, "GET", "/api/messages?room_id=1&ordering=-id&limit=1", ""); !strings.Contains(list, `"message":"by psql"`) {
		t.Errorf("the page reads %s", list)
	}
	alice.Fetch(t, 204, "POST", "/api/functions/remove_member", `{"room_id":1,"user_id":4}`)
	dave.Fetch(t, 404, "GET", "/api/rooms/1", "")
}

// TestJobGoesThroughItsStates starts a job as a page does, and waits for each of its states.
func TestJobGoesThroughItsStates(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	carol := s.Login(t, "carol")
	jobs := carol.OpenSocket(t, "/ws/job-status/")
	s.Exec(t, `ALTER TABLE job_postings ALTER id RESTART WITH 50`)
	carol.Fetch(t, 200, "POST", "/api/functions/start_job", `{"title":"Sort"}`)
	jobs.Expect(`{"id":50,"state":"queued"}`, `{"id":50,"state":"running"}`, `{"id":50,"state":"running"}`,
		`{"id":50,"state":"running"}`, `{"id":50,"state":"running"}`, `{"id":50,"state":"done"}`)
}

// TestPatientsSockets checks both sockets of the patients, and that they report what psql writes.
func TestPatientsSockets(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	bare, many := alice.OpenSocket(t, "/ws/patients/"), alice.OpenSocket(t, "/ws/")
	nobody := s.Anonymous().OpenSocket(t, "/ws/patients/")
	bare.Send(`{"action":"delete","request_id":"x","pk":99}`)
	bare.Expect(`{"errors":["Not found"],"data":null,"action":"delete","response_status":404,"request_id":"x"}`)
	s.Psql(t, `DELETE FROM patients WHERE id = 4`)
	for _, one := range []*rowcalltest.SocketClient{bare, many} {
		if frame := one.Receive(); !strings.Contains(frame, `"id":4,"first_name":"Samuel"`) || !strings.Contains(frame, `"type":"patient.change","action":"delete"`) {
			t.Errorf("heard %s", frame)
		}
	}
	nobody.Send(`{"action":"list","request_id":1}`)
	nobody.Expect(`{"errors":["You do not have permission to perform this action."],"data":null,"action":"list","response_status":403,"request_id":1}`)
}

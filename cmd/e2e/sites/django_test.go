package sites

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

const dave = `{"id":4,"first_name":"Dave","last_name":"Rossi"}`

// TestDjangoAdmin changes rows in Django's admin: the users concerned get the frames of the seed,
// byte for byte, and nobody else gets any.
func TestDjangoAdmin(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	admin, asking := d.staff("admin"), d.user("dave")
	owner, member, user := d.user("alice").open("/ws/room/1"), d.user("bob").open("/ws/room/1"), asking.open("/ws/user/4")
	asking.open("/ws/room/1").ExpectClose(4403)

	const requests = "admin/chat/chatroomjoinrequest/"
	admin.submit(requests+"add/", "user", "4", "room", "1", "status", "pending")
	id := d.Psql(t, `SELECT id FROM chat_join_requests WHERE user_id = 4`)
	created := fmt.Sprintf(`{"type":"did_alter_join_request","kwargs":{"id":"%s","action":"create","requesting_user":%s}}`, id, dave)
	owner.Expect(created)
	user.Expect(created)

	admin.submit(requests+id+"/change/", "user", "4", "room", "1", "status", "admitted")
	admitted := fmt.Sprintf(`{"type":"did_alter_join_request","kwargs":{"id":"%s","action":"admit","requesting_user":null}}`, id)
	owner.Expect(admitted)
	user.Expect(admitted)
	room := asking.open("/ws/room/1")

	admin.submit(requests+id+"/change/", "user", "4", "room", "1", "status", "admitted") // saved once more: no change
	admin.submit(requests+id+"/delete/", "post", "yes")
	admin.submit("admin/chat/chatmessage/add/", "room", "1", "sender", "5", "message", "from the admin")
	message := d.Psql(t, `SELECT max(id) FROM chat_messages`)
	for _, page := range []*rowcalltest.SocketClient{owner, member, room} {
		page.Expect(fmt.Sprintf(`{"type":"chat_message_created","kwargs":{"id":"%s","message":"from the admin"}}`, message))
	}
	for _, page := range []*rowcalltest.SocketClient{owner, member, room, user} {
		page.ExpectNoMore()
	}
}

// TestDjangoORM writes in ways for which Django sends no signal: each row causes one event.
func TestDjangoORM(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	alice := d.user("alice")
	room, jobs := alice.open("/ws/room/1"), alice.open("/ws/job-status/")
	d.shell(`
from django.db import transaction
from chat.models import ChatMessage, JobPosting
ChatMessage.objects.bulk_create([ChatMessage(id=1000 + n, room_id=1, sender_id=2, message=str(n)) for n in range(300)], batch_size=100)
JobPosting.objects.bulk_create([JobPosting(id=1000 + n, user_id=1, state="new") for n in range(50)])
JobPosting.objects.filter(id__gte=1000).update(state="done")
job = JobPosting.objects.get(id=1000)
job.state = "saved"
job.save()
JobPosting.objects.bulk_update([JobPosting(id=1000, user_id=1, state="bulk")], ["state"])
try:
    with transaction.atomic():
        ChatMessage.objects.create(room_id=1, sender_id=2, message="never said")
        raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
ChatMessage.objects.filter(id__gte=1000).delete()
ChatMessage.objects.create(id=2000, room_id=1, sender_id=2, message="last")`)
	for n := range 300 {
		room.Expect(rowcalltest.ChatMessageFrame(1000+n, fmt.Sprint(n)))
	}
	room.Expect(rowcalltest.ChatMessageFrame(2000, "last"))
	for n := range 50 {
		jobs.Expect(fmt.Sprintf(`{"id":%d,"state":"new"}`, 1000+n))
	}
	heard := map[string]bool{} // one statement changes rows in an order of its own
	for range 50 {
		heard[jobs.Receive()] = true
	}
	for n := range 50 {
		if !heard[fmt.Sprintf(`{"id":%d,"state":"done"}`, 1000+n)] {
			t.Errorf("job %d is not heard to be done: %v", n, heard)
		}
	}
	jobs.Expect(`{"id":1000,"state":"saved"}`, `{"id":1000,"state":"bulk"}`)
	for _, page := range []*rowcalltest.SocketClient{room, jobs} {
		page.ExpectNoMore()
	}
}

// TestDjangoLoginElsewhere checks that a login at Django is valid for resources, functions and
// snapshots as well as for sockets.
func TestDjangoLoginElsewhere(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	alice := d.user("alice").atNode()
	for path, want := range map[string]int{
		"api/me": 200, "api/messages?room_id=1": 200, "api/messages/1": 200, "v1/topics/room/1": 200, "v1/topics/jobs/2": 403,
	} {
		if got := alice.Status(t, path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	if got := alice.Post(t, "api/messages", `{"room_id":1,"sender_id":1,"message":"over REST"}`); got.StatusCode != http.StatusCreated {
		t.Errorf("a message: %s", got.Status)
	}
	if got := alice.Post(t, "api/messages", `{"room_id":1,"sender_id":2,"message":"as another"}`); got.StatusCode != http.StatusForbidden {
		t.Errorf("a message of another's: %s", got.Status)
	}
	if got := alice.Post(t, "api/functions/create_room", `{"title":"Of Django's user"}`); got.StatusCode != http.StatusOK {
		t.Errorf("a function: %s", got.Status)
	}
	if got := d.Psql(t, `SELECT owner_id FROM chat_rooms WHERE title = 'Of Django''s user'`); got != "1" {
		t.Errorf("the room is of user %s", got)
	}
	native := alice.OpenNative(t)
	native.Follow("room/1", "jobs/1")
	if got := d.Login(t, "bob").Status(t, "api/me"); got != http.StatusOK {
		t.Errorf("a login of Rowcall's own with a password of Django's: %d", got)
	}
}

// TestDjangoCookieFromOtherSites checks that pages of other sites are refused with Django's cookie,
// as they are with Rowcall's own.
func TestDjangoCookieFromOtherSites(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	alice := d.user("alice")
	for _, path := range []string{"/ws/room/1", "/v1/ws", "/ws/job-status/"} {
		if _, answer, err := alice.openFrom("https://evil.example", path); err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v %v", path, answer, err)
		}
	}
	for _, origin := range []string{"https://evil.example", "null", ""} {
		forged, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Pages+"api/messages", strings.NewReader(`{"room_id":1,"sender_id":1,"message":"forged"}`))
		if err != nil {
			t.Fatal(err)
		}
		forged.Header = http.Header{"Cookie": {alice.atNode().Cookie}, "Content-Type": {"application/json"}}
		if origin != "" {
			forged.Header.Set("Origin", origin)
		}
		answer, err := alice.client.Do(forged)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("a write from %q: %s", origin, answer.Status)
		}
	}
}

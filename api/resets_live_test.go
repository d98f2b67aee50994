package api

import (
	"strings"
	"testing"
)

// TestResetsComeOnEveryTransport files a reset of rooms and dams, with events before and after it in one
// transaction. The formats that have no frame for it end their sockets.
func TestResetsComeOnEveryTransport(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	bob := tn.login(t, "bob")
	native, plain, dams := tn.native(t, "bob"), tn.dial(t, "/ws/room/1", "bob"), tn.dial(t, "/dam-inventory/dams/notifications/ws/", "")
	start := native.subscribe("room/1", "")
	stream := listen(t, tn.site(), topics("room/1 user/2 dams"), "Cookie", bob)
	stream.live()
	tn.db.Psql(t, `BEGIN;`+say(100, "before")+`SELECT rowcall.reset('{"room/{room_id}","dams"}', 'truncate');`+say(101, "after")+`COMMIT;`)

	native.hears("before", `{"op":"reset","topic":"room/1","reason":"truncate","cursor":"`, "after")
	stream.hears("before")
	for _, followed := range []string{"room/1", "dams"} {
		h := stream.block()
		want := `{"op":"reset","topics":["` + followed + `"],"reason":"truncate","cursor":"` + h.id + `"}`
		if h.event != "reset" || h.data != want || h.id == "" {
			t.Errorf("the stream says %+v, want %s", h, want)
		}
	}
	stream.hears("after")
	plain.hears("before")
	plain.expectClose(4410)
	dams.expectClose(4410)

	page := events(t, tn.site(), topics("room/1", "since", start), "Cookie", bob)
	if len(page.Events) != 1 || !strings.Contains(string(page.Events[0]), "before") || !page.More {
		t.Errorf("the page before the reset is %s, more: %v", page.Events, page.More)
	}
	status, body := fetch(t, tn.site()+"/v1/events?"+topics("room/1", "since", page.Cursor).Encode(), "Cookie", bob)
	if status != 410 || !strings.Contains(body, `"reason":"truncate"`) {
		t.Errorf("at the reset: %d %s, want 410 with the reason", status, body)
	}
	_, cursor, _ := strings.Cut(body, `"cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	page = events(t, tn.site(), topics("room/1", "since", cursor), "Cookie", bob)
	if len(page.Events) != 1 || !strings.Contains(string(page.Events[0]), "after") {
		t.Errorf("the page behind the reset is %s", page.Events)
	}
}

// TestDCRFEndsWithAReset follows a resource whose table was truncated.
func TestDCRFEndsWithAReset(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	b, many := w.dial(t, "/ws/patients/", "alice"), w.dial(t, "/ws/", "alice")
	w.db.Psql(t, `SELECT rowcall.reset('{patients}', 'truncate')`)
	b.expectClose(4410)
	many.expectClose(4410)
}

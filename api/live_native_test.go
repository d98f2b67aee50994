package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/schema/schematest"
)

func websocketDial(tn *liveServer, path string, header http.Header) (*websocket.Conn, *http.Response, error) {
	return websocket.DefaultDialer.Dial("ws://"+tn.addr+path, header)
}

func say(id int, message string) string {
	return fmt.Sprintf(`INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (%d, 1, 1, '%s');`, id, message)
}

func TestNativeResumesAtEveryEvent(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	b := tn.native(t, "bob")
	cursors := []string{b.subscribe("room/1", "")}
	tn.db.Psql(t, say(100, "a")+say(101, "b"))
	tn.db.Psql(t, `BEGIN;`+say(102, "c")+say(103, "d")+`COMMIT;`+say(104, "e"))
	for id := 100; id < 105; id++ {
		cursors = append(cursors, cursorOf(b.hears(fmt.Sprintf(`"data":{"id":"%d"`, id))))
	}
	for i, cursor := range cursors {
		if cursor == "" {
			t.Fatalf("no cursor after event %d", i)
		}
		back := tn.native(t, "bob")
		if got := back.subscribe("room/1", `,"since":"`+cursor+`"`); got != cursor && i < 5 {
			t.Errorf("answered with cursor %s, want the one that was sent", got)
		}
		for id := 100 + i; id < 105; id++ {
			back.hears(fmt.Sprintf(`"data":{"id":"%d"`, id))
		}
		back.say(`{"op":"ping"}`)
		back.hears(`{"op":"pong"`)
	}
}

func TestNativeSnapshotAndStream(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	tn.db.Psql(t, `UPDATE chat_messages SET posted = '2021-06-01 12:00+02' WHERE id = 2; DELETE FROM chat_messages WHERE id = 1;`)
	b := tn.native(t, "bob")
	b.say(`{"op":"subscribe","topic":"room/1","snapshot":true}`)
	answer := b.hear()
	want := `"snapshot":[{"id":2,"sender_id":2,"posted":"2021-06-01T10:00:00Z","message":"Reading it on the train, it is great."}]}`
	if !strings.HasSuffix(answer, want) {
		t.Errorf("heard %s\nwant %s", answer, want)
	}
	tn.db.Psql(t, say(100, "live"))
	b.hears(`"message":"live"`)
	back := tn.native(t, "bob")
	back.subscribe("room/1", `,"since":"`+cursorOf(answer)+`"`)
	back.hears(`"message":"live"`)
}

func TestNativeRightsComeAndGo(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	carol := tn.native(t, "carol")
	carol.subscribe("user/3", "")
	carol.say(`{"op":"subscribe","topic":"room/1"}`)
	carol.hears(`{"op":"error","topic":"room/1","code":"forbidden"`)
	tn.db.Psql(t, `UPDATE chat_join_requests SET status = 'admitted' WHERE user_id = 3;`)
	carol.hears(`"action":"admit"`, `"type":"room_joined"`)
	before := carol.subscribe("room/1", "")
	tn.db.Psql(t, say(100, "welcome"))
	carol.hears(`"message":"welcome"`)
	tn.db.Psql(t, `DELETE FROM chat_room_members WHERE user_id = 3;`)
	tn.db.Psql(t, say(101, "she is gone"))
	both := carol.hear() + carol.hear()
	if !strings.Contains(both, `{"op":"error","topic":"room/1","code":"forbidden"`) || !strings.Contains(both, `"type":"room_left"`) {
		t.Errorf("heard %s", both)
	}
	carol.say(`{"op":"subscribe","topic":"room/1","since":"` + before + `"}`)
	carol.hears(`{"op":"error","topic":"room/1","code":"forbidden"`) // a cursor is no capability
	tn.db.Psql(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 3);`)
	carol.hears(`"type":"room_joined"`)
	carol.subscribe("room/1", `,"since":"`+before+`"`)
	carol.hears(`"message":"welcome"`)
	for {
		if frame := carol.hear(); strings.Contains(frame, `"message":"she is gone"`) {
			return // all of the log's history is open again
		}
	}
}

func TestNativeForTheAnonymous(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	b := tn.native(t, "")
	b.subscribe("dams", "")
	for _, topic := range []string{"room/1", "room/99", "nowhere", "ward"} {
		b.say(`{"op":"subscribe","topic":"` + topic + `"}`)
		b.hears(`{"op":"error","topic":"` + topic + `","code":"unauthorized"`)
	}
	name := strings.Repeat("x", 1<<20)
	tn.db.Psql(t, `INSERT INTO dams (name, owner, river, date_built, latitude, longitude)
		VALUES (repeat('x', 1024 * 1024), 'us', 'Provo', '2026', 40, -111);`)
	b.hears(`"followed":"dams"`)
	tn.db.Psql(t, `UPDATE dams SET name = 'y' WHERE length(name) > 1000;`)
	if frame := b.hears(`"name":"y"`); strings.Contains(frame, name) {
		t.Error("the update still has the long name")
	}
}

func TestNativeLogoutClosesTheSocket(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	cookie := tn.login(t, "bob")
	b := tn.dialWith(t, "/v1/ws", http.Header{"Cookie": {cookie}})
	b.hear()
	b.subscribe("dams", "")
	other := tn.native(t, "bob")
	other.subscribe("dams", "")
	r, _ := http.NewRequest("POST", "http://"+tn.addr+"/api/logout", strings.NewReader("{}"))
	r.Header = http.Header{"Cookie": {cookie}, "Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("logout: %v %v", answer, err)
	}
	answer.Body.Close()
	b.expectClose(4401)
	tn.dialWith(t, "/v1/ws", http.Header{"Cookie": {cookie}}).expectClose(4401)
	tn.db.Psql(t, `INSERT INTO dams (name, owner, river, date_built, latitude, longitude) VALUES ('n', 'us', 'Provo', '2026', 40, -111);`)
	other.hears(`"type":"dam.create"`) // another login of the same user goes on
}

func TestListenerMayDie(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	b := tn.dial(t, "/ws/room/1", "bob")
	tn.db.Psql(t, say(100, "before"))
	b.expect(kwargs("100", "before"))
	tn.db.Psql(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();`+say(101, "after"))
	b.expect(kwargs("101", "after"))
}

func TestWithoutADatabaseSocketsStayAndNewOnesWait(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Samples)
	tn := openLiveServerOn(t, db)
	cookie := http.Header{"Cookie": {tn.login(t, "bob")}}
	open := tn.dialWith(t, "/ws/room/1", cookie)
	native := tn.native(t, "bob")
	native.subscribe("room/1", "")
	db.Stop(t)
	tn.dialWith(t, "/ws/room/1", cookie).expectClose(1013)
	tn.dialWith(t, "/v1/ws", cookie).expectClose(1013)
	native.say(`{"op":"subscribe","topic":"room/1"}`)
	native.hears(`"code":"unavailable"`)
	db.Start(t)
	apitest.WaitFor(t, "the feed", func() bool { return tn.feed.Health().Err == nil })
	tn.db.Psql(t, say(100, "back"))
	open.expect(kwargs("100", "back"))
}

// A client that has lost its cursor must not be started from now without notice.
func TestEmptySinceIsABadCursor(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	b := tn.native(t, "")
	b.say(`{"op":"subscribe","topic":"dams","since":""}`)
	b.hears(`{"op":"error","topic":"dams","code":"bad_cursor"`)
	b.say(`{"op":"subscribe","topic":"room/1","since":""}`)
	b.hears(`{"op":"error","topic":"room/1","code":"unauthorized"`)
	b.say(`{"op":"subscribe","topic":"dams","since":null}`)
	if answer := b.hears(`{"op":"subscribed","topic":"dams"`); strings.Contains(answer, "recovered") {
		t.Errorf("since null: answered %s, want no recovered, as without since", answer)
	}
	b.say(`{"op":"subscribe","topic":"dams","since":"","snapshot":true}`)
	b.hears(`{"op":"error","topic":"dams","code":"bad_request"`) // a snapshot needs no cursor, and dams have none
}

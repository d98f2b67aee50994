package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// TestBackendsKilled ends the LISTEN connection, and then every connection of the node: sockets
// stay open and no event is lost.
func TestBackendsKilled(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	room, native := alice.OpenSocket(t, "/ws/room/1"), alice.OpenNative(t)
	native.Follow("room/1")
	id := 1000
	for _, whom := range []string{"= 'rowcall listener'", "= 'rowcall listener'", "LIKE 'rowcall%'", "= 'rowcall listener'", "LIKE 'rowcall%'"} {
		kill := `SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity
			WHERE datname = current_database() AND application_name ` + whom
		rowcalltest.Eventually(t, func() bool { return s.Psql(t, kill) == "t" }, "there is no backend to kill")
		for range 5 {
			id++
			s.Psql(t, fmt.Sprintf(`INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (%d, 1, 1, 'heard')`, id))
		}
		for i := id - 4; i <= id; i++ {
			room.Expect(rowcalltest.ChatMessageFrame(i, "heard"))
			if f := native.ReceiveFrame(); f.Data["id"] != fmt.Sprint(i) {
				t.Errorf("heard %+v, want message %d", f, i)
			}
		}
	}
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Status(t, s.Pages+"readyz") == 200 }, "the node does not recover")
}

// TestDatabaseAway stops PostgreSQL. Open sockets stay, new sockets are told to come back later.
// After a clean restart the open sockets go on; after a crash they are told that the log's history
// has changed.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Samples)
	s := rowcalltest.StartServerOn(t, db, nil)
	alice := s.Login(t, "alice")
	room, native, dams := alice.OpenSocket(t, "/ws/room/1"), alice.OpenNative(t), s.Anonymous().OpenSocket(t, "/dam-inventory/dams/notifications/ws/")
	native.Follow("room/1", "dams")
	db.Stop(t)
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Status(t, s.Pages+"readyz") == 503 }, "it still says that it is ready")
	alice.OpenSocket(t, "/ws/room/1").ExpectClose(websocket.CloseTryAgainLater)
	alice.OpenSocket(t, "/v1/ws").ExpectClose(websocket.CloseTryAgainLater)
	db.Start(t)
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (200, 1, 1, 'back')`)
	room.Expect(rowcalltest.ChatMessageFrame(200, "back"))
	native.SkipUntil("back")

	db.Kill(t)
	db.Start(t)
	room.ExpectClose(4410)
	dams.ExpectClose(4410)
	for range 2 {
		if f := native.ReceiveFrame(); f.Op != "reset" || f.Reason != "epoch" || f.Cursor == "" {
			t.Errorf("after a crash, heard %+v", f)
		}
	}
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (201, 1, 1, 'again')`)
	native.SkipUntil("again")
}

// TestShutdown checks that a node that stops closes all its sockets and waits for their answers.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	native, plain, deaf := alice.OpenNative(t), alice.OpenSocket(t, "/ws/room/1"), alice.OpenSocket(t, "/ws/job-status/")
	native.Follow("room/1", "dams")
	began := time.Now()
	s.Program.Interrupt()
	native.ExpectClose(websocket.CloseGoingAway, websocket.CloseServiceRestart)
	plain.ExpectClose(websocket.CloseGoingAway, websocket.CloseServiceRestart)
	select {
	case err := <-s.Program.Ended:
		if time.Since(began) < time.Second { // a machine that is busy elsewhere has used up its patience
			t.Fatalf("it ended (%v) while a socket had not answered", err)
		}
	default:
		deaf.ExpectClose(websocket.CloseGoingAway, websocket.CloseServiceRestart)
		if err := <-s.Program.Ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
	if !rowcalltest.RefusesConnections(s.Pages) {
		t.Error("it still takes connections")
	}
}

// TestDeafReader has a client that reads nothing: the node closes its socket, neither the writer
// nor other readers wait for it, and the cursor brings back everything that it missed.
func TestDeafReader(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, map[string]string{"ROWCALL_LIMITS_WRITE_TIMEOUT": testdeadline.Scale(3 * time.Second).String(), "ROWCALL_LIMITS_QUEUE_EVENTS": "100"})
	alice := s.Login(t, "alice")
	deaf, other := alice.OpenNative(t), alice.OpenNative(t)
	cursor := deaf.Follow("jobs/1")
	other.Follow("jobs/1")
	if err := deaf.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	const jobs = 800
	written, writer := make(chan error, 1), s.Conn(t)
	go func() {
		_, err := writer.Exec(t.Context(), `INSERT INTO job_postings (user_id, title, state) SELECT 1, n, repeat('x', 10000) FROM generate_series(0, $1 - 1) n`, jobs)
		written <- err
	}()
	for n := range jobs {
		if f := other.ReceiveFrame(); f.Data["title"] != fmt.Sprint(n) {
			t.Fatalf("the other reader heard %.200v, want %d", f, n)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	ping := func() error {
		return deaf.WriteControl(websocket.PingMessage, nil, time.Now().Add(testdeadline.Hang()))
	}
	rowcalltest.Eventually(t, func() bool { return ping() != nil }, "the deaf reader is never cut off")
	n := 0
	for ; ; n++ {
		_, text, err := deaf.ReadMessage()
		if err != nil {
			break
		}
		var f rowcalltest.Frame
		if err := json.Unmarshal(text, &f); err != nil || f.Op == "event" && f.Data["title"] != fmt.Sprint(n) {
			t.Fatalf("the deaf reader heard %.200s, want %d", text, n)
		}
		if f.Op != "event" {
			n--
		}
		if f.Cursor != "" {
			cursor = f.Cursor
		}
	}
	again := alice.OpenNative(t)
	again.Resume("jobs/1", cursor)
	for ; n < jobs; n++ {
		if f := again.ReceiveFrame(); f.Data["title"] != fmt.Sprint(n) {
			t.Fatalf("coming back, it heard %.200v, want %d", f, n)
		}
	}
}

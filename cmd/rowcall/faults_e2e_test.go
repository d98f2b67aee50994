package main

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/schema/schematest"
)

// Losing the LISTEN connection, and then every connection there is, costs no socket and no event.
func TestBackendsKilled(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	room, native := alice.open(t, "/ws/room/1"), alice.native(t)
	native.follow("room/1")
	id := 1000
	for _, whom := range []string{"= 'rowcall listener'", "= 'rowcall listener'", "LIKE 'rowcall%'", "= 'rowcall listener'", "LIKE 'rowcall%'"} {
		kill := `SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity
			WHERE datname = current_database() AND application_name ` + whom
		eventually(t, func() bool { return s.Psql(t, kill) == "t" }, "there is no backend to kill")
		for range 5 {
			id++
			s.Psql(t, fmt.Sprintf(`INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (%d, 1, 1, 'heard')`, id))
		}
		for i := id - 4; i <= id; i++ {
			room.expect(said(i, "heard"))
			if f := native.next(); f.Data["id"] != fmt.Sprint(i) {
				t.Errorf("heard %+v, want message %d", f, i)
			}
		}
	}
	eventually(t, func() bool { return status(t, s.pages+"readyz") == 200 }, "the node does not recover")
}

// While PostgreSQL is away, open sockets stay and new ones are told to come back. After a clean restart
// the open ones go on; after a crash they are told that the log's history is a new one.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Samples)
	s := openSiteOn(t, db, nil)
	alice := s.login(t, "alice")
	room, native, dams := alice.open(t, "/ws/room/1"), alice.native(t), s.anonymous().open(t, "/dam-inventory/dams/notifications/ws/")
	native.follow("room/1", "dams")
	db.Stop(t)
	eventually(t, func() bool { return status(t, s.pages+"readyz") == 503 }, "it still says that it is ready")
	alice.open(t, "/ws/room/1").expectClose(websocket.CloseTryAgainLater)
	alice.open(t, "/v1/ws").expectClose(websocket.CloseTryAgainLater)
	db.Start(t)
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (200, 1, 1, 'back')`)
	room.expect(said(200, "back"))
	native.until("back")

	db.Kill(t)
	db.Start(t)
	room.expectClose(4410)
	dams.expectClose(4410)
	for range 2 {
		if f := native.next(); f.Op != "reset" || f.Reason != "epoch" || f.Cursor == "" {
			t.Errorf("after a crash, heard %+v", f)
		}
	}
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (201, 1, 1, 'again')`)
	native.until("again")
}

// A node that stops says goodbye to all its sockets and waits for their answers.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	native, plain, deaf := alice.native(t), alice.open(t, "/ws/room/1"), alice.open(t, "/ws/job-status/")
	native.follow("room/1", "dams")
	began := time.Now()
	s.node.stop()
	native.expectClose(websocket.CloseGoingAway, websocket.CloseServiceRestart)
	plain.expectClose(websocket.CloseGoingAway, websocket.CloseServiceRestart)
	select {
	case err := <-s.node.ended:
		if time.Since(began) < time.Second { // a machine that is busy elsewhere has used up its patience
			t.Fatalf("it ended (%v) while a socket had not answered", err)
		}
	default:
		deaf.expectClose(websocket.CloseGoingAway, websocket.CloseServiceRestart)
		if err := <-s.node.ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
	if !refused(s.pages) {
		t.Error("it still takes connections")
	}
}

// A reader who takes nothing off the wire is cut off, slows neither the writer nor another reader, and
// loses nothing that its cursor does not bring back.
func TestDeafReader(t *testing.T) {
	t.Parallel()
	s := openSite(t, map[string]string{"ROWCALL_LIMITS_WRITE_TIMEOUT": "2s", "ROWCALL_LIMITS_QUEUE_EVENTS": "100"})
	alice := s.login(t, "alice")
	deaf, other := alice.native(t), alice.native(t)
	cursor := deaf.follow("jobs/1")
	other.follow("jobs/1")
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
		if f := other.next(); f.Data["title"] != fmt.Sprint(n) {
			t.Fatalf("the other reader heard %.200v, want %d", f, n)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	ping := func() error { return deaf.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)) }
	eventually(t, func() bool { return ping() != nil }, "the deaf reader is never cut off")
	n := 0
	for ; ; n++ {
		_, text, err := deaf.ReadMessage()
		if err != nil {
			break
		}
		var f frame
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
	again := alice.native(t)
	again.resume("jobs/1", cursor)
	for ; n < jobs; n++ {
		if f := again.next(); f.Data["title"] != fmt.Sprint(n) {
			t.Fatalf("coming back, it heard %.200v, want %d", f, n)
		}
	}
}

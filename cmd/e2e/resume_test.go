package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestOpenIsLive checks that an open socket is live: it gets what commits next, and nothing that
// committed before.
func TestOpenIsLive(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	bob := s.Login(t, "bob")
	nodes := []*rowcalltest.HTTPUser{bob, bob.At(s.StartAnother(t))}
	pool := s.Pool(t)
	say := func(id int) {
		commit(t, pool, fmt.Sprintf(`INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (%d, 1, 1, 'heard')`, id))
	}
	for id := 1000; id < 1200; id += 2 {
		say(id)
		page := nodes[id/2%2].OpenSocket(t, "/ws/room/1")
		say(id + 1)
		page.Expect(rowcalltest.ChatMessageFrame(id+1, "heard"))
		page.Close()
	}
	for id := 2000; id < 2200; id += 2 {
		page := nodes[id/2%2].OpenNative(t)
		say(id)
		page.Follow("room/1")
		say(id + 1)
		if f := page.ReceiveFrame(); f.Data["id"] != fmt.Sprint(id+1) {
			t.Fatalf("heard %+v, want %d", f, id+1)
		}
		page.Close()
	}
}

// TestMovingBetweenNodes moves a reader with its cursor between two nodes: it gets each version of
// a row once and in order.
func TestMovingBetweenNodes(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	bob := s.Login(t, "bob")
	nodes := []*rowcalltest.HTTPUser{bob, bob.At(s.StartAnother(t))}
	const versions = 400
	written := make(chan error, 1)
	cursor := bob.OpenNative(t).Follow("patients/1")
	writer := s.Conn(t)
	go func() {
		for version := range versions {
			if _, err := writer.Exec(t.Context(), `UPDATE patients SET first_name = $1 WHERE id = 1`, fmt.Sprint(version)); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for version, move := 0, 0; version < versions; move++ {
		page := nodes[move%2].OpenNative(t)
		page.Resume("patients/1", cursor)
		for range 1 + move%37 {
			f := page.ReceiveFrame()
			if f.Op != "event" || f.Data["first_name"] != fmt.Sprint(version) {
				t.Fatalf("move %d: heard %+v, want version %d", move, f, version)
			}
			if f.Cursor != "" {
				cursor = f.Cursor
			}
			if version++; version == versions {
				break
			}
		}
		page.Close()
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// TestLeavingALargeTransaction leaves in the middle of a large transaction: the cursor of each of
// its events resumes after that event.
func TestLeavingALargeTransaction(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	bob := s.Login(t, "bob")
	other := bob.At(s.StartAnother(t))
	page := bob.OpenNative(t)
	page.Follow("patients")
	s.Psql(t, `INSERT INTO patients (first_name, last_name, admission_date) SELECT n, 'Ek', now() FROM generate_series(0, 2999) n`)
	var last rowcalltest.Frame
	for n := range 1234 {
		text := page.Receive()
		if err := json.Unmarshal([]byte(text), &last); err != nil || last.Data["first_name"] != fmt.Sprint(n) {
			t.Fatalf("heard %s, want %d", text, n)
		}
	}
	page.Close()
	page = other.OpenNative(t)
	page.Resume("patients", last.Cursor)
	for n := 1234; n < 3000; n++ {
		if f := page.ReceiveFrame(); f.Data["first_name"] != fmt.Sprint(n) {
			t.Fatalf("after moving, heard %+v, want %d", f, n)
		}
	}
	if f := page.Subscribe("patients", `"since":"`+strings.Repeat("f", 5000)+`"`); f.Code != "bad_cursor" {
		t.Errorf("a cursor that is too long: %+v", f)
	}
}

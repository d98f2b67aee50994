package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A socket that is open is live: what commits next is heard, and what committed before is not.
func TestOpenIsLive(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	bob := s.login(t, "bob")
	nodes := []*person{bob, bob.at(s.another(t))}
	pool := s.Pool(t)
	say := func(id int) {
		commit(t, pool, fmt.Sprintf(`INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (%d, 1, 1, 'heard')`, id))
	}
	for id := 1000; id < 1200; id += 2 {
		say(id)
		page := nodes[id/2%2].open(t, "/ws/room/1")
		say(id + 1)
		page.expect(said(id+1, "heard"))
		page.Close()
	}
	for id := 2000; id < 2200; id += 2 {
		page := nodes[id/2%2].native(t)
		say(id)
		page.follow("room/1")
		say(id + 1)
		if f := page.next(); f.Data["id"] != fmt.Sprint(id+1) {
			t.Fatalf("heard %+v, want %d", f, id+1)
		}
		page.Close()
	}
}

// A reader who moves between two nodes with a cursor reads each version of a row once, in order.
func TestMovingBetweenNodes(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	bob := s.login(t, "bob")
	nodes := []*person{bob, bob.at(s.another(t))}
	const versions = 400
	written := make(chan error, 1)
	cursor := bob.native(t).follow("patients/1")
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
		page := nodes[move%2].native(t)
		page.resume("patients/1", cursor)
		for range 1 + move%37 {
			f := page.next()
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

// A large transaction may be left in the middle: the cursor of any of its events resumes after that event.
func TestLeavingALargeTransaction(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	bob := s.login(t, "bob")
	other := bob.at(s.another(t))
	page := bob.native(t)
	page.follow("patients")
	s.Psql(t, `INSERT INTO patients (first_name, last_name) SELECT n, 'Ek' FROM generate_series(0, 2999) n`)
	var last frame
	for n := range 1234 {
		text := page.hear()
		if err := json.Unmarshal([]byte(text), &last); err != nil || last.Data["first_name"] != fmt.Sprint(n) {
			t.Fatalf("heard %s, want %d", text, n)
		}
	}
	page.Close()
	page = other.native(t)
	page.resume("patients", last.Cursor)
	for n := 1234; n < 3000; n++ {
		if f := page.next(); f.Data["first_name"] != fmt.Sprint(n) {
			t.Fatalf("after moving, heard %+v, want %d", f, n)
		}
	}
	if f := page.ask("patients", `"since":"`+strings.Repeat("f", 5000)+`"`); f.Code != "bad_cursor" {
		t.Errorf("a cursor that is too long: %+v", f)
	}
}

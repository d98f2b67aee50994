package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// frame is what a native socket may say.
type frame struct {
	Op, Topic, Code, Type, Cursor, Reason string
	ID                                    string
	Followed                              string
	Recovered                             *bool
	Data                                  map[string]any
	Snapshot                              []map[string]any
}

// next is the next frame of a native socket.
func (s *socket) next() frame {
	s.t.Helper()
	text := s.hear()
	var f frame
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	return f
}

// ask subscribes with more keys, such as "since":"…", and returns the answer.
func (s *socket) ask(topic string, more ...string) frame {
	s.t.Helper()
	keys := append([]string{`"op":"subscribe"`, fmt.Sprintf(`"topic":%q`, topic)}, more...)
	s.say("{" + strings.Join(keys, ",") + "}")
	return s.next()
}

// follow subscribes to topics from now.
func (s *socket) follow(topics ...string) (cursor string) {
	s.t.Helper()
	for _, topic := range topics {
		f := s.ask(topic)
		if f.Op != "subscribed" || f.Topic != topic {
			s.t.Fatalf("asked for %s, heard %+v", topic, f)
		}
		cursor = f.Cursor
	}
	return cursor
}

// resume subscribes from a cursor, which has to be of use.
func (s *socket) resume(topic, cursor string) {
	s.t.Helper()
	if f := s.ask(topic, fmt.Sprintf(`"since":%q`, cursor)); f.Recovered == nil || !*f.Recovered || f.Cursor != cursor {
		s.t.Fatalf("resumed %s from %s, heard %+v", topic, cursor, f)
	}
}

// until takes frames up to one that contains a text.
func (s *socket) until(text string) {
	s.t.Helper()
	for !strings.Contains(s.hear(), text) {
		continue
	}
}

// The native socket's frames, byte for byte, as the golden ones have them.
func TestNativeFrames(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	s.Exec(t, `
		DELETE FROM chat_messages;
		INSERT INTO chat_rooms (id, owner_id, title) VALUES (42, 1, 'Golden');
		INSERT INTO chat_messages (id, room_id, sender_id, posted, message) VALUES (1, 42, 1, '2021-06-01 12:00+02', '<b>Grüße</b> & "more"');
		SELECT setval('rowcall.log_id', 8811)`)
	alice, stranger := s.login(t, "alice").native(t), s.login(t, "dave").native(t)

	alice.say(`{"op":"subscribe","topic":"room/42","snapshot":true}`)
	alice.expect(golden(t, "native-subscribed-snapshot"))
	alice.say(`{"op":"unsubscribe","topic":"room/42"}`)
	alice.expect(golden(t, "native-unsubscribed"))
	alice.say(`{"op":"subscribe","topic":"room/42"}`)
	subscribed := alice.hear()
	if masked(subscribed) != masked(golden(t, "native-subscribed")) {
		t.Errorf("heard %s", subscribed)
	}
	stranger.say(`{"op":"subscribe","topic":"room/42"}`)
	stranger.expect(golden(t, "native-error"))

	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, posted, message) VALUES (42, 42, 1, '2026-11-20 12:00Z', 'Hello world!')`)
	alice.expect(golden(t, "native-event"))
	alice.say(`{"op":"ping"}`)
	alice.expect(golden(t, "native-pong"))

	var f frame
	if err := json.Unmarshal([]byte(subscribed), &f); err != nil {
		t.Fatal(err)
	}
	alice.say(fmt.Sprintf(`{"op":"subscribe","topic":"room/42","since":%q}`, f.Cursor))
	if got, want := alice.hear(), strings.TrimSuffix(subscribed, "}")+`,"recovered":true}`; got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
	alice.expect(golden(t, "native-event"))
}

// A native socket hears heartbeats while nothing else happens; an address with a format of its own hears
// pings, and no frame.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	s := openSite(t, map[string]string{"ROWCALL_LIMITS_PING_INTERVAL": "640ms"})
	ws, _, err := s.anonymous().handshake("/v1/ws", "rowcall.v1")
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	var heard [3][]byte
	for i := range heard {
		if _, heard[i], err = ws.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	beat := masked(golden(t, "native-heartbeat"))
	if first, second := masked(string(heard[1])), masked(string(heard[2])); first != beat || second != beat {
		t.Errorf("heard %s", heard)
	}

	plain := s.anonymous().open(t, "/dam-inventory/dams/notifications/ws/")
	pings := make(chan struct{}, 10)
	plain.SetPingHandler(func(string) error { pings <- struct{}{}; return nil })
	frames := make(chan string, 1)
	go func() {
		_, text, err := plain.ReadMessage()
		frames <- fmt.Sprintf("%s %v", text, err)
	}()
	for range 2 {
		select {
		case <-pings:
		case text := <-frames:
			t.Fatalf("heard %s between pings", text)
		}
	}
	plain.Close()
	<-frames
}

// Anonymous ones keep a native socket for public topics and learn nothing of others.
func TestNativeAnonymous(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	anonymous, dave := s.anonymous().native(t), s.login(t, "dave").native(t)
	anonymous.follow("dams", "dams/1")
	for _, topic := range []string{"room/1", "room/999", "nowhere", "user/1", "patients"} {
		if f := anonymous.ask(topic); f.Op != "error" || f.Code != "unauthorized" {
			t.Errorf("anonymous asks for %s: %+v", topic, f)
		}
	}
	for topic, code := range map[string]string{
		"room/1": "forbidden", "room/999": "not_found", "nowhere": "not_found", "user/1": "forbidden", "jobs/1": "forbidden",
		"room/1' OR true --": "bad_request", "room/": "bad_request",
	} {
		if f := dave.ask(topic); f.Op != "error" || f.Code != code {
			t.Errorf("dave asks for %s: %+v, want %s", topic, f, code)
		}
	}
	if f := dave.ask("room/2", `"since":"nonsense"`); f.Code != "bad_cursor" {
		t.Errorf("a cursor that is none: %+v", f)
	}
	if f := dave.ask("room/2", `"since":"00c0ffee00c0ffee.2df.3.1"`); f.Op != "subscribed" || f.Recovered == nil || *f.Recovered || f.Reason != "epoch" {
		t.Errorf("a cursor of another history: %+v", f)
	}
	s.Psql(t, `UPDATE dams SET owner = 'The county' WHERE id = 1`)
	first, second := anonymous.next(), anonymous.next()
	if first.Type != "dam.update" || second.ID != first.ID || first.Followed+second.Followed != "dams" {
		t.Errorf("following dams and dams/1: %+v, %+v", first, second)
	}
}

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestNativeFrames compares the frames of the native socket with the golden frames, byte for byte.
func TestNativeFrames(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	s.Exec(t, `
		DELETE FROM chat_messages;
		INSERT INTO chat_rooms (id, owner_id, title) VALUES (42, 1, 'Golden');
		INSERT INTO chat_messages (id, room_id, sender_id, posted, message) VALUES (1, 42, 1, '2021-06-01 12:00+02', '<b>Grüße</b> & "more"');
		SELECT setval('rowcall.log_id', 8811)`)
	alice, stranger := s.Login(t, "alice").OpenNative(t), s.Login(t, "dave").OpenNative(t)

	alice.Send(`{"op":"subscribe","topic":"room/42","snapshot":true}`)
	alice.Expect(rowcalltest.GoldenFrame(t, "native-subscribed-snapshot"))
	alice.Send(`{"op":"unsubscribe","topic":"room/42"}`)
	alice.Expect(rowcalltest.GoldenFrame(t, "native-unsubscribed"))
	alice.Send(`{"op":"subscribe","topic":"room/42"}`)
	subscribed := alice.Receive()
	if rowcalltest.MaskFrame(subscribed) != rowcalltest.MaskFrame(rowcalltest.GoldenFrame(t, "native-subscribed")) {
		t.Errorf("heard %s", subscribed)
	}
	stranger.Send(`{"op":"subscribe","topic":"room/42"}`)
	stranger.Expect(rowcalltest.GoldenFrame(t, "native-error"))

	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, posted, message) VALUES (42, 42, 1, '2026-11-20 12:00Z', 'Hello world!')`)
	alice.Expect(rowcalltest.GoldenFrame(t, "native-event"))
	alice.Send(`{"op":"ping"}`)
	alice.Expect(rowcalltest.GoldenFrame(t, "native-pong"))

	var f rowcalltest.Frame
	if err := json.Unmarshal([]byte(subscribed), &f); err != nil {
		t.Fatal(err)
	}
	alice.Send(fmt.Sprintf(`{"op":"subscribe","topic":"room/42","since":%q}`, f.Cursor))
	if got, want := alice.Receive(), strings.TrimSuffix(subscribed, "}")+`,"recovered":true}`; got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
	alice.Expect(rowcalltest.GoldenFrame(t, "native-event"))
}

// TestHeartbeats checks that a silent native socket gets heartbeats, and that a socket with its own
// format gets pings and no frame.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, map[string]string{"ROWCALL_LIMITS_PING_INTERVAL": "640ms"})
	ws, _, err := s.Anonymous().Handshake("/v1/ws", "rowcall.v1")
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
	beat := rowcalltest.MaskFrame(rowcalltest.GoldenFrame(t, "native-heartbeat"))
	if first, second := rowcalltest.MaskFrame(string(heard[1])), rowcalltest.MaskFrame(string(heard[2])); first != beat || second != beat {
		t.Errorf("heard %s", heard)
	}

	plain := s.Anonymous().OpenSocket(t, "/dam-inventory/dams/notifications/ws/")
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

// TestNativeAnonymous checks that an anonymous native socket follows public topics and learns
// nothing about others.
func TestNativeAnonymous(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	anonymous, dave := s.Anonymous().OpenNative(t), s.Login(t, "dave").OpenNative(t)
	anonymous.Follow("dams", "dams/1")
	for _, topic := range []string{"room/1", "room/999", "nowhere", "user/1", "patients"} {
		if f := anonymous.Subscribe(topic); f.Op != "error" || f.Code != "unauthorized" {
			t.Errorf("anonymous asks for %s: %+v", topic, f)
		}
	}
	for topic, code := range map[string]string{
		"room/1": "forbidden", "room/999": "not_found", "nowhere": "not_found", "user/1": "forbidden", "jobs/1": "forbidden",
		"room/1' OR true --": "bad_request", "room/": "bad_request",
	} {
		if f := dave.Subscribe(topic); f.Op != "error" || f.Code != code {
			t.Errorf("dave asks for %s: %+v, want %s", topic, f, code)
		}
	}
	if f := dave.Subscribe("room/2", `"since":"nonsense"`); f.Code != "bad_cursor" {
		t.Errorf("a cursor that is none: %+v", f)
	}
	if f := dave.Subscribe("room/2", `"since":"00c0ffee00c0ffee.2df.3.1"`); f.Op != "subscribed" || f.Recovered == nil || *f.Recovered || f.Reason != "epoch" {
		t.Errorf("a cursor of another history: %+v", f)
	}
	s.Psql(t, `UPDATE dams SET owner = 'The county' WHERE id = 1`)
	first, second := anonymous.ReceiveFrame(), anonymous.ReceiveFrame()
	if first.Type != "dam.update" || second.ID != first.ID || first.Followed+second.Followed != "dams" {
		t.Errorf("following dams and dams/1: %+v, %+v", first, second)
	}
}

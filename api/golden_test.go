package api

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/notifier"
)

// Golden frames are compared byte for byte with what the server sends. Tests of the clients read
// the same files.
const goldenFolder = "testdata/frames"

// goldenFrames encodes each golden frame as the server does.
func goldenFrames(t *testing.T) map[string][]byte {
	yes, no := true, false
	cursor := "00c0ffee00c0ffee.2df.3.1"
	message := chatMessage(42)
	frames := map[string][]byte{
		"native-welcome":            encodeTextFrame(welcomeFrame{"welcome", "s7", 25000, 100}),
		"native-subscribed":         encodeTextFrame(subscribedFrame{Op: "subscribed", Topic: "room/42", Cursor: cursor}),
		"native-subscribed-replays": encodeTextFrame(subscribedFrame{Op: "subscribed", Topic: "room/42", Cursor: cursor, Recovered: &yes}),
		"native-subscribed-reset":   encodeTextFrame(subscribedFrame{Op: "subscribed", Topic: "room/42", Cursor: cursor, Recovered: &no, Reason: notifier.ResetExpired}),
		"native-subscribed-snapshot": encodeTextFrame(subscribedFrame{Op: "subscribed", Topic: "room/42", Cursor: cursor,
			Snapshot: []byte(`[{"id":1,"sender_id":1,"posted":"2021-06-01T10:00:00Z","message":"<b>Grüße</b> & \"more\""}]`)}),
		"native-subscribed-truncated": encodeTextFrame(subscribedFrame{Op: "subscribed", Topic: "room/42", Cursor: cursor, Snapshot: []byte(`[{"id":1}]`), Truncated: true}),
		"native-event": encodeTextFrame(eventFrame{Op: "event", Topic: "room/42", ID: 8812, Type: "chat_message_created",
			Data: []byte(`{"id":"42","message":"Hello world!","room_id":42,"sender_id":1,"posted":"2026-11-20T12:00:00Z"}`), Time: "2026-11-20T12:00:00.5Z", Cursor: cursor}),
		"native-event-followed": encodeEventFrame(event(8813, "patients/12", "patient.change", `{"id":12,"action":"delete"}`), "patients"),
		"native-event-leave": encodeEventFrame(event(8814, "orders/7", "orders.update", `{}`).
			Told("orders.leave", []byte(`{"op":"leave","key":{"id":"1"},"old":{"id":1,"status":"open","total":10.00}}`), ""), "orders/7"),
		"native-event-enter": encodeEventFrame(event(8815, "orders/7", "orders.update", `{}`).
			Told("orders.enter", []byte(`{"op":"enter","key":{"id":"1"},"new":{"id":1,"status":"open","total":10.00}}`), ""), "orders/7"),
		"native-subscribed-filter": encodeTextFrame(subscribedFrame{Op: "subscribed", Topic: "orders/7", Cursor: newCursorMark("orders/7", `eq "status" "open"`).mark(cursor), Recovered: &no, Reason: resetFilter}),
		"native-error-filter":      encodeErrorFrame("orders/7", problem.FaultOf(filterError(`{"status":null}`))),
		"native-reset":             encodeTextFrame(resetFrame{"reset", "room/42", notifier.ResetOverflow, cursor}),
		"native-unsubscribed":      encodeTextFrame(unsubscribedFrame{"unsubscribed", "room/42"}),
		"native-error":             encodeErrorFrame("room/42", problem.FaultOf(problem.ErrForbidden)),
		"native-error-retryable":   encodeErrorFrame("room/42", problem.FaultOf(fmt.Errorf("reading: %w", problem.ErrUnavailable))),
		"native-error-malformed":   encodeErrorFrame("", problem.FaultOf(problem.ErrBadRequest)),
		"native-heartbeat":         encodeTextFrame(cursorFrame{"heartbeat", cursor}),
		"native-heartbeat-busy":    encodeTextFrame(cursorFrame{"heartbeat", ""}),
		"native-pong":              encodeTextFrame(cursorFrame{"pong", cursor}),
	}
	sockets, _, err := compileSockets(seedSockets(), seedTopicRules(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	room, user, jobs, dams := sockets[0], sockets[1], sockets[2], sockets[3]
	asks := event(43, "room/5", "did_alter_join_request",
		`{"id" : "31", "action" : "create", "requesting_user" : {"id" : 4, "first_name" : "Ana", "last_name" : "Ek"}, "room_id" : 5}`)
	admits := event(44, "user/4", "did_alter_join_request", `{"id" : "31", "action" : "admit", "requesting_user" : null, "room_id" : 5}`)
	frames["chat-message-created"] = room.encodeEvent(message)
	frames["chat-join-request-create"] = room.encodeEvent(asks)
	frames["chat-join-request-admit"] = user.encodeEvent(admits)
	frames["jobs-saved"] = jobs.encodeEvent(event(45, "jobs/1", "job_posting.saved", `{"id" : 17, "state" : "running", "title" : "Sort", "progress" : 50}`))
	maps.Copy(frames, dcrfFrames(t))
	frames["dams-new-dam"] = dams.encodeEvent(event(46, "dams/3", "dam.create", `{"id" : 3, "name" : "Hoover"}`))
	return frames
}

// filterError is why a filter is refused.
func filterError(text string) error {
	_, err := access.ParseFilter([]byte(text))
	return err
}

func TestGoldenFrames(t *testing.T) {
	frames := goldenFrames(t)
	for name, frame := range frames {
		want, err := os.ReadFile(filepath.Join(goldenFolder, name+".json"))
		if err != nil {
			t.Error(err)
		}
		if got := payload(t, frame); got != strings.TrimSuffix(string(want), "\n") {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
	files, _ := filepath.Glob(filepath.Join(goldenFolder, "*.json"))
	if len(files) != len(frames) {
		t.Errorf("%d files for %d frames", len(files), len(frames))
	}
}

// payload checks the header of a frame and returns its payload.
func payload(t testing.TB, frame []byte) string {
	t.Helper()
	if len(frame) < 2 || frame[0] != 0x80|websocket.TextMessage {
		t.Fatalf("not a text frame: %q", frame)
	}
	length, rest := int(frame[1]), frame[2:]
	switch length {
	case 126:
		length, rest = int(binary.BigEndian.Uint16(rest)), rest[2:]
	case 127:
		length, rest = int(binary.BigEndian.Uint64(rest)), rest[8:]
	}
	if length != len(rest) {
		t.Fatalf("a frame of %d bytes says it has %d", len(rest), length)
	}
	return string(rest)
}

func TestFrameHeaders(t *testing.T) {
	for _, length := range []int{2, 125, 126, 127, 65535, 65536, 1 << 20} {
		text := `"` + strings.Repeat("x", length-2) + `"`
		if got := payload(t, encodeTextFrame(json.RawMessage(text))); got != text {
			t.Errorf("a frame of %d bytes comes out as %d", length, len(got))
		}
	}
}

func TestFramesOfUnsoundData(t *testing.T) {
	for _, data := range []string{"", "{", "nonsense", "{}{}"} {
		got := payload(t, encodeEventFrame(event(1, "a", "b", data), "a"))
		if want := `"data":null`; !strings.Contains(got, want) {
			t.Errorf("data %q: %s, want %s", data, got, want)
		}
	}
	got := payload(t, encodeEventFrame(event(1, "a", "b", "\"\xff\""), "a"))
	if !bytes.Contains([]byte(got), []byte("�")) {
		t.Errorf("a byte that is no UTF-8 went out: %q", got)
	}
}

func TestFieldsAreAnAllowList(t *testing.T) {
	sockets, _, err := compileSockets(seedSockets(), seedTopicRules(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	room := sockets[0]
	tests := []struct {
		event *notifier.Event
		want  string
	}{
		{event(1, "room/5", "member_joined", `{"user_id":1}`), ""},
		{event(1, "room/5", "chat_message_created", `{"message":"a","secret":1,"id":"1"}`),
			`{"type":"chat_message_created","kwargs":{"id":"1","message":"a"}}`},
		{event(1, "room/5", "chat_message_created", `{"id":null}`), `{"type":"chat_message_created","kwargs":{"id":null}}`},
		{event(1, "room/5", "chat_message_created", `[1]`), `{"type":"chat_message_created","kwargs":{}}`},
		{event(1, "room/5", "chat_message_created", `{"id":"1","message":"\u003cscript\u003e </script> ☃ \u2028"}`),
			`{"type":"chat_message_created","kwargs":{"id":"1","message":"\u003cscript\u003e </script> ☃ \u2028"}}`},
	}
	for _, tt := range tests {
		got := ""
		if frame := room.encodeEvent(tt.event); frame != nil {
			got = payload(t, frame)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.event.Data, got, tt.want)
		}
	}
}

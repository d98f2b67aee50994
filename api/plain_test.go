package api

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
)

func TestPlainFrames(t *testing.T) {
	tests := []struct {
		path  string
		event *notifier.Event
		want  string
	}{
		{"/ws/room/5", chatMessage(42), `{"type":"chat_message_created","kwargs":{"id":"42","message":"Hello world!"}}`},
		{"/ws/room/005/", chatMessage(42), `{"type":"chat_message_created","kwargs":{"id":"42","message":"Hello world!"}}`},
		{"/ws/user/4", event(1, "user/4", "did_alter_join_request", `{"id":"31","action":"deny","requesting_user":null,"room_id":5}`),
			`{"type":"did_alter_join_request","kwargs":{"id":"31","action":"deny","requesting_user":null}}`},
		{"/dam-inventory/dams/notifications/ws/", event(1, "dams/3", "dam.create", `{"id":3}`), `{"message":"New Dam"}`},
		{"/dam-inventory/dams/notifications/ws", event(1, "dams/3", "dam.create", `{"id":3}`), `{"message":"New Dam"}`},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			b := st.dial(t, tt.path)
			sub := st.feed.next(t)
			silent := event(1, tt.event.Topic, "something_else", `{}`)
			sub.push(notifier.Taken{Events: []*notifier.Event{silent, tt.event, silent}})
			sub.push(notifier.Taken{Events: []*notifier.Event{silent}})
			sub.push(notifier.Taken{Events: []*notifier.Event{tt.event}})
			b.expect(tt.want, tt.want)
		})
	}
}

func TestPlainIgnoresWhatThePageSends(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.dial(t, "/ws/room/5")
	sub := st.feed.next(t)
	b.say(`{"op":"subscribe","topic":"room/6"}`)
	b.say(`{"op":"ping"}`)
	_ = b.WriteMessage(websocket.BinaryMessage, []byte{0, 1, 2})
	sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
	b.expect(`{"type":"chat_message_created","kwargs":{"id":"42","message":"Hello world!"}}`)
}

// TestPlainIsSilent sends heartbeats to a plain socket: the page receives pings and nothing else.
func TestPlainIsSilent(t *testing.T) {
	st := openFakeFeedServer(t, Options{Limits: Limits{PingInterval: heartbeatSlots * 1_000_000}})
	st.beat(t)
	b := st.dial(t, "/ws/room/5")
	pings := 0
	b.SetPingHandler(func(string) error {
		if pings++; pings == 5 {
			return errors.New("heard enough")
		}
		return nil
	})
	if _, frame, err := b.ReadMessage(); err == nil || pings != 5 {
		t.Errorf("heard %s, %v after %d pings", frame, err, pings)
	}
}

func TestPlainCloseCodes(t *testing.T) {
	tests := []struct {
		name   string
		refuse error
		start  notifier.Start
		path   string
		want   int
	}{
		{"anonymous", problem.ErrUnauthorized, notifier.Start{}, "/ws/room/5", 4401},
		{"no such room", problem.ErrNotFound, notifier.Start{}, "/ws/room/5", 4404},
		{"not a member", problem.ErrForbidden, notifier.Start{}, "/ws/room/5", 4403},
		{"no database", problem.ErrUnavailable, notifier.Start{}, "/ws/room/5", 1013},
		{"a defect", errors.New("secret"), notifier.Start{}, "/ws/room/5", 1011},
		{"garbage cursor", notifier.ErrBadCursor, notifier.Start{}, "/ws/room/5?since=x", 4410},
		{"expired cursor", nil, notifier.Start{Reason: notifier.ResetExpired}, "/ws/room/5?since=c", 4410},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			st.feed.set(func(f *fakeFeed) { f.refuse, f.start = tt.refuse, tt.start })
			b := st.dial(t, tt.path)
			b.expectClose(tt.want)
			st.quiet(t)
		})
	}
}

func TestPlainClosesWithoutAWord(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) { f.refuse = problem.ErrForbidden })
	b := st.dial(t, "/ws/room/5")
	_, _, err := b.ReadMessage()
	if closed, ok := errors.AsType[*websocket.CloseError](err); !ok || closed.Text != "" {
		t.Errorf("closed with %v", err)
	}
}

func TestPlainResumesOnce(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) { f.start = notifier.Start{Cursor: "c1", Recovered: true} })
	b := st.dial(t, "/ws/room/5?since=c1")
	sub := st.feed.next(t)
	if sub.request.Since != "c1" || sub.request.Topics[0] != "room/5" {
		t.Errorf("asked for %+v", sub.request)
	}
	sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
	b.expect(`{"type":"chat_message_created","kwargs":{"id":"42","message":"Hello world!"}}`)
}

func TestPlainEndsInMidSubscription(t *testing.T) {
	for want, end := range map[int]error{4403: problem.ErrForbidden, 4401: problem.ErrUnauthorized, 4404: problem.ErrNotFound, 4429: notifier.ErrSlow} {
		st := openFakeFeedServer(t, Options{})
		b := st.dial(t, "/ws/room/5")
		sub := st.feed.next(t)
		sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
		b.hear()
		sub.end(end)
		b.expectClose(want)
		st.quiet(t)
		if !sub.isClosed() {
			t.Errorf("%d: the subscription is still open", want)
		}
	}
	st := openFakeFeedServer(t, Options{})
	b := st.dial(t, "/ws/room/5")
	st.feed.next(t).push(notifier.Taken{Reset: &notifier.Reset{Reason: notifier.ResetExpired, Cursor: "c"}})
	b.expectClose(4410)
}

func TestPlainRefusedHandshakes(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	tests := []struct {
		name, path string
		header     []string
		want       int
	}{
		{"anonymous at jobs", "/ws/job-status/", nil, 403},
		{"anonymous at jobs, without the slash", "/ws/job-status", nil, 403},
		{"bad credentials at jobs", "/ws/job-status/", []string{"Authorization", "Bearer x"}, 403},
		{"another site's page", "/ws/room/5", []string{"Origin", "https://evil.example"}, 403},
		{"no such address", "/ws/rooms/5", nil, 404},
		{"no number", "/ws/room/five", nil, 404},
		{"a token in the address", "/ws/room/5?token=x", nil, 400},
		{"a doubled slash is not redirected", "//ws/room/5", nil, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, answer, err := st.tryDial(tt.path, tt.header...)
			if err == nil || answer == nil || answer.StatusCode != tt.want {
				t.Fatalf("answered %v, want %d", answer, tt.want)
			}
			if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
		})
	}
}

// Browsers fail a handshake of which they have offered subprotocols and none is chosen. So the first that
// is no credential is chosen, also where the socket is closed at once.
func TestPlainChoosesAnOfferedSubprotocol(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	for _, c := range []struct {
		path, offered, want string
	}{
		{"/ws/room/5", "json, xml", "json"},
		{"/ws/room/5", "rowcall.bearer.eA, json", "json"},
		{"/ws/room/5", "rowcall.bearer.eA", ""},
		{"/ws/room/5?since=x", "json", "json"},
	} {
		if got := st.dial(t, c.path, "Sec-WebSocket-Protocol", c.offered).Subprotocol(); got != c.want {
			t.Errorf("%s with %s: chose %q, want %q", c.path, c.offered, got, c.want)
		}
	}
	st.feed.set(func(f *fakeFeed) { f.refuse = problem.ErrForbidden })
	b := st.dial(t, "/ws/room/5", "Sec-WebSocket-Protocol", "json")
	if got := b.Subprotocol(); got != "json" {
		t.Errorf("a socket that is refused: chose %q, want json", got)
	}
	b.expectClose(4403)
}

func TestPlainWithStaleCredentialsIsAnonymous(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.dial(t, "/dam-inventory/dams/notifications/ws/", "Authorization", "Bearer stale")
	st.feed.next(t).push(notifier.Taken{Events: []*notifier.Event{event(1, "dams/3", "dam.create", `{}`)}})
	b.expect(`{"message":"New Dam"}`)
}

func TestSocketAddressesWithoutAHandshake(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	answer, err := http.Get(st.http.URL + "/ws/room/5")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != 400 || !strings.Contains(string(text), `"code":"bad_request"`) {
		t.Errorf("answered %d %s", answer.StatusCode, text)
	}
}

func TestPlainBrokenHandshakeLeavesNothingBehind(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	r, _ := http.NewRequest("GET", st.http.URL+"/ws/room/5", nil)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"7"}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 400 || !st.feed.next(t).isClosed() {
		t.Errorf("answered %d", answer.StatusCode)
	}
}

func TestCompileSocketsRefusesAllAtOnce(t *testing.T) {
	fields := []rules.Forward{{Type: "x", Fields: []string{"id"}}}
	_, _, err := compileSockets([]rules.Socket{
		{Path: "/ws/a/{id:int}", Topic: "room/{id}", Frame: "kwargs", Forward: fields},
		{Path: "/ws/b", Topic: "room/{id}", Frame: "kwargs", Forward: fields},
		{Path: "/ws/a/05/", Topic: "room/5", Frame: "kwargs", Forward: fields},
		{Path: "ws", Topic: "room/{id}", Frame: "xml", Anonymous: "maybe"},
		{Path: "/b", Topic: "nowhere/{me}", Frame: "data", Forward: []rules.Forward{{Type: "x"}}},
		{Path: "/c", Topic: "jobs/{me}", Frame: []string{"x"}, Forward: fields},
	}, seedTopicRules(t), nil)
	apitest.ExpectProblems(t, err, []string{
		`sockets[1].topic: {id} has no value: the path has no such parameter`,
		`sockets[2].path: "/ws/a/05/" and "/ws/a/{id:int}" of sockets[0] could be the same address`,
		`sockets[3].path: "ws" is no path: begin with a slash`,
		`sockets[3].topic: {id} has no value: the path has no such parameter`,
		`sockets[3].frame: "xml" is not one of kwargs, data`,
		`sockets[3].forward: is empty`,
		`sockets[3].anonymous: "maybe" is not one of close, refuse`,
		`sockets[4].topic: "nowhere/{me}": no topic of this form is listed under topics`,
		`sockets[4].forward[0].fields: is empty`,
		`sockets[5].frame: "[x]" is not one of kwargs, data`,
	})
}

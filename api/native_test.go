package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/api/problem"
	"rowcall/notifier"
)

const welcome = `{"op":"welcome","session":"s1","heartbeat":25000,"max_subscriptions":100}`

func TestNativeSubscribeFromNow(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.dial(t, "/v1/ws", "Sec-WebSocket-Protocol", "rowcall.v1")
	if got := b.Subprotocol(); got != "rowcall.v1" {
		t.Errorf("subprotocol %q", got)
	}
	b.say(`{"op":"subscribe","topic":"room/5"}`)
	b.expect(welcome, `{"op":"subscribed","topic":"room/5","cursor":"here"}`)
	st.feed.publish(chatMessage(42))
	b.expect(`{"op":"event","topic":"room/5","id":"42","type":"chat_message_created","data":{"id":"42","message":"Hello world!","room_id":5,"sender_id":1},"time":"2026-11-20T12:00:00.5Z"}`)
}

func TestNativeAnswers(t *testing.T) {
	tests := []struct {
		name, say string
		refuse    error
		start     notifier.Start
		want      string
	}{
		{name: "resume", say: `{"op":"subscribe","topic":"room/5","since":"c1"}`,
			start: notifier.Start{Cursor: "c1", Recovered: true},
			want:  `{"op":"subscribed","topic":"room/5","cursor":"c1","recovered":true}`},
		{name: "resume of an expired cursor", say: `{"op":"subscribe","topic":"room/5","since":"c1"}`,
			start: notifier.Start{Cursor: "c2", Reason: notifier.ResetExpired},
			want:  `{"op":"subscribed","topic":"room/5","cursor":"c2","recovered":false,"reason":"expired"}`},
		{name: "snapshot", say: `{"op":"subscribe","topic":"room/5","snapshot":true}`,
			start: notifier.Start{Cursor: "c2", State: []byte("[{\"id\":1}, \n {\"id\":2}]")},
			want:  `{"op":"subscribed","topic":"room/5","cursor":"c2","snapshot":[{"id":1},{"id":2}]}`},
		{name: "another spelling", say: `{"op":"subscribe","topic":"room/005"}`, start: notifier.Start{Cursor: "c2"},
			want: `{"op":"subscribed","topic":"room/5","requested":"room/005","cursor":"c2"}`},
		{name: "forbidden", say: `{"op":"subscribe","topic":"room/5"}`, refuse: problem.ErrForbidden,
			want: `{"op":"error","topic":"room/5","code":"forbidden","message":"you may not follow this topic","retryable":false}`},
		{name: "anonymous", say: `{"op":"subscribe","topic":"room/5"}`, refuse: problem.ErrUnauthorized,
			want: `{"op":"error","topic":"room/5","code":"unauthorized","message":"log in first","retryable":false}`},
		{name: "garbage cursor", say: `{"op":"subscribe","topic":"room/5","since":"?"}`, refuse: notifier.ErrBadCursor,
			want: `{"op":"error","topic":"room/5","code":"bad_cursor","message":"the cursor is not one of ours","retryable":false}`},
		{name: "no snapshot", say: `{"op":"subscribe","topic":"room/5","snapshot":true}`, refuse: notifier.ErrNoSnapshot,
			want: `{"op":"error","topic":"room/5","code":"bad_request","message":"the topic has no snapshot","retryable":false}`},
		{name: "unavailable", say: `{"op":"subscribe","topic":"room/5"}`, refuse: fmt.Errorf("%w: host=db.internal", problem.ErrUnavailable),
			want: `{"op":"error","topic":"room/5","code":"unavailable","message":"try again later","retryable":true,"retry_after":2}`},
		{name: "a defect", say: `{"op":"subscribe","topic":"room/5"}`, refuse: fmt.Errorf("secret table"),
			want: `{"op":"error","topic":"room/5","code":"internal","message":"something went wrong here","retryable":true}`},
		{name: "bad topic", say: `{"op":"subscribe","topic":"room/\u0000"}`,
			want: `{"op":"error","topic":"room/\u0000","code":"bad_request","message":"a topic is 1 to 200 bytes of A-Z a-z 0-9 _ : . - ~ ! ' ( ) * in parts between single slashes; other bytes of UTF-8 are written as %20","retryable":false}`},
		{name: "unsubscribe of what is not held", say: `{"op":"unsubscribe","topic":"room/5"}`,
			want: `{"op":"unsubscribed","topic":"room/5"}`},
		{name: "ping", say: `{"op":"ping"}`, want: `{"op":"pong","cursor":"node"}`},
		{name: "auth", say: `{"op":"auth","token":"x"}`,
			want: `{"op":"error","code":"bad_request","message":"this server takes no tokens","retryable":false}`},
		{name: "unknown op", say: `{"op":"explode","topic":"room/5"}`,
			want: `{"op":"error","topic":"room/5","code":"bad_request","message":"unknown op","retryable":false}`},
		{name: "unknown keys", say: `{"op":"ping","later":{"a":[1]}}`, want: `{"op":"pong","cursor":"node"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			st.feed.set(func(f *fakeFeed) { f.refuse, f.start = tt.refuse, tt.start })
			b := st.dial(t, "/v1/ws")
			b.say(tt.say)
			b.expect(welcome, tt.want)
			b.say(`{"op":"ping"}`) // the socket goes on
			b.expect(`{"op":"pong","cursor":"node"}`)
		})
	}
}

// follow subscribes to a topic and expects the answer.
func (b *socketClient) follow(st *fakeFeedServer, topic string) *fakeSubscription {
	b.t.Helper()
	b.say(`{"op":"subscribe","topic":"` + topic + `"}`)
	b.expect(`{"op":"subscribed","topic":"` + topic + `","cursor":"here"}`)
	return st.feed.next(b.t)
}

func (st *fakeFeedServer) native(t testing.TB, path string) *socketClient {
	t.Helper()
	b := st.dial(t, path)
	b.expect(welcome)
	return b
}

func (b *socketClient) hearsEvent(id string) {
	b.t.Helper()
	if got := b.hear(); !strings.Contains(got, `"id":"`+id+`"`) || !strings.HasPrefix(got, `{"op":"event"`) {
		b.t.Fatalf("heard %s, want event %s", got, id)
	}
}

func TestNativeResetStandsInItsPlace(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.native(t, "/v1/ws")
	sub := b.follow(st, "room/5")
	sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(1), chatMessage(2)}})
	sub.push(notifier.Taken{Reset: &notifier.Reset{Reason: notifier.ResetOverflow, Cursor: "c9"}})
	sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(3)}})
	b.hearsEvent("1")
	b.hearsEvent("2")
	b.expect(`{"op":"reset","topic":"room/5","reason":"overflow","cursor":"c9"}`)
	b.hearsEvent("3")
}

func TestNativeFollowerOfAnAncestorIsToldWhich(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.native(t, "/v1/ws")
	b.follow(st, "dams")
	b.follow(st, "dams/3")
	st.feed.publish(event(9, "dams/3", "dam.update", `{}`))
	both := b.hear() + b.hear()
	if strings.Count(both, `"topic":"dams/3","followed":"dams","id":"9"`) != 1 || strings.Count(both, `"topic":"dams/3","id":"9"`) != 1 {
		t.Errorf("heard %s", both)
	}
}

func TestNativeLosesOneTopicAndKeepsTheOthers(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.native(t, "/as/7")
	lost, kept := b.follow(st, "room/5"), b.follow(st, "room/6")
	lost.end(problem.ErrForbidden)
	b.expect(`{"op":"error","topic":"room/5","code":"forbidden","message":"you may not follow this topic","retryable":false}`)
	kept.push(notifier.Taken{Events: []*notifier.Event{event(2, "room/6", "x", "1")}})
	b.hearsEvent("2")
	if !lost.isClosed() {
		t.Error("the lost subscription is still open")
	}
	b.follow(st, "room/5") // the place is free again
}

func TestNativeClosesWithoutItsIdentity(t *testing.T) {
	for name, end := range map[string]error{"4401": problem.ErrUnauthorized, "4429": notifier.ErrSlow} {
		t.Run(name, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			b := st.native(t, "/as/7")
			sub := b.follow(st, "room/5")
			sub.end(end)
			b.expectClose(problem.FaultOf(end).Close)
		})
	}
	t.Run("at subscribe", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		st.feed.set(func(f *fakeFeed) { f.refuse = problem.ErrUnauthorized })
		b := st.native(t, "/as/7")
		b.say(`{"op":"subscribe","topic":"room/5"}`)
		b.expectClose(4401)
	})
}

func TestNativeSubscribeAgainReplaces(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.native(t, "/v1/ws")
	first := b.follow(st, "room/5")
	second := b.follow(st, "room/5")
	if !first.isClosed() || second.isClosed() {
		t.Error("the first subscription should have ended, and the second not")
	}
	first.push(notifier.Taken{Events: []*notifier.Event{chatMessage(1)}})
	second.push(notifier.Taken{Events: []*notifier.Event{chatMessage(2)}})
	b.hearsEvent("2")
}

func TestNativeUnsubscribe(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.native(t, "/v1/ws")
	sub := b.follow(st, "room/5")
	b.say(`{"op":"unsubscribe","topic":"room/05"}`)
	b.expect(`{"op":"unsubscribed","topic":"room/05"}`)
	sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(1)}})
	b.say(`{"op":"ping"}`)
	b.expect(`{"op":"pong","cursor":"node"}`)
	if !sub.isClosed() {
		t.Error("the subscription is still open")
	}
}

func TestNativeUnsubscribeWhileSubscribing(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	open := st.feed.shut(t)
	b := st.native(t, "/v1/ws")
	b.say(`{"op":"subscribe","topic":"room/5"}`)
	b.say(`{"op":"ping"}`)
	b.expect(`{"op":"pong"}`) // no cursor holds for what is not open yet
	b.say(`{"op":"unsubscribe","topic":"room/5"}`)
	b.expect(`{"op":"unsubscribed","topic":"room/5"}`)
	b.say(`{"op":"subscribe","topic":"room/6"}`)
	open()
	b.expect(`{"op":"subscribed","topic":"room/6","cursor":"here"}`)
}

func TestNativeSubscribedTooLate(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	open := st.feed.shut(t)
	st.feed.set(func(f *fakeFeed) { f.rude = true })
	b := st.native(t, "/v1/ws")
	b.say(`{"op":"subscribe","topic":"room/5"}`)
	apitest.WaitFor(t, "the subscribe", func() bool { return st.feed.most() == 1 })
	b.say(`{"op":"unsubscribe","topic":"room/5"}`)
	b.expect(`{"op":"unsubscribed","topic":"room/5"}`)
	open()
	late := st.feed.next(t)
	apitest.WaitFor(t, "the late subscription to end", late.isClosed)
	late.push(notifier.Taken{Events: []*notifier.Event{chatMessage(1)}})
	b.say(`{"op":"ping"}`)
	b.expect(`{"op":"pong","cursor":"node"}`)
}

func TestNativeDisconnectWhileSubscribing(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.shut(t)
	b := st.native(t, "/v1/ws")
	for i := range 20 {
		b.say(fmt.Sprintf(`{"op":"subscribe","topic":"room/%d"}`, i+1))
	}
	b.Close()
	st.quiet(t) // the handler ends though nobody opens the gate
}

func TestNativeSubscribesAreBounded(t *testing.T) {
	st := openFakeFeedServer(t, Options{Limits: Limits{SubscriptionsPerSocket: 30}})
	open := st.feed.shut(t)
	b := st.dial(t, "/v1/ws")
	b.hear()
	for i := range 31 {
		b.say(fmt.Sprintf(`{"op":"subscribe","topic":"room/%d"}`, i+1))
	}
	b.expect(`{"op":"error","topic":"room/31","code":"too_many_subscriptions","message":"too many subscriptions on one socket","retryable":false}`)
	apitest.WaitFor(t, "the first subscribes", func() bool { return st.feed.most() == concurrentSubscribes })
	open()
	answered := map[string]bool{}
	for range 30 {
		answered[b.hear()] = true
	}
	if len(answered) != 30 {
		t.Errorf("%d different answers, want 30", len(answered))
	}
	if most := st.feed.most(); most != concurrentSubscribes {
		t.Errorf("%d subscribes under way together, want %d", most, concurrentSubscribes)
	}
}

func TestNativeHeartbeats(t *testing.T) {
	st := openFakeFeedServer(t, Options{Limits: Limits{PingInterval: 64 * time.Millisecond}})
	st.beat(t)
	b := st.dial(t, "/v1/ws")
	pinged := make(chan struct{}, 100)
	b.SetPingHandler(func(string) error { pinged <- struct{}{}; return nil })
	b.expect(strings.Replace(welcome, "25000", "64", 1), `{"op":"heartbeat","cursor":"node"}`)
	b.say(`{"op":"subscribe","topic":"room/5"}`)
	for b.hear() != `{"op":"subscribed","topic":"room/5","cursor":"here"}` {
		continue // heartbeats
	}
	sub := st.feed.next(t)
	sub.mu.Lock()
	sub.settled = false
	sub.mu.Unlock()
	for b.hear() != `{"op":"heartbeat"}` {
		continue // those of before
	}
	select {
	case <-pinged:
	default:
		t.Error("heartbeats came without pings")
	}
}

func TestNativeMalformedFrames(t *testing.T) {
	st := openFakeFeedServer(t, Options{Limits: Limits{FramesPerSecond: 1000}})
	b := st.native(t, "/v1/ws")
	const malformed = `{"op":"error","code":"bad_request","message":"frames are JSON objects such as {\"op\":\"ping\"}","retryable":false}`
	for _, text := range []string{
		``, `{`, `"op"`, `[]`, `[{"op":"ping"}]`, `{"op":1}`, `{"op":"ping"}{}`, "\x00", `{"op":"subscribe","topic":["room/5"]}`,
		strings.Repeat(`[`, 60_000), `{"op":"ping","x":` + strings.Repeat(`{"x":`, 12_000) + `}`,
	} {
		b.say(text)
		b.expect(malformed)
	}
	if err := b.WriteMessage(websocket.BinaryMessage, []byte(`{"op":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	b.expect(`{"op":"error","code":"bad_request","message":"frames are text","retryable":false}`)
	b.say(`{"op":"subscribe","topic":"` + strings.Repeat("x", 5_000) + `"}`)
	b.expect(`{"op":"error","code":"bad_request","message":"a topic is 1 to 200 bytes of A-Z a-z 0-9 _ : . - ~ ! ' ( ) * in parts between single slashes; other bytes of UTF-8 are written as %20","retryable":false}`)
}

func TestNativeHandshakes(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	t.Run("no common subprotocol", func(t *testing.T) {
		b := st.dial(t, "/v1/ws", "Sec-WebSocket-Protocol", "graphql-ws")
		if got := b.Subprotocol(); got != "graphql-ws" {
			t.Errorf("subprotocol %q: a browser hides the close code where none is chosen", got)
		}
		b.expectClose(4406)
	})
	t.Run("bad credentials", func(t *testing.T) {
		st.dial(t, "/v1/ws", "Authorization", "Bearer x").expectClose(4401)
	})
	t.Run("bad credentials in a subprotocol, which is not echoed", func(t *testing.T) {
		b := st.dial(t, "/v1/ws", "Sec-WebSocket-Protocol", "rowcall.v1, rowcall.bearer.eA")
		if got := b.Subprotocol(); got != "rowcall.v1" {
			t.Errorf("subprotocol %q", got)
		}
		b.expectClose(4401)
	})
	t.Run("another site's page", func(t *testing.T) {
		_, answer, _ := st.tryDial("/v1/ws", "Origin", "https://evil.example")
		if answer == nil || answer.StatusCode != 403 {
			t.Errorf("answered %v, want 403", answer)
		}
	})
	t.Run("with a slash", func(t *testing.T) { st.dial(t, "/v1/ws/").expect(welcome) })
	t.Run("the database is away", func(t *testing.T) {
		st.feed.set(func(f *fakeFeed) { f.health.Err = problem.ErrUnavailable })
		st.dial(t, "/v1/ws").expectClose(1013)
	})
}

// flood gives a subscription events without end.
func (s *fakeSubscription) flood(e *notifier.Event) {
	s.mu.Lock()
	s.endless, s.settled = e, false
	s.mu.Unlock()
	s.request.Wake()
}

// TestNativeSignsOfLifePassAQueueThatIsNeverEmpty has a topic with more events than can be sent.
// Pongs and heartbeats are still sent, without the cursor that they have otherwise.
func TestNativeSignsOfLifePassAQueueThatIsNeverEmpty(t *testing.T) {
	st := openFakeFeedServer(t, Options{Limits: Limits{PingInterval: 640 * time.Millisecond}})
	st.beat(t)
	b := st.dial(t, "/v1/ws")
	b.say(`{"op":"subscribe","topic":"room/5"}`)
	sub := st.feed.next(t)
	sub.flood(chatMessage(1))
	b.say(`{"op":"ping"}`)
	for _, want := range []string{`{"op":"pong"}`, `{"op":"heartbeat"}`, `{"op":"heartbeat"}`} {
		passed := time.After(patience)
		for heard := ""; heard != want; heard = b.hear() {
			select {
			case <-passed:
				t.Fatalf("no %s among the events", want)
			default:
			}
			if strings.HasPrefix(heard, `{"op":"pong","cursor"`) {
				t.Fatalf("heard %s while events were waiting", heard)
			}
		}
	}
}

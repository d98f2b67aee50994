package api

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

const messageText = `{"op":"event","topic":"room/5","id":"42","type":"chat_message_created","data":{"id":"42","message":"Hello world!","room_id":5,"sender_id":1},"time":"2026-11-20T12:00:00.5Z"}`

func TestStreamIsLiveAfterItsFirstBlock(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	l := listen(t, st.http.URL, topics("room/005 dams"))
	if h := l.live(); h.id != "here" {
		t.Errorf("first block %+v", h)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff",
	} {
		if got := l.answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	sub := st.feed.next(t)
	if got := sub.request.Topics; len(got) != 2 || got[0] != "room/5" || got[1] != "dams" {
		t.Errorf("topics %v", got)
	}
	st.feed.publish(chatMessage(42))
	if got := l.event(); got != messageText {
		t.Errorf("heard %s\nwant  %s", got, messageText)
	}
	l.leave()
	st.quiet(t)
	if !sub.isClosed() {
		t.Error("the subscription is still open")
	}
}

func TestStreamTextIsTheNativeFrame(t *testing.T) {
	for _, followed := range []topic.Topic{"dams", "dams/3"} {
		e := event(9, "dams/3", "dam.update", `{"name" : "<b>"}`)
		text := newEventTexts([]topic.Topic{followed}).encode(e)
		if native := payload(t, encodeEventFrame(e, followed)); string(text) != native {
			t.Errorf("%s is not %s", text, native)
		}
	}
	e := event(9, "dams/3", "dam.update", `{}`)
	if got := string(newEventTexts([]topic.Topic{"dams", "room/5", "dams/3"}).encode(e)); strings.Contains(got, "followed") {
		t.Errorf("%s, though its own topic is followed", got)
	}
	if got := string(newEventTexts([]topic.Topic{"room/5", "dams"}).encode(e)); !strings.Contains(got, `"followed":"dams"`) {
		t.Errorf("%s does not say what is followed", got)
	}
}

func TestStreamResumes(t *testing.T) {
	tests := []struct {
		name   string
		values url.Values
		header []string
		want   string
	}{
		{"since", topics("room/5", "since", "c1"), nil, "c1"},
		{"Last-Event-ID", topics("room/5"), []string{"Last-Event-ID", "c2"}, "c2"},
		{"Last-Event-ID wins", topics("room/5", "since", "c1"), []string{"Last-Event-ID", "c2"}, "c2"},
		{"an empty one does not", topics("room/5", "since", "c1"), []string{"Last-Event-ID", ""}, "c1"},
		{"an empty one alone is no cursor of ours", topics("room/5"), []string{"Last-Event-ID", ""}, notACursor},
		{"an empty since is no cursor of ours", topics("room/5", "since", ""), nil, notACursor},
		{"neither", topics("room/5"), nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			listen(t, st.http.URL, tt.values, tt.header...).live()
			if got := st.feed.next(t).request.Since; got != tt.want {
				t.Errorf("since %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStreamResets(t *testing.T) {
	reset := `{"op":"reset","topics":["room/5","dams"],"reason":"expired","cursor":"c9"}`
	t.Run("at the start, in one block", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		st.feed.set(func(f *fakeFeed) { f.start = notifier.Start{Cursor: "c9", Reason: notifier.ResetExpired} })
		h := listen(t, st.http.URL, topics("room/5 dams", "since", "c1")).block()
		if h.event != "reset" || h.data != reset || h.id != "c9" || h.retry == 0 {
			t.Errorf("heard %+v", h)
		}
	})
	t.Run("later, in its place", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		l := listen(t, st.http.URL, topics("room/5 dams"))
		l.live()
		sub := st.feed.next(t)
		sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(1)}})
		sub.push(notifier.Taken{Reset: &notifier.Reset{Reason: notifier.ResetExpired, Cursor: "c9", Topics: []topic.Topic{"room/5", "dams"}}})
		sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(2)}})
		if got := l.event(); !strings.Contains(got, `"id":"1"`) {
			t.Errorf("heard %s", got)
		}
		if h := l.block(); h.event != "reset" || h.data != reset || h.id != "c9" {
			t.Errorf("heard %+v", h)
		}
		if got := l.event(); !strings.Contains(got, `"id":"2"`) || l.last != "c9" {
			t.Errorf("heard %s, last id %s", got, l.last)
		}
	})
}

// TestStreamIsRefused checks the error statuses, which make EventSource give up for good: they are
// only for errors that a reconnect cannot mend.
func TestStreamIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		values url.Values
		refuse error
		header []string
		status int
		text   string
	}{
		{"anonymous", topics("room/5"), problem.ErrUnauthorized, nil, 401, `"code":"unauthorized"`},
		{"forbidden", topics("room/5"), problem.ErrForbidden, nil, 403, `"code":"forbidden"`},
		{"unknown", topics("room/5"), problem.ErrNotFound, nil, 404, `"code":"not_found"`},
		{"no topic", url.Values{}, nil, nil, 400, `"detail":"topic: name one or several"`},
		{"no topic that could be", topics("room/5 a//b"), nil, nil, 400, `"detail":"topic: a topic is 1 to 200 bytes`},
		{"two cursors", url.Values{"topic": {"dams"}, "since": {"a", "b"}}, nil, nil, 400, `"detail":"since: it stands there more than once"`},
		{"bad credentials", topics("dams"), nil, []string{"Authorization", "Bearer x"}, 401, `"code":"unauthorized"`},
		{"another site's page", topics("dams"), nil, []string{"Origin", "https://evil.example"}, 403, `"code":"origin_not_allowed"`},
		{"a token in the address", topics("dams", "token", "x"), nil, nil, 400, `"code":"token_in_url"`},
		{"too many topics", url.Values{"topic": manyTopics(101)}, nil, nil, 400, `"detail":"topic: at most 100"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			st.feed.set(func(f *fakeFeed) { f.refuse = tt.refuse })
			l := listen(t, st.http.URL, tt.values, tt.header...)
			text, _ := l.lines.ReadString(0)
			if l.answer.StatusCode != tt.status || !strings.Contains(text, tt.text) ||
				l.answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answered %d %s", l.answer.StatusCode, text)
			}
		})
	}
}

func manyTopics(n int) []string {
	var names []string
	for i := range n {
		names = append(names, "room/"+string(rune('A'+i%26))+strings.Repeat("x", i/26))
	}
	return names
}

// TestStreamAsksToComeBack checks temporary errors: the answer is 200 with retry, because
// EventSource does not reconnect after another status.
func TestStreamAsksToComeBack(t *testing.T) {
	comesBackAfter := func(t *testing.T, l *streamClient, h receivedFrame) {
		t.Helper()
		if l.answer.StatusCode != 200 || h.retry < 1000 || h.hasID || h.hasData {
			t.Errorf("answered %d %+v", l.answer.StatusCode, h)
		}
		l.ends()
	}
	comesBack := func(t *testing.T, l *streamClient) {
		t.Helper()
		comesBackAfter(t, l, l.block())
	}
	t.Run("too many handshakes", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		*st.door = *doortest.Open(t, door.Options{HandshakesPerSecond: 1})
		apitest.WaitFor(t, "the second handshake of a second", func() bool {
			l := listen(t, st.http.URL, topics("dams"))
			first := l.block()
			if first.hasID {
				return false // live: the one handshake of this second
			}
			comesBackAfter(t, l, first)
			return true
		})
	})
	t.Run("too many streams", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		*st.door = *doortest.Open(t, door.Options{Sockets: 1})
		listen(t, st.http.URL, topics("dams")).live()
		comesBack(t, listen(t, st.http.URL, topics("dams")))
	})
	t.Run("a defect", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		st.feed.set(func(f *fakeFeed) { f.refuse = http.ErrAbortHandler })
		comesBack(t, listen(t, st.http.URL, topics("dams")))
	})
	t.Run("the node stops", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		st.registry.shutDown(t.Context())
		comesBack(t, listen(t, st.http.URL, topics("dams")))
	})
}

func TestStreamWaitsForTheDatabase(t *testing.T) {
	for name, away := range map[string]func(*fakeFeed){
		"health says so":    func(f *fakeFeed) { f.health.Err = problem.ErrUnavailable },
		"subscribe says so": func(f *fakeFeed) { f.refuse = problem.ErrUnavailable },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := openFakeFeedServer(t, Options{})
			st.feed.set(away)
			l := listen(t, st.http.URL, topics("dams", "since", "c1"))
			if h := l.block(); l.answer.StatusCode != 200 || h.retry == 0 || h.hasID {
				t.Fatalf("answered %d %+v", l.answer.StatusCode, h)
			}
			st.feed.set(func(f *fakeFeed) { f.health.Err, f.refuse = nil, nil })
			if h := l.live(); h.id != "here" {
				t.Errorf("live with %+v", h)
			}
			if got := st.feed.next(t).request.Since; got != "c1" {
				t.Errorf("since %q", got)
			}
		})
	}
}

func TestStreamThatWaitsIsRefusedByItsEnd(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) { f.health.Err = problem.ErrUnavailable })
	l := listen(t, st.http.URL, topics("room/5"))
	l.block()
	st.feed.set(func(f *fakeFeed) { f.health.Err, f.refuse = nil, problem.ErrForbidden })
	l.ends()
}

func TestStreamEnds(t *testing.T) {
	for name, end := range map[string]error{
		"rights lost": problem.ErrForbidden, "login lost": problem.ErrUnauthorized, "topic gone": problem.ErrNotFound, "too slow": notifier.ErrSlow,
	} {
		t.Run(name, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			l := listen(t, st.http.URL, topics("room/5"))
			l.live()
			sub := st.feed.next(t)
			sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
			sub.end(end)
			if got := l.event(); got != messageText {
				t.Errorf("heard %s", got)
			}
			l.ends()
		})
	}
	t.Run("the identity lapses", func(t *testing.T) {
		st := openFakeFeedServer(t, Options{})
		ctx, leave := st.vigil.contextFor(t.Context(), identity.Identity{User: "7", Login: "abc"})
		defer leave()
		st.vigil.endLogin("abc")
		<-ctx.Done()
		if err := requestEnd(ctx); err != problem.ErrUnauthorized {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestStreamBeats(t *testing.T) {
	st := openFakeFeedServer(t, Options{Limits: Limits{PingInterval: 50 * time.Millisecond}})
	l := listen(t, st.http.URL, topics("room/5"))
	l.live()
	if h := l.block(); h != (receivedFrame{id: "node", hasID: true}) {
		t.Errorf("heard %+v", h)
	}
	sub := st.feed.next(t)
	sub.mu.Lock()
	sub.settled = false
	sub.mu.Unlock()
	line := ""
	for line != ":\n" { // after those of before
		line, _ = l.lines.ReadString('\n')
	}
	st.feed.set(func(f *fakeFeed) { f.cursor = "" })
	sub.mu.Lock()
	sub.settled = true
	sub.mu.Unlock()
	for range 4 {
		if line, _ = l.lines.ReadString('\n'); strings.HasPrefix(line, "id:") {
			t.Errorf("heard %q, though the node stands nowhere", line)
		}
	}
}

func TestStreamBeatsAtLeastEvery15Seconds(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{0: 15 * time.Second, time.Hour: 15 * time.Second, time.Second: time.Second} {
		st := openFakeFeedServer(t, Options{Limits: Limits{PingInterval: interval}})
		if got := newStream(httptest.NewRecorder(), st.handlers.streams).signInterval; got != want {
			t.Errorf("with pings every %v it beats every %v, want %v", interval, got, want)
		}
	}
}

func TestStreamSaysGoodbye(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	stop := st.startServing(t)
	l := listen(t, "http://"+st.addr, topics("room/5"))
	l.live()
	quickly(t, "the goodbye", func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
		l.ends()
	})
}

func TestStreamOutlivesTheServersDeadlines(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Limits: Limits{PingInterval: 20 * time.Millisecond}})
	server := httptest.NewUnstartedServer(st.Handler())
	server.Config.ReadTimeout, server.Config.WriteTimeout = brisk, brisk
	server.Start()
	defer server.Close()
	l := listen(t, server.URL, topics("room/5"))
	l.live()
	for began := time.Now(); time.Since(began) < 2*brisk; {
		l.block()
	}
	l.leave()
	if status, body := fetch(t, server.URL+"/v1/events?topic=dams&wait=1"); status != 200 {
		t.Errorf("a request that waits: %d %s", status, body)
	}
}

// TestStreamOverHTTP2 sends signs of life for longer than a write timeout, which ends idle HTTP/2
// streams.
func TestStreamOverHTTP2(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Limits: Limits{PingInterval: brisk + brisk/4, WriteTimeout: brisk}})
	server := httptest.NewUnstartedServer(st.Handler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/v1/sse?topic=room/5", nil)
	answer, err := server.Client().Do(r)
	if err != nil || answer.ProtoMajor != 2 {
		t.Fatal(answer, err)
	}
	defer answer.Body.Close()
	l := &streamClient{t: t, answer: answer, lines: bufio.NewReader(answer.Body)}
	l.live()
	for range 2 {
		l.block()
	}
	st.feed.publish(chatMessage(42))
	if got := l.event(); got != messageText {
		t.Errorf("heard %s", got)
	}
}

// TestStreamOfASlowReaderEnds has a client that reads nothing while events of 10 kB are queued.
func TestStreamOfASlowReaderEnds(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Limits: Limits{WriteTimeout: brisk}})
	l := listen(t, st.http.URL, topics("room/5"))
	l.live()
	sub := st.feed.next(t)
	big := event(1, "room/5", "chat_message_created", `{"id":"`+strings.Repeat("x", 10_000)+`"}`)
	for range 3000 {
		sub.push(notifier.Taken{Events: []*notifier.Event{big}})
	}
	st.quiet(t)
	if !sub.isClosed() {
		t.Error("the subscription is still open")
	}
}

// FuzzStreamBlocks looks for an event that becomes more or less than one event of a stream.
func FuzzStreamBlocks(f *testing.F) {
	f.Add("room/5", "chat_message_created", `{"message":"a\nb"}`)
	f.Add("a\nid: forged\n\n", "b\r\revent: reset", "{\n\n\"x\"\r\n:\n1}")
	f.Add("\x00", "\u2028", "\"\u2029\u0085\"")
	f.Fuzz(func(t *testing.T, filed, kind, data string) {
		e := event(7, topic.Topic(filed), kind, data)
		block := string(newEventTexts([]topic.Topic{"a", topic.Topic(filed)}).eventFrame(e))
		l := &streamClient{t: t, lines: bufio.NewReader(strings.NewReader(block + ":\n\n"))}
		h, err := l.next()
		if err != nil || h.event != "" || h.hasID || h.retry != 0 || strings.ContainsAny(h.data, "\r\n") || !json.Valid([]byte(h.data)) {
			t.Fatalf("%q became %+v, %v", block, h, err)
		}
		if h, err := l.next(); err == nil {
			t.Fatalf("%q has another block: %+v", block, h)
		}
	})
}

package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// fetch sends a GET request and returns the status and the body.
func fetch(t testing.TB, address string, header ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	return answer.StatusCode, string(text)
}

func (st *fakeFeedServer) events(t testing.TB, values url.Values) (status int, body string) {
	t.Helper()
	return fetch(t, st.http.URL+"/v1/events?"+values.Encode())
}

func TestReplayRefusesParameters(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	for query, want := range map[string]string{
		"":                                 "topic: name one or several",
		"topic=":                           "topic: a topic is 1 to 200 bytes",
		"topic=a/../b":                     "topic: a topic is 1 to 200 bytes",
		"topic=room/5%00":                  "topic: a topic is 1 to 200 bytes",
		"topic=dams&limit=0":               "limit: it is a whole number from 1 to 1000",
		"topic=dams&limit=1001":            "limit: it is a whole number from 1 to 1000",
		"topic=dams&limit=":                "limit: it is a whole number from 1 to 1000",
		"topic=dams&limit=ten":             "limit: it is a whole number from 1 to 1000",
		"topic=dams&limit=-1":              "limit: it is a whole number from 1 to 1000",
		"topic=dams&limit=5.0":             "limit: it is a whole number from 1 to 1000",
		"topic=dams&limit=4294967297":      "limit: it is a whole number from 1 to 1000",
		"topic=dams&limit=5&limit=6":       "limit: it stands there more than once",
		"topic=dams&wait=31":               "wait: it is a whole number from 0 to 30",
		"topic=dams&wait=1s":               "wait: it is a whole number from 0 to 30",
		"topic=dams&since=a&since=b":       "since: it stands there more than once",
		"topic=dams&wait=%zz":              "the query of the address cannot be read",
		"topic=dams&limit=1001&since=x%0A": "limit: it is a whole number from 1 to 1000",
	} {
		status, body := fetch(t, st.http.URL+"/v1/events?"+query)
		if status != 400 || !strings.Contains(body, `"detail":"`+want) || !strings.Contains(body, `"code":"bad_request"`) {
			t.Errorf("%q: %d %s", query, status, body)
		}
	}
}

func TestReplayRefuses(t *testing.T) {
	tests := []struct {
		err    error
		status int
		code   string
	}{
		{problem.ErrUnauthorized, 401, "unauthorized"},
		{problem.ErrForbidden, 403, "forbidden"},
		{problem.ErrNotFound, 404, "not_found"},
		{notifier.ErrBadCursor, 400, "bad_cursor"},
		{problem.ErrUnavailable, 503, "unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			st.feed.set(func(f *fakeFeed) { f.refuse = tt.err })
			status, body := st.events(t, topics("room/5", "since", "x"))
			if status != tt.status || !strings.Contains(body, `"code":"`+tt.code+`"`) {
				t.Errorf("%d %s", status, body)
			}
			if tt.status == 400 && !strings.Contains(body, `"detail":"since: `) {
				t.Errorf("%s does not name the parameter", body)
			}
		})
	}
}

func TestReplayOfAUselessCursor(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) { f.start = notifier.Start{Cursor: "c9", Reason: notifier.ResetOverflow} })
	status, body := st.events(t, topics("room/5", "since", "c1"))
	want := `{"type":"about:blank","title":"Gone","status":410,"detail":"the cursor is of no use any more","code":"cursor_expired","reason":"overflow","cursor":"c9"}`
	if status != 410 || strings.TrimSpace(body) != want {
		t.Errorf("%d %s\nwant %s", status, body, want)
	}
}

func TestReplayAnswers(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	status, body := st.events(t, topics("room/5"))
	if want := `{"events":[],"cursor":"node","more":false}`; status != 200 || body != want {
		t.Errorf("%d %s, want %s", status, body, want)
	}
	st.feed.set(func(f *fakeFeed) { f.cursor = "" })
	if _, body := st.events(t, topics("room/5")); body != `{"events":[],"cursor":"here","more":false}` {
		t.Errorf("%s, while the node stands nowhere", body)
	}
}

// whileWaiting starts a request that waits, calls do, and returns the answer.
func whileWaiting(t *testing.T, st *fakeFeedServer, do func(*fakeSubscription)) (status int, body string) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		status, body = st.events(t, topics("room/5", "since", "c1", "wait", "30"))
	}()
	sub := st.feed.next(t)
	quickly(t, "the answer", func() {
		do(sub)
		<-done
	})
	if !sub.isClosed() {
		t.Error("the subscription is still open")
	}
	return status, body
}

func TestReplayWaits(t *testing.T) {
	recovered := func(f *fakeFeed) { f.start = notifier.Start{Cursor: "c1", Recovered: true} }
	tests := []struct {
		name   string
		do     func(*fakeFeedServer, *fakeSubscription)
		status int
		want   string
	}{
		{"an event", func(_ *fakeFeedServer, s *fakeSubscription) {
			s.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
		}, 200, `{"events":[` + messageText + `],"cursor":"node","more":false}`},
		{"nothing new", func(st *fakeFeedServer, s *fakeSubscription) {
			s.request.Wake()
			s.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
		}, 200, `{"events":[` + messageText + `],"cursor":"node","more":false}`},
		{"rights lost", func(_ *fakeFeedServer, s *fakeSubscription) { s.end(problem.ErrForbidden) }, 403, `"code":"forbidden"`},
		{"login lost", func(_ *fakeFeedServer, s *fakeSubscription) { s.end(problem.ErrUnauthorized) }, 401, `"code":"unauthorized"`},
		{"a reset", func(_ *fakeFeedServer, s *fakeSubscription) {
			s.push(notifier.Taken{Reset: &notifier.Reset{Reason: notifier.ResetEpoch, Cursor: "c9"}})
		}, 410, `"reason":"epoch","cursor":"c9"}`},
		{"the node stops", func(st *fakeFeedServer, _ *fakeSubscription) { st.registry.shutDown(t.Context()) }, 200,
			`{"events":[],"cursor":"node","more":false}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := openFakeFeedServer(t, Options{})
			st.feed.set(recovered)
			status, body := whileWaiting(t, st, func(s *fakeSubscription) { tt.do(st, s) })
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("%d %s\nwant %s", status, body, tt.want)
			}
		})
	}
}

func TestReplayWaitsNoLongerThanAsked(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	began := time.Now()
	status, body := st.events(t, topics("room/5", "wait", "1"))
	if took := time.Since(began); status != 200 || body != `{"events":[],"cursor":"node","more":false}` || took < time.Second {
		t.Errorf("%d %s after %v", status, body, took)
	}
}

// TestReplayOfAClientThatLeaves checks that the subscription ends with the client.
func TestReplayOfAClientThatLeaves(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	l := listenTo(t, st.http.URL+"/v1/events?topic=room/5&wait=30")
	sub := st.feed.next(t)
	l()
	st.quiet(t)
	if !sub.isClosed() {
		t.Error("the subscription is still open")
	}
}

// listenTo starts a request, and returns a function that cancels it.
func listenTo(t *testing.T, address string) (leave func()) {
	t.Helper()
	transport := &http.Transport{}
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if answer, err := transport.RoundTrip(r.WithContext(ctx)); err == nil {
			answer.Body.Close()
		}
	}()
	return func() { cancel(); <-done }
}

// TestReplayEndsWhereItCanBeResumed fills a page with events of which the last have no cursor.
func TestReplayEndsWhereItCanBeResumed(t *testing.T) {
	sub := &fakeSubscription{request: notifier.Request{Wake: func() {}}}
	p := newEventsPage(newFakeFeed(), sub, eventsRequest{topics: []topic.Topic{"room/5"}, limit: 1}, "c1")
	for id := range int64(3) {
		sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(id)}})
	}
	if enough, err := p.takeWaiting(); enough || err != nil {
		t.Fatalf("a page that cannot be resumed from is enough: %v", err)
	}
	text, _ := json.Marshal(p.answer())
	if string(text) != `{"events":[],"cursor":"c1","more":false}` {
		t.Errorf("cut off it is %s", text)
	}
	sub.mu.Lock()
	sub.settled = true
	sub.mu.Unlock()
	if enough, _ := p.takeWaiting(); !enough || p.answer().Cursor != "node" || len(p.answer().Events) != 3 {
		t.Errorf("complete it is %+v", p.answer())
	}
}

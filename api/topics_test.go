package api

import (
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

func TestTopicState(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) {
		f.start = notifier.Start{Cursor: "c2", State: []byte("[{\"id\":1,\"message\":\"<b>\"}, \n {\"id\":2}]")}
	})
	for _, path := range []string{"room/5", "room/005"} {
		status, body := fetch(t, st.http.URL+"/v1/topics/"+path)
		want := `{"topic":"room/5","cursor":"c2","snapshot":[{"id":1,"message":"<b>"},{"id":2}]}`
		if status != 200 || body != want {
			t.Errorf("%s: %d %s\nwant %s", path, status, body, want)
		}
		sub := st.feed.next(t)
		if !sub.request.Snapshot || !sub.isClosed() {
			t.Errorf("asked for %+v, closed %v", sub.request, sub.isClosed())
		}
	}
}

func TestTopicsInAddressesAreNotDecoded(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) { f.start = notifier.Start{Cursor: "c2", State: []byte("[]")} })
	for _, name := range []string{"tags/caf%C3%A9%20%252F", "room%2F5", "a/(b)~!'*", "x/%2E%2E"} {
		_, body := fetch(t, st.http.URL+"/v1/topics/"+name)
		if want := `{"topic":"` + name + `","cursor":"c2","snapshot":[]}`; body != want {
			t.Errorf("in the path: got %s, want %s", body, want)
		}
		st.feed.next(t)
		_, body = fetch(t, st.http.URL+"/v1/events?"+topics(name).Encode())
		if !strings.HasPrefix(body, `{"events":[]`) || st.feed.next(t).request.Topics[0] != topic.Topic(name) {
			t.Errorf("%s as a parameter: got %s", name, body)
		}
	}
}

func TestTopicStateThatWasCut(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) {
		f.start = notifier.Start{Cursor: "c2", State: []byte(`[{"id":1}]`), Truncated: true}
	})
	_, body := fetch(t, st.http.URL+"/v1/topics/room/5")
	if want := `{"topic":"room/5","cursor":"c2","snapshot":[{"id":1}],"truncated":true}`; body != want {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestTopicStateRefuses(t *testing.T) {
	tests := []struct {
		path   string
		err    error
		status int
		text   string
	}{
		{"room/5", problem.ErrUnauthorized, 401, `"code":"unauthorized"`},
		{"room/5", problem.ErrForbidden, 403, `"code":"forbidden"`},
		{"room/5", problem.ErrNotFound, 404, `"code":"not_found"`},
		{"room/5", notifier.ErrNoSnapshot, 400, `"detail":"the topic has no snapshot"`},
		{"room/5", problem.ErrUnavailable, 503, `"retry_after":2`},
		{"", nil, 400, `"detail":"topic: `},
		{"a%00", nil, 400, `"detail":"topic: `},
		{"room%2f5", nil, 400, `"detail":"topic: `},
		{"room%35", nil, 400, `"detail":"topic: `},
		{"a+b", nil, 400, `"detail":"topic: `},
		{"a%FF", nil, 400, `"detail":"topic: `},
		{strings.Repeat("x", 201), nil, 400, `"detail":"topic: `},
	}
	for _, tt := range tests {
		st := openFakeFeedServer(t, Options{})
		st.feed.set(func(f *fakeFeed) { f.refuse = tt.err })
		status, body := fetch(t, st.http.URL+"/v1/topics/"+tt.path)
		if status != tt.status || !strings.Contains(body, tt.text) {
			t.Errorf("%s: %d %s", tt.path, status, body)
		}
	}
}

func TestTopicStateIsReadOnly(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	for _, address := range []string{"/v1/topics/room/5", "/v1/events?topic=room/5", "/v1/sse?topic=room/5"} {
		answer := apitest.Answer(st.Handler(), apitest.Request("DELETE", "http://127.0.0.1"+address))
		if answer.StatusCode != 405 || answer.Header.Get("Allow") != "GET" {
			t.Errorf("%s: %d, allowed %s", address, answer.StatusCode, answer.Header.Get("Allow"))
		}
	}
}

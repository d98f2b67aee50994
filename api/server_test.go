package api

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/notifier"
)

// startServing runs Serve on a port of its own. stop ends Serve and waits for it.
func (st *fakeFeedServer) startServing(t testing.TB) (stop func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	st.addr = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- st.Serve(ctx, listener) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-served
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func (st *fakeFeedServer) dialServed(t testing.TB, path string) *socketClient {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+st.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return &socketClient{ws, t}
}

func TestServeSaysGoodbye(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	stop := st.startServing(t)
	native, plain := st.dialServed(t, "/v1/ws"), st.dialServed(t, "/ws/room/5")
	native.expect(welcome)
	sub := st.feed.next(t)
	sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
	plain.expect(`{"type":"chat_message_created","kwargs":{"id":"42","message":"Hello world!"}}`)
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	native.expectClose(1001)
	plain.expectClose(1001)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if !sub.isClosed() {
		t.Error("the subscription is still open")
	}
	if _, err := net.Dial("tcp", st.addr); err == nil {
		t.Error("somebody is still let in")
	}
}

func TestServeCutsOffWhoDoesNotSayGoodbye(t *testing.T) {
	st := openFakeFeedServer(t, Options{Shutdown: 100 * time.Millisecond, Limits: Limits{WriteTimeout: time.Hour}})
	stop := st.startServing(t)
	raw, err := net.Dial("tcp", st.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	handshake(t, raw, "/ws/room/5")
	sub := st.feed.next(t)
	big := event(1, "room/5", "chat_message_created", `{"id":"`+strings.Repeat("x", 10_000)+`"}`)
	for range 10_000 {
		sub.push(notifier.Taken{Events: []*notifier.Event{big}})
	}
	quickly(t, "to stop", func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestServeFails(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := st.Serve(t.Context(), listener); err == nil {
		t.Error("it serves on a closed listener")
	}
}

func TestRoutes(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	health := NewHealth(HealthOptions{Feed: func() notifier.Health { return notifier.Health{} }})
	st := openFakeFeedServer(t, Options{Pages: pages, Health: health})
	tests := []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/", http.StatusTeapot, ""},
		{"GET", "/rooms/5?x=1", http.StatusTeapot, ""},
		{"GET", "/healthz", http.StatusOK, ""},
		{"GET", "/readyz", http.StatusServiceUnavailable, ""},
		{"DELETE", "/healthz", http.StatusMethodNotAllowed, "method_not_allowed"},
		{"GET", "/api/login", http.StatusMethodNotAllowed, "method_not_allowed"},
		{"GET", "/api/nothing", http.StatusNotFound, "not_found"},
		{"GET", "/v1/nothing", http.StatusNotFound, "not_found"},
		{"GET", "/v1/ws", http.StatusBadRequest, "bad_request"},
		{"GET", "/ws/job-status", http.StatusBadRequest, "bad_request"},
	}
	for _, tt := range tests {
		r, _ := http.NewRequest(tt.method, st.http.URL+tt.path, nil)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != tt.status || !strings.Contains(string(text), tt.code) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, answer.StatusCode, text)
		}
	}
}

func TestHandshakeWhileStopping(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.registry.shutDown(t.Context())
	_, answer, err := st.tryDial("/ws/room/5")
	if err == nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("answered %v", answer)
	}
}

// TestHandshakeThatIsAnsweredWhileStopping stops the node between the admission of a handshake and
// its answer.
func TestHandshakeThatIsAnsweredWhileStopping(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	open := st.feed.shut(t)
	opened := make(chan *socketClient, 1)
	go func() {
		if ws, _, err := st.tryDial("/ws/room/5"); err == nil {
			opened <- &socketClient{ws, t}
		}
		close(opened)
	}()
	apitest.WaitFor(t, "the subscribe", func() bool { return st.feed.most() == 1 })
	closed := make(chan struct{})
	go func() { st.registry.shutDown(context.Background()); close(closed) }()
	apitest.WaitFor(t, "the goodbyes", func() bool {
		leave, err := st.registry.enterRequest()
		if err == nil {
			leave()
		}
		return err != nil
	})
	open()
	b := <-opened
	if b == nil {
		t.Fatal("the handshake failed")
	}
	defer b.Close()
	b.expectClose(1001)
	<-closed
}

func TestOneGoroutinePerIdleSocket(t *testing.T) {
	const sockets = 100
	st := openFakeFeedServer(t, Options{})
	before := runtime.NumGoroutine()
	for i := range sockets {
		path := "/v1/ws"
		if i%2 == 0 {
			path = "/ws/room/5"
		}
		st.rawDial(t, path)
	}
	apitest.WaitFor(t, "one goroutine per socket", func() bool { return runtime.NumGoroutine()-before <= sockets })
}

// TestFramesGoOutTogether counts the writes that a burst of events needs.
func TestFramesGoOutTogether(t *testing.T) {
	var events []*notifier.Event
	for i := range 200 {
		events = append(events, chatMessage(int64(i)))
	}
	st := openFakeFeedServer(t, Options{})
	s := st.unconnected()
	counter := &countingConn{}
	s.conn = &queueConn{Conn: counter, wake: s.wake}
	sub := &fakeSubscription{waiting: []notifier.Taken{{Events: events[:100]}, {Events: events[100:]}}}
	s.flow = &plainFlow{session: s, socket: st.handlers.table.plain[0], sub: sub, encode: st.handlers.table.plain[0].encodeEvent}
	s.sendHeartbeat()
	s.startWriter()
	s.stopWriter()
	if counter.writes != 1 {
		t.Errorf("%d writes for 200 events and a ping", counter.writes)
	}
}

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes int
}

func (c *countingConn) Write(p []byte) (int, error)      { c.writes++; return len(p), nil }
func (c *countingConn) SetWriteDeadline(time.Time) error { return nil }

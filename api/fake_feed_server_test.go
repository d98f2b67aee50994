package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/access"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/testdeadline"
)

// patience is how long a test waits before it reports that something hangs.
var patience = testdeadline.Hang()

// seedSockets are the sockets of the seeds, as the example configuration has them.
func seedSockets() []rules.Socket {
	return []rules.Socket{
		{
			Path: "/ws/room/{room_id:int}", Topic: "room/{room_id}", Frame: "kwargs",
			Forward: []rules.Forward{
				{Type: "chat_message_created", Fields: []string{"id", "message"}},
				{Type: "did_alter_join_request", Fields: []string{"id", "action", "requesting_user"}},
			},
		},
		{
			Path: "/ws/user/{user_id:int}", Topic: "user/{user_id}", Frame: "kwargs",
			Forward: []rules.Forward{{Type: "did_alter_join_request", Fields: []string{"id", "action", "requesting_user"}}},
		},
		{
			Path: "/ws/job-status/", Topic: "jobs/{me}", Frame: "data", Anonymous: "refuse",
			Forward: []rules.Forward{{Type: "job_posting.saved", Fields: []string{"id", "state"}}},
		},
		{
			Path: "/dam-inventory/dams/notifications/ws/", Topic: "dams", Frame: map[string]any{"message": "New Dam"},
			Forward: []rules.Forward{{Type: "dam.create"}},
		},
	}
}

// wholeIDs are accounts whose user ids are whole numbers and whose logins all hold.
type wholeIDs struct{ access.Users }

func (wholeIDs) UserKind() topic.Kind { return topic.KindInt }

func (wholeIDs) AnyoneCanLogIn() bool { return true }

func (wholeIDs) Current(_ context.Context, followers []notifier.Follower) ([]identity.Standing, error) {
	return slices.Repeat([]identity.Standing{{Valid: true}}, len(followers)), nil
}

// seedTopicRules returns rules without SQL for the topics of the seeds.
func seedTopicRules(t testing.TB) *access.Rules {
	t.Helper()
	var sources []rules.Topic
	for _, text := range []string{"room/{room_id:int}", "user/{user_id:int}", "jobs/{user_id:int}", "dams", "dams/{dam_id:int}"} {
		sources = append(sources, rules.Topic{Topic: text, Allow: rules.AllowPublic})
	}
	compiled, err := access.Compile(t.Context(), nil, wholeIDs{}, sources)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// fakeFeedServer is a server with a fake feed. Its followers are anonymous, except at the path
// /as/7, which is a native socket of user 7.
type fakeFeedServer struct {
	*Server
	feed     *fakeFeed
	topics   *access.Rules
	accounts *identity.Accounts
	door     *door.Door
	metrics  *Metrics
	sockets  *socketServer
	http     *httptest.Server
	addr     string // while Serve runs too
}

func openFakeFeedServer(t testing.TB, o Options) *fakeFeedServer {
	t.Helper()
	entry := doortest.Open(t, door.Options{SocketsPerAddress: 100_000, HandshakesPerSecond: 100_000, RequestsPerSecond: 100_000})
	o.Sockets, o.Logger = seedSockets(), slog.New(slog.DiscardHandler)
	accounts, err := identity.New(t.Context(), nil, entry, identity.Options{Users: identity.UsersTable{Table: "-"}, Attempts: identity.AttemptOptions{PerAddress: 60_000}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeFeed()
	topics := seedTopicRules(t)
	server, err := newServer(f, topics, accounts, entry, o)
	if err != nil {
		t.Fatal(err)
	}
	st := &fakeFeedServer{
		Server: server, feed: f, topics: topics, accounts: accounts, door: entry,
		metrics: server.handlers.sockets.metrics, sockets: server.handlers.sockets,
	}
	st.http = httptest.NewUnstartedServer(http.HandlerFunc(st.serve))
	st.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	st.http.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		server.registry.shutDown(ctx)
		st.http.Close()
	})
	return st
}

func (st *fakeFeedServer) serve(w http.ResponseWriter, r *http.Request) {
	user, native := strings.CutPrefix(r.URL.Path, "/as/")
	if !native {
		st.Handler().ServeHTTP(w, r)
		return
	}
	leave, err := st.registry.enterRequest()
	if err != nil {
		problem.Refuse(w, r, st.log, err)
		return
	}
	in := &admission{identity: identity.Identity{User: user, Login: "abc"}, releases: []func(){leave}}
	defer in.Close()
	st.sockets.serveSession(w, r, in, st.sockets.newSession(r, in, st.handlers.table.native))
}

// unconnected returns the session of an anonymous user whose handshake has not been answered.
func (st *fakeFeedServer) unconnected() *session {
	return st.sockets.newSession(httptest.NewRequest("GET", "/", nil), &admission{}, carrying(func(*session) flow { return silentFlow{} }))
}

// carrying is a protocol whose sessions have a flow that the test makes.
type carrying func(*session) flow

func (carrying) kind() sessionKind { return sessionPlain }

func (carrying) refuses(*admission) error { return nil }

func (open carrying) open(_ *http.Request, _ *admission, s *session) (flow, error) {
	return open(s), nil
}

// socketClient is a client of a WebSocket.
type socketClient struct {
	*websocket.Conn
	t testing.TB
}

func (st *fakeFeedServer) dial(t testing.TB, path string, header ...string) *socketClient {
	t.Helper()
	ws, answer, err := st.tryDial(path, header...)
	if err != nil {
		t.Fatalf("dial %s: %v %v", path, err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	return &socketClient{ws, t}
}

func (st *fakeFeedServer) tryDial(path string, header ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(st.http.URL, "http")+path, h)
}

func (b *socketClient) say(text string) {
	b.t.Helper()
	if err := b.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		b.t.Fatalf("say %s: %v", text, err)
	}
}

// hear returns the next frame.
func (b *socketClient) hear() string {
	b.t.Helper()
	_ = b.SetReadDeadline(time.Now().Add(patience))
	_, text, err := b.ReadMessage()
	if err != nil {
		b.t.Fatalf("hear: %v", err)
	}
	return string(text)
}

func (b *socketClient) expect(want ...string) {
	b.t.Helper()
	for _, one := range want {
		if got := b.hear(); got != one {
			b.t.Fatalf("heard %s\nwant  %s", got, one)
		}
	}
}

// expectClose expects that the socket is closed with a code, and that no frame comes before.
func (b *socketClient) expectClose(code int) {
	b.t.Helper()
	_ = b.SetReadDeadline(time.Now().Add(patience))
	_, text, err := b.ReadMessage()
	if err == nil {
		b.t.Fatalf("heard %s, want close %d", text, code)
	}
	if got := closeCode(err); got != code {
		b.t.Fatalf("closed with %d (%v), want %d", got, err, code)
	}
}

func closeCode(err error) int {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return closed.Code
	}
	return websocket.CloseAbnormalClosure
}

// rawSocketClient is a client that can send what gorilla's would not.
type rawSocketClient struct {
	net.Conn
	buffered *bufio.Reader
}

func (r *rawSocketClient) Read(p []byte) (int, error) { return r.buffered.Read(p) }

// rawDial writes a handshake by hand and reads the answer.
func (st *fakeFeedServer) rawDial(t testing.TB, path string) *rawSocketClient {
	t.Helper()
	raw, err := net.Dial("tcp", st.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(patience))
	handshake(t, raw, path)
	socket := &rawSocketClient{raw, bufio.NewReader(raw)}
	answer, err := http.ReadResponse(socket.buffered, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v %v", answer, err)
	}
	if got := answer.Header["Sec-Websocket-Extensions"]; got != nil {
		t.Fatalf("extensions %q", got)
	}
	return socket
}

// handshake writes a handshake that offers compression, as browsers do.
func handshake(t testing.TB, raw net.Conn, path string) {
	t.Helper()
	_, err := io.WriteString(raw, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
}

// quiet waits until no session is left.
func (st *fakeFeedServer) quiet(t testing.TB) {
	t.Helper()
	done := make(chan struct{})
	go func() { st.registry.requests.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("a session is still there")
	}
}

// beat has the registry send heartbeats until the test ends.
func (st *fakeFeedServer) beat(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	var beating sync.WaitGroup
	beating.Go(func() { st.registry.sendHeartbeats(ctx, st.limits.PingInterval) })
	t.Cleanup(func() { cancel(); beating.Wait() })
}

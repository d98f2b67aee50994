package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/apitest"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// faultyFlow is a flow that panics in the reader or in the writer.
type faultyFlow struct {
	silentFlow
	session  *session
	inWriter bool
	said     *atomic.Bool // the client has said something
	ended    chan struct{}
}

func (f faultyFlow) receive(context.Context, int, io.Reader) error {
	f.said.Store(true)
	if f.inWriter {
		f.session.wake()
		return nil
	}
	panic("a fault of ours")
}

func (f faultyFlow) emit(*writeBatch) bool {
	if f.inWriter && f.said.Load() {
		panic("a fault of ours")
	}
	return false
}

func (f faultyFlow) release() {
	select {
	case <-f.ended: // to end twice is no mistake
	default:
		close(f.ended)
	}
}

// A panic that one client causes ends its socket and nothing else: the flow is released, its place
// is free again, and the node goes on.
func TestFaultOfOneSocket(t *testing.T) {
	for name, inWriter := range map[string]bool{"reader": false, "writer": true} {
		t.Run(name, func(t *testing.T) {
			meetFault(t, faultyFlow{inWriter: inWriter, said: new(atomic.Bool), ended: make(chan struct{})})
		})
	}
}

func meetFault(t *testing.T, faulty faultyFlow) {
	st := openFakeFeedServer(t, Options{})
	left := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, err := st.registry.enterRequest()
		if err != nil {
			t.Error(err)
			return
		}
		in := &admission{releases: []func(){func() { leave(); close(left) }}}
		defer in.Close()
		st.sockets.serveSession(w, r, in, st.sockets.newSession(r, in, carrying(func(s *session) flow {
			faulty.session = s
			return faulty
		})))
	}))
	defer server.Close()
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteMessage(websocket.TextMessage, []byte("find it")); err != nil {
		t.Fatal(err)
	}
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	if _, text, err := ws.ReadMessage(); err == nil {
		t.Fatalf("heard %s", text)
	}
	select {
	case <-left:
	case <-time.After(patience):
		t.Fatal("the place was not given back")
	}
	select {
	case <-faulty.ended:
	default:
		t.Error("what it followed was not let go")
	}
	st.quiet(t)
	st.dial(t, "/as/7").expect(`{"op":"welcome","session":"s2","heartbeat":25000,"max_subscriptions":100}`)
}

// brokenFeed is a feed whose Subscribe panics. It records its holders.
type brokenFeed struct {
	feed
	holders *notifier.Feed
	held    *[]weak.Pointer[notifier.Holder]
}

func (f brokenFeed) NewHolder(shed func()) *notifier.Holder {
	holder := f.holders.NewHolder(shed)
	*f.held = append(*f.held, weak.Make(holder))
	return holder
}

func (brokenFeed) Subscribe(context.Context, notifier.Request) (subscription, notifier.Start, error) {
	panic("a fault of ours")
}

// A panic during a handshake leaves nothing behind: the feed releases the holder of the socket.
func TestFaultOfAHandshake(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	path, err := topic.ParsePathPattern("/ws/patients/")
	if err != nil {
		t.Fatal(err)
	}
	st.handlers.table.dcrf = []*dcrfSocket{{path: path, bare: true, streams: []*servedResource{{resource: patientsResource(t)}}}}
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/nothing") // it is never asked for anything
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var held []weak.Pointer[notifier.Holder]
	st.sockets.feed = brokenFeed{st.sockets.feed, notifier.New(dbconn.To(pool.Config().ConnConfig, dbconn.Direct), dbconn.Over(pool), nil, notifier.Options{}), &held}
	for _, path := range []string{"/ws/room/5", "/ws/patients/"} {
		meetFaultAt(t, st, path)
	}
	st.quiet(t)
	if len(held) != 2 {
		t.Fatalf("%d were held", len(held))
	}
	apitest.WaitFor(t, "the feed to let them go", func() bool {
		runtime.GC()
		return held[0].Value() == nil && held[1].Value() == nil
	})
	runtime.KeepAlive(st)
}

// meetFaultAt sends a handshake to the handler, and expects a panic.
func meetFaultAt(t *testing.T, st *fakeFeedServer, path string) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: there is no fault", path)
		}
	}()
	r := httptest.NewRequest("GET", path, nil)
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		r.Header.Set(name, value)
	}
	st.Handler().ServeHTTP(httptest.NewRecorder(), r)
}

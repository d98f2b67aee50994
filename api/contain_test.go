package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// faulty is the flow of a session with a fault of ours in it.
type faulty struct{ silent }

func (faulty) receive(context.Context, int, io.Reader) error { panic("a fault of ours") }

// A fault that one client finds costs its socket and nothing else: its place is free again, and the
// node goes on.
func TestFaultOfOneSocket(t *testing.T) {
	st := openStand(t, Options{})
	left := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, err := st.registry.enter()
		if err != nil {
			t.Error(err)
			return
		}
		session := st.newSession(Identity{}, st.plainUpgrader)
		session.flow = faulty{}
		st.carry(w, r, session, &admission{release: func() { leave(); close(left) }})
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
	st.quiet(t)
	st.dial(t, "/as/7").expect(`{"op":"welcome","session":"s1","heartbeat":25000,"max_subscriptions":100}`)
}

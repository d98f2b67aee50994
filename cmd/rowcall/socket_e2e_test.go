package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// socket is a page's end of a WebSocket.
type socket struct {
	*websocket.Conn
	t testing.TB
}

// open opens one of the addresses with a format of its own.
func (p *person) open(t testing.TB, path string) *socket {
	t.Helper()
	ws, answer, err := p.handshake(path)
	if err != nil {
		t.Fatalf("open %s: %v %v", path, err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	return &socket{ws, t}
}

// native opens a native socket and takes its welcome.
func (p *person) native(t testing.TB) *socket {
	t.Helper()
	ws, answer, err := p.handshake("/v1/ws", "rowcall.v1")
	if err != nil {
		t.Fatalf("open a native socket: %v %v", err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	s := &socket{ws, t}
	s.expect(golden(t, "native-welcome"))
	return s
}

func (p *person) handshake(path string, protocols ...string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{"Origin": {strings.TrimSuffix(p.pages, "/")}}
	if p.cookie != "" {
		header.Set("Cookie", p.cookie)
	}
	dialer := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: patience}
	return dialer.Dial("ws"+strings.TrimPrefix(strings.TrimSuffix(p.pages, "/"), "http")+path, header)
}

func (s *socket) say(text string) {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.t.Fatalf("say %s: %v", text, err)
	}
}

// hear is the next frame. Heartbeats come when they will, and are of interest to one test only.
func (s *socket) hear() string {
	s.t.Helper()
	text, err := s.nextFrame()
	if err != nil {
		s.t.Fatalf("hear: %v", err)
	}
	return text
}

// nextFrame is the next frame that is no heartbeat, or how the socket ended.
func (s *socket) nextFrame() (string, error) {
	for {
		_ = s.SetReadDeadline(time.Now().Add(patience))
		_, text, err := s.ReadMessage()
		if err != nil || !strings.HasPrefix(string(text), `{"op":"heartbeat"`) {
			return string(text), err
		}
	}
}

// expect takes the next frames, which have to be these and no others, byte for byte.
func (s *socket) expect(want ...string) {
	s.t.Helper()
	for _, one := range want {
		if got := s.hear(); masked(got) != masked(one) {
			s.t.Fatalf("heard %.500s\nwant  %.500s", got, one)
		}
	}
}

// expectClose wants the socket to be closed, and no frame before that.
func (s *socket) expectClose(codes ...int) {
	s.t.Helper()
	text, err := s.nextFrame()
	if err == nil {
		s.t.Fatalf("heard %.500s, want a close %d", text, codes)
	}
	if !closedWith(err, codes...) {
		s.t.Fatalf("closed with %v, want %d", err, codes)
	}
}

func closedWith(err error, codes ...int) bool { return websocket.IsCloseError(err, codes...) }

// expectNoMore sees that no frame is on its way: a pong comes, and nothing before it. The socket is
// of no use afterwards.
func (s *socket) expectNoMore() {
	s.t.Helper()
	errPong := errors.New("pong")
	s.SetPongHandler(func(string) error { return errPong })
	if err := s.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	if text, err := s.nextFrame(); !errors.Is(err, errPong) {
		s.t.Fatalf("heard %s (%v), want nothing more", text, err)
	}
}

// golden is a frame as the folder that clients' tests read has it.
func golden(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "api", "testdata", "frames", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// masked is a frame without what differs from run to run.
func masked(frame string) string {
	changing := regexp.MustCompile(`"(cursor|time|session)":"[^"]+"`)
	return changing.ReplaceAllString(frame, `"$1":"…"`)
}

package rowcalltest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/testdeadline"
)

// SocketClient is the end of a WebSocket that a page would have.
type SocketClient struct {
	*websocket.Conn
	T testing.TB
}

// OpenSocket opens a socket that the configuration declares.
func (u *HTTPUser) OpenSocket(t testing.TB, path string) *SocketClient {
	t.Helper()
	ws, answer, err := u.Handshake(path)
	if err != nil {
		t.Fatalf("open %s: %v %v", path, err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	return &SocketClient{ws, t}
}

// OpenNative opens a native socket and takes its welcome.
func (u *HTTPUser) OpenNative(t testing.TB) *SocketClient {
	t.Helper()
	ws, answer, err := u.Handshake("/v1/ws", "rowcall.v1")
	if err != nil {
		t.Fatalf("open a native socket: %v %v", err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	s := &SocketClient{ws, t}
	s.Expect(GoldenFrame(t, "native-welcome"))
	return s
}

// Handshake tries to open a socket. The answer is nil if there was none.
func (u *HTTPUser) Handshake(path string, protocols ...string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{"Origin": {strings.TrimSuffix(u.Pages, "/")}}
	if u.Cookie != "" {
		header.Set("Cookie", u.Cookie)
	}
	dialer := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: testdeadline.Hang()}
	return dialer.Dial("ws"+strings.TrimPrefix(strings.TrimSuffix(u.Pages, "/"), "http")+path, header)
}

// Send sends a frame.
func (s *SocketClient) Send(text string) {
	s.T.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.T.Fatalf("send %s: %v", text, err)
	}
}

// Receive returns the next frame that is no heartbeat, and fails the test if the socket ends.
func (s *SocketClient) Receive() string {
	s.T.Helper()
	text, err := s.TryReceive()
	if err != nil {
		s.T.Fatalf("receive: %v", err)
	}
	return text
}

// TryReceive returns the next frame that is no heartbeat, or how the socket ended.
func (s *SocketClient) TryReceive() (string, error) {
	for {
		_ = s.SetReadDeadline(time.Now().Add(testdeadline.Hang()))
		_, text, err := s.ReadMessage()
		if err != nil || !strings.HasPrefix(string(text), `{"op":"heartbeat"`) {
			return string(text), err
		}
	}
}

// Expect takes the next frames, which must be these, byte for byte and in this order.
func (s *SocketClient) Expect(want ...string) {
	s.T.Helper()
	for _, frame := range want {
		if got := s.Receive(); MaskFrame(got) != MaskFrame(frame) {
			s.T.Fatalf("got  %.500s\nwant %.500s", got, frame)
		}
	}
}

// ExpectClose waits until the server closes the socket with one of the codes. No frame may come
// before.
func (s *SocketClient) ExpectClose(codes ...int) {
	s.T.Helper()
	text, err := s.TryReceive()
	if err == nil {
		s.T.Fatalf("got the frame %.500s, want a close with %d", text, codes)
	}
	if !ClosedWith(err, codes...) {
		s.T.Fatalf("closed with %v, want %d", err, codes)
	}
}

// ClosedWith reports whether the error of a read says that the socket was closed with one of the codes.
func ClosedWith(err error, codes ...int) bool { return websocket.IsCloseError(err, codes...) }

// ExpectNoMore checks that no frame is on its way: it sends a ping, and no frame may come before the
// pong. The socket cannot be used afterwards.
func (s *SocketClient) ExpectNoMore() {
	s.T.Helper()
	errPong := errors.New("pong")
	s.SetPongHandler(func(string) error { return errPong })
	if err := s.WriteControl(websocket.PingMessage, nil, time.Now().Add(testdeadline.Hang())); err != nil {
		s.T.Fatal(err)
	}
	if text, err := s.TryReceive(); !errors.Is(err, errPong) {
		s.T.Fatalf("got the frame %s (%v), want none", text, err)
	}
}

package e2e

import (
	"encoding/base64"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"rowcall/cmd/e2e/rowcalltest"
)

const tokenKey = "a key of HS256 for the tests of the program"

// signed returns a token as an issuer would sign it.
func signed(t *testing.T, key string, more jwt.MapClaims) string {
	t.Helper()
	said := jwt.MapClaims{"iss": "https://id.example", "aud": "rowcall", "sub": "2", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(said, more)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, said).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// offered opens a native socket that carries the token in its subprotocol, because a page cannot
// set a header.
func offered(t *testing.T, s *rowcalltest.Server, token string) *rowcalltest.SocketClient {
	t.Helper()
	encoded := "rowcall.bearer." + base64.RawURLEncoding.EncodeToString([]byte(token))
	ws, answer, err := s.Anonymous().Handshake("/v1/ws", "rowcall.v1", encoded)
	if err != nil {
		t.Fatalf("open a native socket: %v %v", err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	if got := answer.Header.Values("Sec-WebSocket-Protocol"); len(got) != 1 || got[0] != "rowcall.v1" {
		t.Errorf("answered with the subprotocols %q", got)
	}
	return &rowcalltest.SocketClient{Conn: ws, T: t}
}

// offeredBriefly opens a native socket with a token that expires in a few seconds, and returns the socket and the
// time when the token expires. If opening it takes half of that time, the next token lives longer.
func offeredBriefly(t *testing.T, s *rowcalltest.Server, claims jwt.MapClaims) (*rowcalltest.SocketClient, time.Time) {
	t.Helper()
	for life := 4 * time.Second; ; life *= 2 {
		exp := time.Now().Add(life).Truncate(time.Second)
		claims["exp"] = exp.Unix()
		b := offered(t, s, signed(t, tokenKey, claims))
		text, err := b.TryReceive()
		if time.Until(exp) < life/2 {
			continue
		}
		if err != nil || !strings.Contains(text, `"op":"welcome"`) {
			t.Fatalf("%v before the token expires, the socket brings %q, %v", time.Until(exp), text, err)
		}
		return b, exp
	}
}

// TestBearerTokens uses tokens in place of a login: the key comes from a file, and events arrive
// until the token expires.
func TestBearerTokens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(tokenKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := rowcalltest.StartServer(t, map[string]string{
		"ROWCALL_AUTH_JWT_KEY_FILE": path, "ROWCALL_AUTH_JWT_ISSUER": "https://id.example", "ROWCALL_AUTH_JWT_AUDIENCE": "rowcall",
		"ROWCALL_AUTH_JWT_LEEWAY": "0s",
	})
	good := signed(t, tokenKey, nil)
	bob := offered(t, s, good)
	bob.Expect(rowcalltest.GoldenFrame(t, "native-welcome"))
	bob.Follow("room/1")
	header := http.Header{"Authorization": {"Bearer " + good}}
	plain, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.Pages, "http")+"ws/room/1", header)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (100, 1, 1, 'by token')`)
	bob.SkipUntil(`"message":"by token"`)
	(&rowcalltest.SocketClient{Conn: plain, T: t}).Expect(`{"type":"chat_message_created","kwargs":{"id":"100","message":"by token"}}`)

	offered(t, s, signed(t, tokenKey+"!", nil)).ExpectClose(4401)
	short, _ := offeredBriefly(t, s, jwt.MapClaims{})
	short.ExpectClose(4401)
	bob.Send(`{"op":"auth","token":"` + signed(t, tokenKey, jwt.MapClaims{"sub": "1"}) + `"}`)
	bob.SkipUntil(`"code":"forbidden"`)
	s.Psql(t, `UPDATE users SET is_active = false WHERE id = 2`)
	bob.ExpectClose(4401)
}

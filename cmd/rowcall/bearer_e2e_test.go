package main

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
)

const tokenKey = "a key of HS256 for the tests of the program"

// signed is a token as an issuer makes it.
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

// offered opens a native socket as a page does that has a token: it cannot set a header.
func (s *site) offered(t *testing.T, token string) *socket {
	t.Helper()
	encoded := "rowcall.bearer." + base64.RawURLEncoding.EncodeToString([]byte(token))
	ws, answer, err := s.anonymous().handshake("/v1/ws", "rowcall.v1", encoded)
	if err != nil {
		t.Fatalf("open a native socket: %v %v", err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	if got := answer.Header.Values("Sec-WebSocket-Protocol"); len(got) != 1 || got[0] != "rowcall.v1" {
		t.Errorf("answered with the subprotocols %q", got)
	}
	return &socket{ws, t}
}

// A token in place of a login: from its key in a file to the events.
func TestBearerTokens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(tokenKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openSite(t, map[string]string{
		"ROWCALL_AUTH_JWT_KEY_FILE": path, "ROWCALL_AUTH_JWT_ISSUER": "https://id.example", "ROWCALL_AUTH_JWT_AUDIENCE": "rowcall",
		"ROWCALL_AUTH_JWT_LEEWAY": "0s",
	})
	good := signed(t, tokenKey, nil)
	bob := s.offered(t, good)
	bob.expect(golden(t, "native-welcome"))
	bob.follow("room/1")
	header := http.Header{"Authorization": {"Bearer " + good}}
	plain, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.pages, "http")+"ws/room/1", header)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	s.Psql(t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (100, 1, 1, 'by token')`)
	bob.until(`"message":"by token"`)
	(&socket{plain, t}).expect(`{"type":"chat_message_created","kwargs":{"id":"100","message":"by token"}}`)

	s.offered(t, signed(t, tokenKey+"!", nil)).expectClose(4401)
	short := s.offered(t, signed(t, tokenKey, jwt.MapClaims{"exp": time.Now().Add(4 * time.Second).Unix()}))
	short.until(`"op":"welcome"`)
	short.expectClose(4401)
	bob.say(`{"op":"auth","token":"` + signed(t, tokenKey, jwt.MapClaims{"sub": "1"}) + `"}`)
	bob.until(`"code":"forbidden"`)
	s.Psql(t, `UPDATE users SET is_active = false WHERE id = 2`)
	bob.expectClose(4401)
}

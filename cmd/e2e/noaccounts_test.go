package e2e

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

const openConfig = `
auth:
  users: {table: "-"}
topics:
  - topic: news
    allow: public
  - topic: notes/{owner}
    allow: authenticated
    access: SELECT @owner = @me OR @staff AS allowed
sockets:
  - path: /live/notes
    topic: notes/{me}
    frame: data
    forward: [{type: note, fields: [n]}]
`

// openWithoutAccounts serves a database that has no table of users.
func openWithoutAccounts(t *testing.T, settings map[string]string) *rowcalltest.Server {
	t.Helper()
	db := schematest.New(t, schematest.CoreOnly)
	file := filepath.Join(t.TempDir(), "open.yaml")
	if err := os.WriteFile(file, []byte(openConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db), "ROWCALL_CONFIG": file, "ROWCALL_HTTP_ADDR": "127.0.0.1:0"}
	maps.Copy(env, settings)
	return (&rowcalltest.Server{Database: db, Env: env}).StartAnother(t)
}

// TestNoAccounts checks that public topics are served to everybody where there are no accounts, and
// that nobody can log in.
func TestNoAccounts(t *testing.T) {
	t.Parallel()
	s := openWithoutAccounts(t, nil)
	stale := s.WithCookie("rowcall_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	reader := s.Anonymous().OpenNative(t)
	reader.Follow("news")
	if f := reader.Subscribe("notes/anna"); f.Code != "unauthorized" {
		t.Errorf("the notes of somebody: %+v", f)
	}
	s.Psql(t, `SELECT rowcall.publish('news', 'headline', '{"n": 1}')`)
	reader.SkipUntil(`"type":"headline"`)
	answer := s.Anonymous().Post(t, "api/login", `{"username":"anna","password":"secret"}`)
	if answer.StatusCode != http.StatusNotFound || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a login: %d %v", answer.StatusCode, answer.Header)
	}
	for path, want := range map[string]int{"api/me": 401, "api/session": 200, "readyz": 200} {
		if got := s.Anonymous().Status(t, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if got := stale.Status(t, "api/me"); got != http.StatusUnauthorized {
		t.Errorf("an old cookie: %d", got)
	}
	offered(t, s, signed(t, tokenKey, jwt.MapClaims{"sub": "anna"})).ExpectClose(4401) // no key, so no tokens
}

// TestTokensWithoutAccounts checks that the subject of a token is the user's id, unchanged, and
// that the token's claim decides who is staff.
func TestTokensWithoutAccounts(t *testing.T) {
	t.Parallel()
	s := openWithoutAccounts(t, map[string]string{
		"ROWCALL_AUTH_JWT_KEY": tokenKey, "ROWCALL_AUTH_JWT_ISSUER": "https://id.example", "ROWCALL_AUTH_JWT_AUDIENCE": "rowcall",
		"ROWCALL_AUTH_JWT_LEEWAY": "0s",
	})
	as := func(sub string, more ...any) *rowcalltest.SocketClient {
		said := jwt.MapClaims{"sub": sub}
		for i := 0; i < len(more); i += 2 {
			said[more[i].(string)] = more[i+1]
		}
		b := offered(t, s, signed(t, tokenKey, said))
		b.SkipUntil(`"op":"welcome"`)
		return b
	}
	anna, seven, staff := as("id:anna"), as("007"), as("boss", "staff", true)
	short, exp := offeredBriefly(t, s, jwt.MapClaims{"sub": "otto"})
	short.Follow("notes/otto")
	anna.Follow("notes/id:anna")
	seven.Follow("notes/007")
	staff.Follow("notes/id:anna")
	for _, topic := range []string{"notes/7", "notes/id:anna", "notes"} {
		if f := seven.Subscribe(topic); f.Code != "forbidden" && f.Code != "not_found" {
			t.Errorf("%s: %+v", topic, f)
		}
	}
	s.Psql(t, `SELECT rowcall.revalidate('notes/id:anna'); SELECT rowcall.publish('notes/id:anna', 'note', '{"n": 1}')`)
	anna.SkipUntil(`"type":"note"`)
	staff.SkipUntil(`"type":"note"`)
	short.ExpectClose(4401)
	if now := time.Now(); now.Before(exp) {
		t.Errorf("closed %v before the token's end", exp.Sub(now))
	}
	for _, sub := range []string{"a\x00b", ""} {
		offered(t, s, signed(t, tokenKey, jwt.MapClaims{"sub": sub})).ExpectClose(4401)
	}
}

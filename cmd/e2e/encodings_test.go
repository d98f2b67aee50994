package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/golang-jwt/jwt/v5"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// databaseIn makes a database of another encoding on the server of a test's own database, and migrates it.
func databaseIn(t *testing.T, encoding string) *schematest.Database {
	t.Helper()
	beside := schematest.New(t, schematest.Empty)
	name := beside.Name + "_" + strings.ToLower(encoding)
	beside.Exec(t, `CREATE DATABASE `+name+` ENCODING '`+encoding+`' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
	t.Cleanup(func() { beside.Exec(t, `DROP DATABASE `+name+` WITH (FORCE)`) })
	u, err := url.Parse(beside.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	db := &schematest.Database{URL: u.String(), Name: name, Cluster: beside.Cluster}
	rowcalltest.Succeeds(t, map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_APPS": "true"}, "migrate", "--samples")
	return db
}

// TestEncodings serves databases of several encodings: what they hold arrives as it is, what users send is stored as it
// is, and a text that the database cannot hold is refused without harm to anybody else.
func TestEncodings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		encoding, holds string
		bytes           string // of holds in the database, in hexadecimal
		lacks           string
	}{
		{"LATIN1", "café", "636166e9", "日"},
		{"LATIN9", "5 €", "3520a4", "日"},
		{"WIN1252", "“5 €”", "933520809 4", "日"},
		{"EUC_JP", "日本", "c6fccbdc", "€"},
		{"EUC_KR", "한국", "c7d1b1b9", "é"},
		{"KOI8R", "привет", "d0d2c9d7c5d4", "é"},
		{"UTF8", "café 日", "636166c3a920e697a5", ""},
		{"SQL_ASCII", "café 日", "636166c3a920e697a5", ""},
	} {
		t.Run(c.encoding, func(t *testing.T) {
			t.Parallel()
			s := rowcalltest.StartServerOn(t, databaseIn(t, c.encoding), nil)
			alice, bob := s.Login(t, "alice"), s.Login(t, "bob")
			room, live := alice.OpenSocket(t, "/ws/room/1"), bob.OpenNative(t)
			cursor := live.Follow("room/1")

			s.Psql(t, fmt.Sprintf(`SET client_encoding = 'UTF8'; INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (900, 1, 1, '%s')`, c.holds))
			room.Expect(rowcalltest.ChatMessageFrame(900, c.holds))
			alice.Fetch(t, http.StatusCreated, "POST", "/api/messages", fmt.Sprintf(`{"room_id":1,"sender_id":1,"message":"%s"}`, c.holds))
			stored := s.Psql(t, `SELECT encode(convert_to(message, getdatabaseencoding()), 'hex') FROM chat_messages ORDER BY id DESC LIMIT 1`)
			if want := strings.ReplaceAll(c.bytes, " ", ""); stored != want {
				t.Errorf("stored the bytes %s, want %s", stored, want)
			}
			for range 2 {
				if f := live.ReceiveFrame(); f.Data["message"] != c.holds {
					t.Errorf("got %+v, want %s", f, c.holds)
				}
			}
			told := s.Psql(t, `SELECT encode(convert_to(rowcall.fields(q) ->> 'raw', getdatabaseencoding()), 'hex')
				FROM (SELECT '"`+escaped(c.holds+c.lacks)+`\u0000\ud800"'::json AS raw) q`)
			if told != stored {
				t.Errorf("fields tells the bytes %s of a document with escapes, want %s", told, stored)
			}
			want := strings.ReplaceAll(url.QueryEscape(c.holds), "+", "%20")
			if part := s.Psql(t, fmt.Sprintf(`SET client_encoding = 'UTF8'; SELECT rowcall.segment('%s')`, c.holds)); !strings.HasSuffix(part, want) {
				t.Errorf("as a part of a topic %s is %s, want %s", c.holds, part, want)
			}
			if c.lacks != "" {
				refuseText(t, s, alice, c.lacks)
			}
			again := bob.OpenNative(t)
			again.Resume("room/1", cursor)
			if f := again.ReceiveFrame(); f.Data["message"] != c.holds {
				t.Errorf("resumed and got %+v, want %s", f, c.holds)
			}
			if f := bob.OpenNative(t).Subscribe("room/1", `"snapshot":true`); len(f.Snapshot) < 2 || f.Snapshot[len(f.Snapshot)-1]["message"] != c.holds {
				t.Errorf("the snapshot is %+v, want %s", f.Snapshot, c.holds)
			}
			s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'after all')`)
			live.SkipUntil("after all")
		})
	}
}

// escaped writes a text as a program does that sends nothing but ASCII.
func escaped(text string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&out, `\u%04x`, unit)
	}
	return out.String()
}

// refuseText sends a text that the database cannot hold wherever a user can.
func refuseText(t *testing.T, s *rowcalltest.Server, alice *rowcalltest.HTTPUser, text string) {
	t.Helper()
	for _, body := range []string{text, fmt.Sprintf(`\u%04x`, []rune(text)[0])} {
		refusal := alice.Fetch(t, http.StatusBadRequest, "POST", "/api/messages", fmt.Sprintf(`{"room_id":1,"sender_id":1,"message":"%s"}`, body))
		if !strings.Contains(refusal, "character") {
			t.Errorf("%s is refused with %s", body, refusal)
		}
	}
	for path, want := range map[string]int{
		"api/messages?search=" + url.QueryEscape(text): 0,
		"api/users?username=" + url.QueryEscape(text):  0,
		"api/messages/" + url.PathEscape(text):         http.StatusNotFound,
		"v1/topics/room/" + url.PathEscape(text):       http.StatusNotFound,
	} {
		if got := alice.Status(t, path); got >= 500 || want != 0 && got != want {
			t.Errorf("GET %s is answered with %d", path, got)
		}
	}
	login := s.Anonymous().Post(t, "api/login", fmt.Sprintf(`{"username":"%s","password":"%[1]s"}`, text))
	if login.StatusCode != http.StatusUnauthorized {
		t.Errorf("a login as %s is answered with %d", text, login.StatusCode)
	}
}

const namedConfig = `
auth:
  users: {table: "-"}
topics:
  - topic: notes
    allow: authenticated
    access: SELECT @me = 'café' AS allowed
`

// TestUsersThatTheDatabaseCannotName has tokens whose subject the encoding of the database lacks: they are refused, and
// users who follow at the same time notice nothing.
func TestUsersThatTheDatabaseCannotName(t *testing.T) {
	t.Parallel()
	db := databaseIn(t, "LATIN1")
	file := filepath.Join(t.TempDir(), "named.yaml")
	if err := os.WriteFile(file, []byte(namedConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	s := rowcalltest.StartServerOn(t, db, map[string]string{
		"ROWCALL_CONFIG": file, "ROWCALL_AUTH_JWT_KEY": tokenKey, "ROWCALL_AUTH_JWT_ISSUER": "https://id.example", "ROWCALL_AUTH_JWT_AUDIENCE": "rowcall",
	})
	reader := offered(t, s, signed(t, tokenKey, jwt.MapClaims{"sub": "café"}))
	reader.SkipUntil(`"op":"welcome"`)
	reader.Follow("notes")
	for range 3 {
		offered(t, s, signed(t, tokenKey, jwt.MapClaims{"sub": "日"})).ExpectClose(4401)
		s.Psql(t, `SELECT rowcall.revalidate('notes'), rowcall.publish('notes', 'said', '{"n":1}')`)
		if f := reader.ReceiveFrame(); f.Type != "said" {
			t.Errorf("got %+v", f)
		}
	}
}

// TestBytesThatAreNoText has rows that cannot be converted to UTF-8: they arrive with U+FFFD in place of what they hold,
// live and in replays, and nobody else misses an event.
func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	for encoding, c := range map[string]struct{ sql, want string }{
		"SQL_ASCII": {`convert_from('\x636166e921', 'SQL_ASCII')`, "caf\ufffd!"},
		"WIN1252":   {`convert_from('\x636166e98121', 'WIN1252')`, "café\ufffd!"},
	} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			s := rowcalltest.StartServerOn(t, databaseIn(t, encoding), map[string]string{"ROWCALL_LOG_TAIL_EVENTS": "1"})
			bob := s.Login(t, "bob")
			live := bob.OpenNative(t)
			cursor := live.Follow("room/1", "dams")
			s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, `+c.sql+`)`)
			s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) SELECT 1, 1, CASE n % 1000 WHEN 0 THEN `+c.sql+` ELSE 'fine' END FROM generate_series(1, 3000) n`)
			s.Psql(t, `INSERT INTO dams (name, latitude, longitude) VALUES ('after', 1, 1)`)
			after := false // the event of the dam has come
			check := func(how string, page *rowcalltest.SocketClient) {
				t.Helper()
				for n := range 3001 {
					want := "fine"
					if n%1000 == 0 {
						want = c.want
					}
					f := page.ReceiveFrame()
					if f.Followed == "dams" { // another subscription, which does not wait for the room's
						after = true
						f = page.ReceiveFrame()
					}
					if f.Data["message"] != want {
						t.Fatalf("%s: got %+v, want message %d to be %s", how, f, n, want)
					}
				}
			}
			check("live", live)
			if !after {
				live.SkipUntil("after")
			}
			again := bob.OpenNative(t)
			again.Resume("room/1", cursor)
			check("resumed", again)
		})
	}
}

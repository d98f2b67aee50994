package identity

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rowcall/api/apitest"
	"rowcall/api/identity/issuertest"
	"rowcall/api/problem"
	"rowcall/schema/schematest"
)

// openBearers returns a server that accepts the tokens of an issuer.
func openBearers(t *testing.T) (*accountsServer, *issuertest.Issuer) {
	t.Helper()
	is := issuertest.Open(t)
	s := openAccountsServer(t, Options{JWT: optionsOf(is)})
	trust(is, s.accounts.tokens)
	return s, is
}

func TestIdentityComesFromAToken(t *testing.T) {
	t.Parallel()
	s, _ := openBearers(t)
	exp := time.Now().Add(time.Hour).Truncate(time.Second)
	said := issuertest.Claims("1", "exp", exp.Unix())
	alice := Identity{User: "1", Name: "alice", Subject: "1", Until: exp}
	staff, signed := alice, issuertest.Sign(t, said)
	staff.Staff = true
	for _, c := range []struct {
		name    string
		headers []string
		want    Identity
	}{
		{"header", []string{"Authorization", "Bearer " + signed}, alice},
		{"small letters", []string{"Authorization", "bearer " + signed}, alice},
		{"subprotocol", []string{"Sec-WebSocket-Protocol", issuertest.Offer(signed)}, alice},
		{"the other order", []string{"Sec-WebSocket-Protocol", strings.TrimPrefix(issuertest.Offer(signed), "rowcall.v1, ") + ",rowcall.v1"}, alice},
		{"a key of the issuer", []string{"Authorization", "Bearer " + issuertest.SignAs(t, "rsa", "RS256", said, nil)}, alice},
		{"staff", []string{"Authorization", "Bearer " + issuertest.Sign(t, issuertest.Claims("1", "exp", exp.Unix(), "staff", true))}, staff},
		{"header and subprotocol", []string{"Authorization", "Bearer " + signed, "Sec-WebSocket-Protocol", issuertest.Offer("bad")}, alice},
	} {
		who, err := s.accounts.Identify(t.Context(), apitest.Request("GET", "/v1/ws", c.headers...))
		until := who.Until
		who.Until, c.want.Until = time.Time{}, time.Time{}
		if err != nil || who != c.want || !until.Equal(exp) {
			t.Errorf("%s: %+v until %v, %v", c.name, who, until, err)
		}
	}
}

// An identity has the user's id in the spelling that events and rules use, because access events
// compare it.
func TestSubjectsHaveOneSpelling(t *testing.T) {
	t.Parallel()
	s, _ := openBearers(t)
	for _, sub := range []string{"1", "01", "+1"} {
		who, err := s.accounts.Identify(t.Context(), apitest.Request("GET", "/", "Authorization", "Bearer "+issuertest.Sign(t, issuertest.Claims(sub))))
		if err != nil || who.User != "1" || who.Subject != sub {
			t.Errorf("%s: %+v, %v", sub, who, err)
		}
	}
}

func TestBadTokensAreNobody(t *testing.T) {
	t.Parallel()
	s, _ := openBearers(t)
	cookie, good := s.login(t, "bob"), issuertest.Sign(t, issuertest.Claims("1"))
	for name, headers := range map[string][]string{
		"no token":             {"Authorization", "Bearer"},
		"an empty token":       {"Authorization", "Bearer "},
		"two in one":           {"Authorization", "Bearer " + good + " " + good},
		"expired":              {"Authorization", "Bearer " + issuertest.Sign(t, issuertest.Claims("1", "exp", time.Now().Add(-time.Hour).Unix()))},
		"not active":           {"Authorization", "Bearer " + issuertest.Sign(t, issuertest.Claims("4"))},
		"no such user":         {"Authorization", "Bearer " + issuertest.Sign(t, issuertest.Claims("99"))},
		"no id":                {"Authorization", "Bearer " + issuertest.Sign(t, issuertest.Claims("1; DROP TABLE users"))},
		"no number":            {"Authorization", "Bearer " + issuertest.Sign(t, issuertest.Claims("99999999999999999999"))},
		"a NUL":                {"Authorization", "Bearer " + issuertest.Sign(t, issuertest.Claims("1\x00"))},
		"two subprotocols":     {"Sec-WebSocket-Protocol", issuertest.Offer(good) + "," + issuertest.Offer(good)},
		"an empty subprotocol": {"Sec-WebSocket-Protocol", "rowcall.v1, rowcall.bearer."},
		"a bare subprotocol":   {"Sec-WebSocket-Protocol", "rowcall.v1, rowcall.bearer." + good},
		"another alphabet":     {"Sec-WebSocket-Protocol", "rowcall.v1, rowcall.bearer.+/+/"},
	} {
		for _, extra := range [][]string{nil, {"Cookie", cookie}} { // a cookie is no way out
			who, err := s.accounts.Identify(t.Context(), apitest.Request("GET", "/v1/ws", append(headers, extra...)...))
			if !errors.Is(err, problem.ErrUnauthorized) || who != (Identity{}) {
				t.Errorf("%s: %+v, %v", name, who, err)
			}
		}
	}
	twice := apitest.Request("GET", "/v1/ws")
	twice.Header["Authorization"] = []string{"Bearer " + good, "Bearer " + good}
	if _, err := s.accounts.Identify(t.Context(), twice); !errors.Is(err, problem.ErrUnauthorized) {
		t.Errorf("two headers: %v", err)
	}
}

func TestAHeaderWinsOverACookie(t *testing.T) {
	t.Parallel()
	s, _ := openBearers(t)
	cookie := s.login(t, "bob")
	got := s.send("GET", "/api/me", "", cookie, "Authorization", "Bearer "+issuertest.Sign(t, issuertest.Claims("3", "staff", true)))
	if want := `{"user":{"id":3,"username":"carol","first_name":"Carol","is_staff":true}}`; strings.TrimSpace(text(t, got)) != want || got.StatusCode != 200 {
		t.Errorf("%d, want carol", got.StatusCode)
	}
	got = s.send("GET", "/api/me", "", cookie, "Authorization", "Bearer "+issuertest.Sign(t, issuertest.Claims("3")))
	if body := text(t, got); !strings.Contains(body, `"is_staff":false`) {
		t.Errorf("the account's own staff counts: %s", body)
	}
	got = s.send("GET", "/api/me", "", cookie, "Authorization", "Bearer bad")
	if got.StatusCode != 401 || len(got.Cookies()) != 0 || got.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token", error_description="the token is not valid"` {
		t.Errorf("a bad token: %d %v", got.StatusCode, got.Header)
	}
	if body := text(t, got); !strings.Contains(body, `"detail":"the token is not valid"`) || strings.Contains(body, "malformed") {
		t.Errorf("a bad token: %s", body)
	}
	if got := s.send("GET", "/api/me", "", cookie); got.StatusCode != 200 {
		t.Errorf("the cookie's own login is gone: %d", got.StatusCode)
	}
	got = s.send("GET", "/api/me", "", cookie, "Authorization", "Basic eDp5")
	if body := text(t, got); !strings.Contains(body, `"bob"`) {
		t.Errorf("another scheme is not ours: %s", body)
	}
}

func TestTokensAreNotAcceptedUnasked(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	for _, key := range []string{"", issuertest.Symmetric} {
		token := issuertest.SignWith(t, "HS256", []byte(key+" "), issuertest.Claims("1"), nil)
		if got := s.send("GET", "/api/me", "", "", "Authorization", "Bearer "+token); got.StatusCode != 401 {
			t.Errorf("%d", got.StatusCode)
		}
	}
	for _, address := range []string{"/api/me?access_token=", "/api/me?jwt=", "/api/me?token="} {
		if got := s.send("GET", address+issuertest.Sign(t, issuertest.Claims("1")), "", ""); got.StatusCode != 400 {
			t.Errorf("%s: %d", address, got.StatusCode)
		}
	}
}

// A user is not refused for good because the database or the issuer does not answer.
func TestTokensWithoutDatabaseOrIssuer(t *testing.T) {
	t.Parallel()
	s, is := openBearers(t)
	is.Answer(fails)
	got := s.send("GET", "/api/me", "", "", "Authorization", "Bearer "+issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("1"), nil))
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("without keys: %d", got.StatusCode)
	}
	s.pool.Close()
	got = s.send("GET", "/api/me", "", "", "Authorization", "Bearer "+issuertest.Sign(t, issuertest.Claims("1")))
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("without a database: %d", got.StatusCode)
	}
	got = s.send("GET", "/api/me", "", "", "Authorization", "Bearer "+issuertest.Sign(t, issuertest.Claims("1", "exp", 1)))
	if got.StatusCode != 401 {
		t.Errorf("a bad token without a database: %d", got.StatusCode)
	}
}

func TestATokenIsReplacedBySuchOfTheSameUser(t *testing.T) {
	t.Parallel()
	s, _ := openBearers(t)
	who, err := s.accounts.Identify(t.Context(), apitest.Request("GET", "/", "Authorization", "Bearer "+issuertest.Sign(t, issuertest.Claims("1"))))
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(2 * time.Hour).Truncate(time.Second)
	bob, err := s.identify(t, s.login(t, "bob"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		who  Identity
		said jwt.MapClaims
		want error
	}{
		"later":         {who, issuertest.Claims("1", "exp", later.Unix()), nil},
		"another user":  {who, issuertest.Claims("2"), problem.ErrForbidden},
		"other rights":  {who, issuertest.Claims("1", "staff", true), problem.ErrForbidden},
		"expired":       {who, issuertest.Claims("1", "exp", 1), problem.ErrUnauthorized},
		"anonymous":     {Identity{}, issuertest.Claims("1"), problem.ErrBadRequest},
		"with a cookie": {bob, issuertest.Claims("2"), problem.ErrBadRequest},
	} {
		until, err := s.accounts.Renew(t.Context(), c.who, issuertest.Sign(t, c.said))
		if !errors.Is(err, c.want) || err == nil && !until.Equal(later) {
			t.Errorf("%s: until %v, %v; want %v", name, until, err, c.want)
		}
	}
	s.pool.Close()
	if _, err := s.accounts.Renew(t.Context(), who, issuertest.Sign(t, issuertest.Claims("1"))); err != nil {
		t.Errorf("without a database: %v", err) // sockets that are open stay
	}
}

// The log says why a token is not valid, and does not contain the token.
func TestTokensAreNotLogged(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	s := openAccountsServer(t, Options{JWT: optionsOf(is)})
	trust(is, s.accounts.tokens)
	var log bytes.Buffer
	s.accounts.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tokens := []string{
		issuertest.Sign(t, issuertest.Claims("1", "aud", "another")), issuertest.SignAs(t, "ed", "EdDSA", issuertest.Claims("1"), map[string]any{"kid": "a\nlevel=ERROR msg=\x1b[31mforged"}),
		issuertest.Sign(t, issuertest.Claims("99")), issuertest.Sign(t, issuertest.Claims("1")) + "=", issuertest.Symmetric,
	}
	for _, token := range tokens {
		if got := s.send("GET", "/api/me", "", "", "Authorization", "Bearer "+token); got.StatusCode != 401 {
			t.Errorf("%d", got.StatusCode)
		}
	}
	for _, part := range strings.FieldsFunc(strings.Join(tokens, "."), func(r rune) bool { return r == '.' }) {
		if strings.Contains(log.String(), part) {
			t.Errorf("the log has %s", part)
		}
	}
	if !strings.Contains(log.String(), "invalid audience") || strings.Contains(log.String(), "\nlevel=ERROR") || strings.Contains(log.String(), "\x1b") {
		t.Errorf("the log does not say why, or what somebody else wants it to:\n%s", log.String())
	}
}

func TestSubjectsOfOtherTypes(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TABLE people (id uuid PRIMARY KEY, username text, password text, is_active boolean);
		INSERT INTO people VALUES ('00000000-0000-0000-0000-00000000000a', 'alice', '', true)`)
	s := openAccountsServerOn(t, db, db.Pool(t), Options{Users: UsersTable{Table: "people", Staff: "-"}, JWT: optionsOf(is)})
	trust(is, s.accounts.tokens)
	identify := func(sub string) (Identity, error) {
		return s.accounts.Identify(t.Context(), apitest.Request("GET", "/", "Authorization", "Bearer "+issuertest.Sign(t, issuertest.Claims(sub))))
	}
	if who, err := identify("00000000-0000-0000-0000-00000000000A"); err != nil || who.User != "00000000-0000-0000-0000-00000000000a" {
		t.Errorf("%+v, %v", who, err)
	}
	for _, sub := range []string{"1", "alice", "00000000-0000-0000-0000-00000000000b", "\x00"} {
		if who, err := identify(sub); !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("%q: %+v, %v", sub, who, err)
		}
	}
}

// FuzzBearer looks for a header that is accepted as a token although nobody has signed it.
func FuzzBearer(f *testing.F) {
	is := issuertest.Open(f)
	reader := readerOf(f, is, optionsOf(is))
	forged := issuertest.Join(`{"alg":"none"}`, `{"sub":"1"}`, nil)
	for _, authorization := range []string{"", "Bearer", "bearer  x", "Bearer " + forged, "Basic eDp5", "Bearer\tx", "Bearer ..", "Bearer \xff.\x00.x"} {
		f.Add(authorization, issuertest.Offer(forged))
	}
	f.Add("", "rowcall.bearer.,rowcall.bearer.e30,, rowcall.v1")
	f.Fuzz(func(t *testing.T, authorization, offered string) {
		r := apitest.Request("GET", "/v1/ws")
		r.Header["Authorization"], r.Header["Sec-Websocket-Protocol"] = []string{authorization}, []string{offered}
		token, given := bearerToken(r)
		if len(token) > len(authorization)+len(offered) || !given && token != "" {
			t.Errorf("%q is read from %q and %q", token, authorization, offered)
		}
		if said, err := reader.verify(t.Context(), token); !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("%q: %+v, %v", token, said, err)
		}
	})
}

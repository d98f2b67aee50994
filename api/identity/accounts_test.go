package identity

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// accountsServer is a database with accounts and the addresses to log in at. A request can come
// through the trusted proxy 10.0.0.1.
type accountsServer struct {
	db       *schematest.Database
	pool     *pgxpool.Pool
	accounts *Accounts
	handler  http.Handler
}

// openAccountsServer makes accounts whose passwords are quick to check: carol is staff, dave is not
// active, erin has no usable password.
func openAccountsServer(t *testing.T, o Options) *accountsServer {
	t.Helper()
	db := schematest.New(t)
	db.Exec(t, `INSERT INTO users (id, username, first_name, password, is_staff, is_active) VALUES
		(1, 'alice', 'Alice', '`+apitest.QuickHash+`', false, true),
		(2, 'bob', 'Bob', '`+apitest.QuickHash+`', false, true),
		(3, 'carol', 'Carol', '`+apitest.QuickHash+`', true, true),
		(4, 'dave', 'Dave', '`+apitest.QuickHash+`', false, false),
		(5, 'erin', 'Erin', '!', false, true)`)
	return openAccountsServerOn(t, db, db.Pool(t), o)
}

func openAccountsServerOn(t *testing.T, db *schematest.Database, pool *pgxpool.Pool, o Options) *accountsServer {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	if o.Attempts == (AttemptOptions{}) {
		o.Attempts = AttemptOptions{PerAddress: 1000, PerAccount: 1000}
	}
	door := doortest.Open(t, door.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}})
	accounts, err := New(t.Context(), dbconn.Over(pool), door, o)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/login", accounts.Login)
	mux.HandleFunc("POST /api/logout", accounts.Logout)
	mux.HandleFunc("GET /api/me", accounts.Me)
	return &accountsServer{db: db, pool: pool, accounts: accounts, handler: door.Guard(mux)}
}

// send sends a request as a page of the server does, with a cookie in the form name=value.
func (s *accountsServer) send(method, path, body, cookie string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if r.Header.Get("X-Forwarded-Proto") != "" {
		r.RemoteAddr = "10.0.0.1:80"
	}
	return apitest.Answer(s.handler, r)
}

// login logs a user in and returns the cookie.
func (s *accountsServer) login(t *testing.T, username string) string {
	t.Helper()
	got := s.send("POST", "/api/login", apitest.Credentials(username, "secret"), "")
	if got.StatusCode != 200 || len(got.Cookies()) != 1 {
		t.Fatalf("login of %s: %d, %d cookies", username, got.StatusCode, len(got.Cookies()))
	}
	return got.Cookies()[0].Name + "=" + got.Cookies()[0].Value
}

// identify returns the identity of a cookie.
func (s *accountsServer) identify(t *testing.T, cookie string) (Identity, error) {
	t.Helper()
	return s.accounts.Identify(t.Context(), apitest.Request("GET", "/v1/ws", "Cookie", cookie))
}

// follower logs a user in and returns the follower of the login.
func (s *accountsServer) follower(t *testing.T, username string) notifier.Follower {
	t.Helper()
	who, err := s.identify(t, s.login(t, username))
	if err != nil {
		t.Fatal(err)
	}
	return who.Follower()
}

func TestIdentityComesFromTheCookie(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	cookie := s.login(t, "carol")
	who, err := s.identify(t, cookie)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(cookie, "=")
	want := Identity{User: "3", Name: "carol", Login: loginName(token), Staff: true}
	if who != want || who.Anonymous() {
		t.Errorf("%+v, want %+v", who, want)
	}
	if strings.Contains(fmt.Sprint(who), token) {
		t.Error("the identity holds the token")
	}
	if f := who.Follower(); f.User != "3" || f.Session != who.Login || !f.Staff {
		t.Errorf("follower %+v", f)
	}
}

func TestIdentityWithoutUsefulCredentials(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	good := s.login(t, "alice")
	for _, c := range []struct {
		name    string
		headers []string
		want    error
	}{
		{"nothing", nil, nil},
		{"another cookie", []string{"Cookie", "theme=dark"}, nil},
		{"a cookie that nobody gave out", []string{"Cookie", "rowcall_session=abc"}, problem.ErrUnauthorized},
		{"quotes", []string{"Cookie", "rowcall_session='OR'1'='1"}, problem.ErrUnauthorized},
		{"the session's public name", []string{"Cookie", "rowcall_session=" + s.mustName(t, good)}, problem.ErrUnauthorized},
		{"a bearer token", []string{"Authorization", "Bearer x"}, problem.ErrUnauthorized},
		{"a bearer subprotocol", []string{"Sec-WebSocket-Protocol", "rowcall.v1, rowcall.bearer.eA"}, problem.ErrUnauthorized},
		{"a proxy's own password", []string{"Authorization", "Basic eDp5", "Cookie", "a=b"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			who, err := s.accounts.Identify(t.Context(), apitest.Request("GET", "/v1/ws", c.headers...))
			if !errors.Is(err, c.want) || who != (Identity{}) {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}
}

func (s *accountsServer) mustName(t *testing.T, cookie string) string {
	t.Helper()
	who, err := s.identify(t, cookie)
	if err != nil {
		t.Fatal(err)
	}
	return who.Login
}

func TestIdentityEndsWithWhatItRestsOn(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"deactivated":      `UPDATE users SET is_active = false WHERE id = 1`,
		"password changed": `UPDATE users SET password = 'x' WHERE id = 1`,
		"deleted":          `DELETE FROM users WHERE id = 1`,
		"logged out":       `DELETE FROM rowcall.sessions`,
		"expired":          `UPDATE rowcall.sessions SET expires_at = now()`,
		"another's":        `UPDATE rowcall.sessions SET user_id = '2'; UPDATE users SET password = 'x' WHERE id = 2`,
		"without a user":   `UPDATE rowcall.sessions SET user_id = NULL`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openAccountsServer(t, Options{})
			cookie := s.login(t, "alice")
			f := s.follower(t, "alice")
			s.db.Exec(t, sql)
			if who, err := s.identify(t, cookie); !errors.Is(err, problem.ErrUnauthorized) || who != (Identity{}) {
				t.Errorf("%+v, %v", who, err)
			}
			now, err := s.accounts.Current(t.Context(), []notifier.Follower{f})
			if err != nil || now[0] != (Standing{}) {
				t.Errorf("%+v, %v", now, err)
			}
		})
	}
}

func TestWithoutADatabaseNobodyIsRefusedForGood(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	cookie, f := s.login(t, "alice"), s.follower(t, "alice")
	s.pool.Close()
	if _, err := s.identify(t, cookie); !errors.Is(err, problem.ErrUnavailable) || errors.Is(err, problem.ErrUnauthorized) {
		t.Errorf("identify: %v", err)
	}
	if _, err := s.accounts.Current(t.Context(), []notifier.Follower{f}); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("current: %v", err)
	}
	for _, got := range []*http.Response{
		s.send("GET", "/api/me", "", cookie),
		s.send("POST", "/api/login", apitest.Credentials("alice", "secret"), cookie),
		s.send("POST", "/api/logout", "", cookie),
	} {
		if got.StatusCode != 503 || len(got.Cookies()) != 0 || got.Header.Get("Retry-After") == "" {
			t.Errorf("%d %v", got.StatusCode, got.Header)
		}
	}
}

package identity

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rowcall/api/apitest"
)

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	all, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestLoginAnswersWithTheUser(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	got := s.send("POST", "/api/login", apitest.Credentials("carol", "secret"), "")
	const want = `{"user":{"id":3,"username":"carol","first_name":"Carol","is_staff":true}}` + "\n"
	if answer := text(t, got); got.StatusCode != 200 || answer != want {
		t.Errorf("%d %s", got.StatusCode, answer)
	}
	if got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", got.Header.Values("Cache-Control"))
	}
	me := s.send("GET", "/api/me", "", got.Cookies()[0].String())
	if answer := text(t, me); me.StatusCode != 200 || answer != want {
		t.Errorf("me: %d %s", me.StatusCode, answer)
	}
}

func TestMeIsForThoseWhoAreLoggedIn(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	got := s.send("GET", "/api/me", "", "")
	if answer := text(t, got); got.StatusCode != 401 || !strings.Contains(answer, `"code":"unauthorized"`) {
		t.Errorf("%d %s", got.StatusCode, answer)
	}
	got = s.send("GET", "/api/me", "", "rowcall_session=stale")
	if got.StatusCode != 401 || len(got.Cookies()) != 1 || got.Cookies()[0].MaxAge != -1 {
		t.Errorf("a stale cookie is kept: %d %v", got.StatusCode, got.Cookies())
	}
}

func TestCookieIsOutOfReach(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{Login: LoginOptions{Cookie: "sid", Lifetime: time.Hour}})
	for _, c := range []struct {
		proto, name string
		secure      bool
	}{
		{"http", "sid", false},
		{"https", "__Host-sid", true},
	} {
		got := s.send("POST", "/api/login", apitest.Credentials("alice", "secret"), "", "X-Forwarded-Proto", c.proto)
		if len(got.Cookies()) != 1 {
			t.Fatalf("%d cookies", len(got.Cookies()))
		}
		cookie := got.Cookies()[0]
		if cookie.Name != c.name || cookie.Secure != c.secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode ||
			cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge < 3500 || cookie.MaxAge > 3601 || len(cookie.Value) < 43 {
			t.Errorf("%s: %v", c.proto, cookie)
		}
		out := s.send("POST", "/api/logout", "", cookie.Name+"="+cookie.Value, "X-Forwarded-Proto", c.proto)
		if gone := out.Cookies()[0]; gone.Name != c.name || gone.MaxAge != -1 || gone.Secure != c.secure || gone.Path != "/" {
			t.Errorf("%s: taken away as %v", c.proto, gone)
		}
	}
}

func TestAnUnprotectedCookieIsNotBelievedOverHTTPS(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	cookie := s.login(t, "alice") // over http
	if got := s.send("GET", "/api/me", "", cookie, "X-Forwarded-Proto", "https"); got.StatusCode != 401 {
		t.Errorf("status %d", got.StatusCode)
	}
}

func TestLoginTellsNobodyWhy(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	first := ""
	for _, given := range []string{
		apitest.Credentials("alice", "wrong"),
		apitest.Credentials("nobody", "secret"),
		apitest.Credentials("dave", "secret"), // not active
		apitest.Credentials("dave", "wrong"),
		apitest.Credentials("erin", "!"), // no usable password
		apitest.Credentials("erin", "secret"),
		apitest.Credentials("ALICE", "secret"),
		apitest.Credentials("alice\x00", "secret"),
		apitest.Credentials("' OR true --", "secret"),
		apitest.Credentials("alice", strings.Repeat("secret", 100)),
		apitest.Credentials(strings.Repeat("a", 4000), "secret"),
	} {
		got := s.send("POST", "/api/login", given, "")
		answer := text(t, got)
		if first == "" {
			first = answer
		}
		if got.StatusCode != 401 || answer != first || len(got.Cookies()) != 0 {
			t.Errorf("%.60s: %d %s", given, got.StatusCode, answer)
		}
	}
}

func TestLoginTakesJSONOnly(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	good := apitest.Credentials("alice", "secret")
	for _, c := range []struct {
		name, kind, body string
		status           int
	}{
		{"JSON", "application/json", good, 200},
		{"JSON with a charset", "application/json; charset=utf-8", good, 200},
		{"form", "application/x-www-form-urlencoded", "username=alice&password=secret", 403},
		{"text", "text/plain", good, 403},
		{"no type", "", good, 403},
		{"another type", "application/xml", good, 415},
		{"nothing", "application/json", "", 400},
		{"no object", "application/json", `"alice"`, 400},
		{"null", "application/json", `null`, 400},
		{"half", "application/json", `{"username":"alice"`, 400},
		{"two", "application/json", good + good, 400},
		{"no password", "application/json", `{"username":"alice"}`, 400},
		{"no username", "application/json", `{"password":"secret"}`, 400},
		{"numbers", "application/json", `{"username":1,"password":2}`, 400},
		{"depth", "application/json", `{"x":` + strings.Repeat("[", 8000), 400},
		{"size", "application/json", apitest.Credentials("alice", strings.Repeat("x", 9000)), 413},
		{"size after the object", "application/json", good + strings.Repeat(" ", 9000), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.send("POST", "/api/login", c.body, "", "Content-Type", c.kind); got.StatusCode != c.status {
				t.Errorf("%d %s", got.StatusCode, text(t, got))
			}
		})
	}
}

func TestAPlantedTokenBecomesNothing(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	const planted = "rowcall_session=planted"
	got := s.send("POST", "/api/login", apitest.Credentials("alice", "secret"), planted)
	mine := got.Cookies()[0].String()
	if strings.Contains(mine, "planted") {
		t.Fatal("the client chose the token")
	}
	if _, err := s.identify(t, planted); err == nil {
		t.Error("the planted token works")
	}
	attackers := s.login(t, "bob") // a real session this time
	got = s.send("POST", "/api/login", apitest.Credentials("alice", "secret"), attackers)
	if who, err := s.identify(t, attackers); err == nil {
		t.Errorf("the session before the login lives on as %+v", who)
	}
	if who, err := s.identify(t, got.Cookies()[0].String()); err != nil || who.User != "1" {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestTheTableHoldsNoToken(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	_, token, _ := strings.Cut(s.login(t, "alice"), "=")
	row := s.db.Psql(t, `SELECT encode(token_hash, 'hex'), user_id, convert_from(data, 'UTF8') FROM rowcall.sessions`)
	if strings.Contains(row, token) || strings.Contains(row, apitest.QuickHash) {
		t.Errorf("the row tells too much: %s", row)
	}
	if !strings.HasPrefix(row, loginName(token)+"|1|{") {
		t.Errorf("row %s", row)
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	cookie, other := s.login(t, "alice"), s.login(t, "alice")
	for range 2 { // the second time it is gone already
		if got := s.send("POST", "/api/logout", "", cookie); got.StatusCode != 204 || got.Cookies()[0].MaxAge != -1 {
			t.Errorf("%d %v", got.StatusCode, got.Cookies())
		}
	}
	if got := s.send("GET", "/api/me", "", cookie); got.StatusCode != 401 {
		t.Errorf("after the logout: %d", got.StatusCode)
	}
	if got := s.send("GET", "/api/me", "", other); got.StatusCode != 200 {
		t.Errorf("the other session: %d", got.StatusCode)
	}
	if got := s.send("POST", "/api/logout", "", ""); got.StatusCode != 204 {
		t.Errorf("anonymous: %d", got.StatusCode)
	}
}

func TestGuessesOfOneAccountAreCounted(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{Attempts: AttemptOptions{PerAddress: 1000, PerAccount: 3}})
	for _, name := range []string{"alice", "nobody"} { // the limit does not tell who exists
		var wrong, late atomic.Int64
		var all sync.WaitGroup
		for range 10 { // at the same time
			all.Go(func() {
				switch got := s.send("POST", "/api/login", apitest.Credentials(name, "wrong"), ""); got.StatusCode {
				case 401:
					wrong.Add(1)
				case 429:
					late.Add(1)
				}
			})
		}
		all.Wait()
		if wrong.Load() != 3 || late.Load() != 7 {
			t.Errorf("%s: %d guesses, %d refused", name, wrong.Load(), late.Load())
		}
		got := s.send("POST", "/api/login", apitest.Credentials(strings.ToUpper(name), "secret"), "")
		if got.StatusCode != 429 || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s in capitals: %d", name, got.StatusCode)
		}
	}
	for range 10 {
		s.login(t, "bob") // what succeeds is not counted
	}
}

func TestLoginsOfOneAddressAreCounted(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{Attempts: AttemptOptions{PerAddress: 3, PerAccount: 1000}})
	for i := range 5 {
		got := s.send("POST", "/api/login", apitest.Credentials(fmt.Sprint("user", i), "x"), "", "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		if want := map[bool]int{true: 401, false: 429}[i < 3]; got.StatusCode != want {
			t.Errorf("attempt %d, with a forged address: %d", i, got.StatusCode)
		}
	}
	got := s.send("POST", "/api/login", apitest.Credentials("alice", "secret"), "", "X-Forwarded-Proto", "http", "X-Forwarded-For", "198.51.100.1")
	if got.StatusCode != 200 {
		t.Errorf("another address: %d", got.StatusCode)
	}
}

// Another test checks that the decoy costs as much as an account. This one checks that it is used,
// which makes a difference of a thousand times; the wide margin is for a busy machine.
func TestAnUnknownUserTakesAsLong(t *testing.T) {
	t.Parallel()
	slow := strings.Replace(apitest.QuickHash, "$04$", "$08$", 1)
	p := newPasswordChecker(slow)
	took := func(hash string) time.Duration {
		start := time.Now()
		if ok, err := p.match(t.Context(), hash, "secret"); ok || err != nil {
			t.Errorf("%q: %v, %v", hash, ok, err)
		}
		return time.Since(start)
	}
	account := min(took(slow), took(slow), took(slow))
	for _, hash := range []string{"", "!", "$2b$09$broken"} {
		if unknown := took(hash); unknown < account/50 {
			t.Errorf("%q takes %v, an account %v", hash, unknown, account)
		}
	}
}

func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := openAccountsServer(t, Options{})
	s.accounts.log = slog.New(slog.NewTextHandler(&log, nil))
	cookie := s.login(t, "alice")
	s.send("POST", "/api/login", apitest.Credentials("secret-as-username\x1b[2J", "other-secret"), "")
	s.send("POST", "/api/login", apitest.Credentials("bob", "other-secret"), cookie)
	s.send("POST", "/api/logout", "", cookie)
	_, token, _ := strings.Cut(cookie, "=")
	for _, secret := range []string{"secret", token, loginName(token), "\x1b", apitest.QuickHash} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is logged:\n%s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), `msg="login refused" user=2`) {
		t.Errorf("what an operator needs is missing:\n%s", log.String())
	}
}

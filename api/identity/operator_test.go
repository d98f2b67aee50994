package identity

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// operatorNode is a node without accounts, with an operator, that lets a page of another origin connect.
func operatorNode(t *testing.T) (*Accounts, *Operator) {
	t.Helper()
	o := NewOperator()
	d := doortest.Open(t, door.Options{Origins: []string{"http://app.example"}})
	accounts, err := New(t.Context(), dbconn.Over(schematest.New(t, schematest.CoreOnly).Pool(t)), d, Options{Users: UsersTable{Table: "-"}, Operator: o})
	if err != nil {
		t.Fatal(err)
	}
	return accounts, o
}

// operatorRequest is a request of the node's own page, on this machine.
func operatorRequest(method, body string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1:7000/api/code", strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5000"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://127.0.0.1:7000")
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000}))
}

// redeem shows a code, and returns the status and the cookie.
func redeem(a *Accounts, r *http.Request) (int, *http.Cookie) {
	w := httptest.NewRecorder()
	a.RedeemCode(w, r)
	if cookies := w.Result().Cookies(); len(cookies) == 1 {
		return w.Code, cookies[0]
	}
	return w.Code, nil
}

// The code works once. The cookie it is exchanged for makes its browser staff, and no script can read it.
func TestOneTimeCode(t *testing.T) {
	t.Parallel()
	a, o := operatorNode(t)
	body := `{"code":"` + o.Code() + `"}`
	if status, cookie := redeem(a, operatorRequest("POST", `{"code":"WRONG"}`)); status != 401 || cookie != nil {
		t.Errorf("a wrong code: %d %v", status, cookie)
	}
	status, cookie := redeem(a, operatorRequest("POST", body))
	if status != 200 || cookie == nil {
		t.Fatalf("the code: %d %v", status, cookie)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Name != "rowcall_operator_7000" || !cookie.Expires.IsZero() || cookie.MaxAge != 0 {
		t.Errorf("the cookie: %v", cookie)
	}
	if status, again := redeem(a, operatorRequest("POST", body)); status != 401 || again != nil {
		t.Errorf("the code a second time: %d %v", status, again)
	}
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		staff  bool
	}{
		{"its own page", func(*http.Request) {}, true},
		{"no page", func(r *http.Request) { r.Header.Del("Origin") }, true},
		{"a page that may connect, but is another's", func(r *http.Request) { r.Header.Set("Origin", "http://app.example") }, false},
		{"a page of another port", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:3000") }, false},
		{"another machine", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:5000" }, false},
	} {
		r := operatorRequest("GET", "")
		r.AddCookie(cookie)
		c.change(r)
		who, err := a.Identify(t.Context(), r)
		if err != nil || who.Staff != c.staff {
			t.Errorf("%s: %+v, %v", c.name, who, err)
		}
	}
	standings, err := a.Current(t.Context(), []notifier.Follower{o.Identity().Follower(), {User: "operator", Session: "00ff", Staff: true}})
	if want := []Standing{{Valid: true, Staff: true}, {}}; err != nil || !slices.Equal(standings, want) {
		t.Errorf("standings %+v, %v, want %+v", standings, err, want)
	}
	w, r := httptest.NewRecorder(), operatorRequest("POST", "{}")
	r.AddCookie(cookie)
	if a.Logout(w, r); w.Code != 204 || w.Result().Cookies()[0].MaxAge != -1 {
		t.Errorf("logging out: %d %v", w.Code, w.Result().Cookies())
	}
}

// The code is refused where it could have come from elsewhere, and is still good afterwards.
func TestOneTimeCodeRefused(t *testing.T) {
	t.Parallel()
	a, o := operatorNode(t)
	body := `{"code":"` + o.Code() + `"}`
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"another machine", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:5000" }, 403},
		{"a page that may connect, but is another's", func(r *http.Request) { r.Header.Set("Origin", "http://app.example") }, 403},
		{"two origins", func(r *http.Request) { r.Header.Add("Origin", "http://127.0.0.1:7000") }, 403},
		{"a form", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		{"an address that is not of this machine", func(r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 7000}))
		}, 403},
	} {
		r := operatorRequest("POST", body)
		c.change(r)
		if status, cookie := redeem(a, r); status != c.status || cookie != nil {
			t.Errorf("%s: %d %v, want %d", c.name, status, cookie, c.status)
		}
	}
	for _, bad := range []string{`{"code":`, body + body} {
		if status, _ := redeem(a, operatorRequest("POST", bad)); status != 400 {
			t.Errorf("the body %s: %d", bad, status)
		}
	}
	if _, ok := o.redeem(o.Code(), time.Now().Add(CodeLifetime)); ok {
		t.Error("the code is good after its lifetime")
	}
	if status, _ := redeem(a, operatorRequest("POST", body)); status != 200 {
		t.Errorf("after all this the code is refused: %d", status)
	}
	without, err := New(t.Context(), a.users.pool, a.door, Options{Users: UsersTable{Table: "-"}})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := redeem(without, operatorRequest("POST", body)); status != 404 {
		t.Errorf("a node without an operator: %d", status)
	}
	if _, err := New(t.Context(), a.users.pool, a.door, Options{Users: UsersTable{Table: "-"}, UserType: "int", Operator: o}); err == nil {
		t.Error("an operator whose id is no user's is accepted")
	}
}

package apitest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// HTTPUser is a user of a server who is logged in, or anonymous, and sends requests over HTTP.
type HTTPUser struct {
	t      testing.TB
	server string // its address, such as http://127.0.0.1:8080
	cookie string
}

// NewHTTPUser returns a user of the samples, whose password must be QuickHash. The user is anonymous
// if the name is empty.
func NewHTTPUser(t testing.TB, server, name string) *HTTPUser {
	t.Helper()
	u := &HTTPUser{t: t, server: server}
	if name == "" {
		return u
	}
	answer, err := http.Post(server+"/api/login", "application/json", strings.NewReader(Credentials(name, "secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if len(answer.Cookies()) == 0 {
		t.Fatalf("login as %s: got status %d and no cookie", name, answer.StatusCode)
	}
	cookie := answer.Cookies()[0]
	u.cookie = cookie.Name + "=" + cookie.Value
	return u
}

// Cookie returns the header Cookie of the user's requests; empty for an anonymous user.
func (u *HTTPUser) Cookie() string { return u.cookie }

// WithCookie returns a user who sends another header Cookie.
func (u *HTTPUser) WithCookie(cookie string) *HTTPUser { return &HTTPUser{u.t, u.server, cookie} }

// Response is an answer to a request.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Send sends a request as a page of the server would. The content is JSON, or empty.
func (u *HTTPUser) Send(method, path, content string) Response {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), method, u.server+path, strings.NewReader(content))
	if err != nil {
		u.t.Fatal(err)
	}
	r.Header.Set("Cookie", u.cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if content != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return Response{answer.StatusCode, answer.Header, strings.TrimSpace(string(text))}
}

// Expect sends a request. The test fails unless the answer has the status, and its body has what the
// JSON document want has; want may be empty.
func (u *HTTPUser) Expect(status int, want, method, path, content string) Response {
	u.t.Helper()
	got := u.Send(method, path, content)
	if got.Status != status || want != "" && !contains(u.t, got.Body, want) {
		u.t.Errorf("%s %s %s\ngot  %d %s\nwant %d %s", method, path, content, got.Status, got.Body, status, want)
	}
	return got
}

// ExpectHarmless sends a request with hostile text. The test fails if the answer is an internal error,
// shows a password's hash or sets a cookie.
func (u *HTTPUser) ExpectHarmless(method, path, content string) {
	u.t.Helper()
	got := u.Send(method, path, content)
	if got.Status >= 500 || strings.Contains(got.Body, "$2a$") || got.Header.Get("Set-Cookie") != "" {
		u.t.Errorf("%s %s %s: got %d %s", method, path, content, got.Status, got.Body)
	}
}

// contains reports whether a JSON document has all that another document has: of objects the fields
// that are named, of everything else the whole value.
func contains(t testing.TB, document, part string) bool {
	t.Helper()
	var got, want any
	if err := json.Unmarshal([]byte(document), &got); err != nil {
		return false
	}
	if err := json.Unmarshal([]byte(part), &want); err != nil {
		t.Fatalf("%s: %v", part, err)
	}
	return containsValue(got, want)
}

func containsValue(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		has, ok := got.(map[string]any)
		for name, value := range want {
			ok = ok && containsValue(has[name], value)
		}
		return ok
	case []any:
		has, ok := got.([]any)
		ok = ok && len(has) == len(want)
		for i := range want {
			ok = ok && containsValue(has[i], want[i])
		}
		return ok
	}
	return got == want
}

// Field returns a field of a JSON object as text, without quotes.
func Field(t testing.TB, document, name string) string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &object); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return strings.Trim(string(object[name]), `"`)
}

package rowcalltest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"rowcall/testdeadline"
)

// HTTPUser is a user of a server over HTTP and WebSocket.
type HTTPUser struct {
	*Server
	Cookie string // name=value; empty for an anonymous user
}

// Anonymous returns a user who is not logged in.
func (s *Server) Anonymous() *HTTPUser { return &HTTPUser{s, ""} }

// WithCookie returns a user with a cookie of the form name=value.
func (s *Server) WithCookie(cookie string) *HTTPUser { return &HTTPUser{s, cookie} }

// Login logs a sample account in. Its password is its name.
func (s *Server) Login(t *testing.T, name string) *HTTPUser {
	t.Helper()
	return s.LoginWith(t, name, name)
}

// LoginWith logs an account in.
func (s *Server) LoginWith(t *testing.T, name, password string) *HTTPUser {
	t.Helper()
	response := s.Anonymous().Post(t, "api/login", fmt.Sprintf(`{"username":%q,"password":%q}`, name, password))
	if response.StatusCode != http.StatusOK || len(response.Cookies()) != 1 {
		t.Fatalf("%s logs in: %s", name, response.Status)
	}
	cookie := response.Cookies()[0]
	return &HTTPUser{s, cookie.Name + "=" + cookie.Value}
}

// At returns the same login at another node.
func (u *HTTPUser) At(other *Server) *HTTPUser { return &HTTPUser{other, u.Cookie} }

// Post sends JSON as a page of the node does. The body of the answer is closed.
func (u *HTTPUser) Post(t *testing.T, path, body string) *http.Response {
	t.Helper()
	return u.request(t, http.MethodPost, path, body)
}

// Status returns the status of the answer to a GET.
func (u *HTTPUser) Status(t *testing.T, path string) int {
	t.Helper()
	return u.request(t, http.MethodGet, path, "").StatusCode
}

func (u *HTTPUser) request(t *testing.T, method, path, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, u.Pages+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cookie", u.Cookie)
	request.Header.Set("Origin", strings.TrimSuffix(u.Pages, "/"))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

// Fetch sends a request as a page of the node does, and returns the body of the answer, which must
// have this status. path begins with a slash.
func (u *HTTPUser) Fetch(t *testing.T, status int, method, path, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(u.Pages, "/")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cookie", u.Cookie)
	request.Header.Set("Origin", strings.TrimSuffix(u.Pages, "/"))
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s %s %s\nanswered %d %s %v, want %d", method, path, body, answer.StatusCode, text, err, status)
	}
	return string(text)
}

// Status returns the status of the answer to a GET of an address.
func Status(t *testing.T, address string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// RefusesConnections reports whether a node does not accept connections any more.
func RefusesConnections(pages string) bool {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testdeadline.Hang()}
	response, err := client.Get(pages + "healthz")
	if err == nil {
		response.Body.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

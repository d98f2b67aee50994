package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// person is somebody with a browser, logged in or not.
type person struct {
	*site
	cookie string
}

func (s *site) anonymous() *person { return &person{s, ""} }

// login logs a sample account in, whose password is its name.
func (s *site) login(t *testing.T, name string) *person {
	t.Helper()
	return s.loginWith(t, name, name)
}

func (s *site) loginWith(t *testing.T, name, password string) *person {
	t.Helper()
	response := s.anonymous().post(t, "api/login", fmt.Sprintf(`{"username":%q,"password":%q}`, name, password))
	if response.StatusCode != http.StatusOK || len(response.Cookies()) != 1 {
		t.Fatalf("%s logs in: %s", name, response.Status)
	}
	cookie := response.Cookies()[0]
	return &person{s, cookie.Name + "=" + cookie.Value}
}

// at is the same browser at another node.
func (p *person) at(other *site) *person { return &person{other, p.cookie} }

// post sends JSON as a page of the node's own does.
func (p *person) post(t *testing.T, path, body string) *http.Response {
	t.Helper()
	return p.request(t, http.MethodPost, path, body)
}

// status is how a GET is answered.
func (p *person) status(t *testing.T, path string) int {
	t.Helper()
	return p.request(t, http.MethodGet, path, "").StatusCode
}

func (p *person) request(t *testing.T, method, path, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.pages+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cookie", p.cookie)
	request.Header.Set("Origin", strings.TrimSuffix(p.pages, "/"))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A page asks who looks at it. Nobody is an answer, where a script that asks for /api/me gets 401.
func TestVisitorIsAnsweredWhoeverTheyAre(t *testing.T) {
	t.Parallel()
	s := openSite(t, AccountOptions{})
	visit := func(site Site, headers ...string) *http.Response {
		r := httptest.NewRequest("GET", "/api/session", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		s.accounts.Visitor(site)(w, r)
		return w.Result()
	}
	cookie := s.send("POST", "/api/login", body("carol", "secret"), "").Cookies()[0].String()
	demo := Site{Apps: true, Demo: &Demo{Accounts: []string{"alice"}, Psql: "psql -p 1"}}
	for _, c := range []struct {
		site    Site
		headers []string
		want    string
	}{
		{Site{}, nil, `{"user":null,"apps":false}`},
		{Site{Apps: true}, []string{"Cookie", "rowcall_session=stale"}, `{"user":null,"apps":true}`},
		{demo, nil, `{"user":null,"apps":true,"demo":{"accounts":["alice"],"psql":"psql -p 1"}}`},
		{Site{}, []string{"Cookie", cookie}, `{"user":{"id":3,"username":"carol","first_name":"Carol","is_staff":true},"apps":false}`},
	} {
		got := visit(c.site, c.headers...)
		if answer := strings.TrimSpace(text(t, got)); got.StatusCode != 200 || answer != c.want || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %d %s, want %s", c.headers, got.StatusCode, answer, c.want)
		}
	}
	if stale := visit(Site{}, "Cookie", "rowcall_session=stale").Cookies(); len(stale) != 1 || stale[0].MaxAge != -1 {
		t.Errorf("a stale cookie is kept: %v", stale)
	}
	if got := visit(Site{}, "Authorization", "Bearer bad"); got.StatusCode != 401 {
		t.Errorf("a bad token: %d", got.StatusCode)
	}
}

package identity

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"rowcall/api/apitest"
	"rowcall/api/problem"
)

// Visitor answers anonymous requests too, where /api/me has status 401.
func TestVisitorIsAnsweredWhoeverTheyAre(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	visit := func(headers ...string) (string, []*http.Cookie, error) {
		w := httptest.NewRecorder()
		user, err := s.accounts.Visitor(w, apitest.Request("GET", "/api/session", headers...))
		text, _ := json.Marshal(user)
		return string(text), w.Result().Cookies(), err
	}
	cookie := s.login(t, "carol")
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{nil, `null`},
		{[]string{"Cookie", "rowcall_session=stale"}, `null`},
		{[]string{"Cookie", cookie}, `{"id":3,"username":"carol","first_name":"Carol","is_staff":true}`},
	} {
		if got, _, err := visit(c.headers...); err != nil || got != c.want {
			t.Errorf("%v: %s, %v, want %s", c.headers, got, err, c.want)
		}
	}
	if _, stale, _ := visit("Cookie", "rowcall_session=stale"); len(stale) != 1 || stale[0].MaxAge != -1 {
		t.Errorf("a stale cookie is kept: %v", stale)
	}
	if got, _, err := visit("Authorization", "Bearer bad"); !errors.Is(err, problem.ErrUnauthorized) {
		t.Errorf("a bad token: %s, %v", got, err)
	}
}

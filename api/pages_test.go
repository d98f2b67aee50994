package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// GET /api/session answers anonymous requests too, where /api/me has status 401.
func TestSessionTellsWhatTheSiteIs(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{})
	demo := Site{Apps: true, Demo: &Demo{Accounts: []string{"alice"}, Psql: "psql -p 1"}}
	for _, c := range []struct {
		site   Site
		cookie string
		want   string
	}{
		{Site{}, "", `{"user":null,"apps":false}`},
		{Site{Apps: true}, "rowcall_session=stale", `{"user":null,"apps":true}`},
		{demo, "", `{"user":null,"apps":true,"demo":{"accounts":["alice"],"psql":"psql -p 1"}}`},
	} {
		r := httptest.NewRequest("GET", "/api/session", nil)
		if c.cookie != "" {
			r.Header.Set("Cookie", c.cookie)
		}
		w := httptest.NewRecorder()
		serveSession(st.accounts, c.site, slog.New(slog.DiscardHandler))(w, r)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != c.want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("cookie %q: %d %s %v, want %s", c.cookie, w.Code, got, w.Header(), c.want)
		}
	}
}

func TestSessionNeedsAUsefulToken(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{})
	r := httptest.NewRequest("GET", "/api/session", nil)
	r.Header.Set("Authorization", "Bearer bad")
	w := httptest.NewRecorder()
	serveSession(st.accounts, Site{}, slog.New(slog.DiscardHandler))(w, r)
	if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("a bad token: %d %v", w.Code, w.Header())
	}
}

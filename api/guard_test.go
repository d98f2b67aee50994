package api

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
)

const listed = "https://app.example"

// guarded answers 200 to what the guard lets through.
func guarded(t *testing.T) http.Handler {
	t.Helper()
	door := openDoor(t, DoorOptions{
		Origins:        []string{listed},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	return door.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

func answer(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestGuardChecksEveryRequest(t *testing.T) {
	t.Parallel()
	const own, json = "http://rowcall.example", "application/json"
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
	}{
		{"page", ask("GET", "/"), 200},
		{"handshake of an unlisted page", ask("GET", "/v1/ws", "Origin", "https://evil", "Upgrade", "websocket"), 403},
		{"handshake of a page without a name", ask("GET", "/v1/ws", "Origin", "null", "Upgrade", "websocket"), 403},
		{"handshake of a listed page", ask("GET", "/v1/ws", "Origin", listed, "Upgrade", "websocket"), 200},
		{"cookie with an unlisted Origin", ask("GET", "/api/me", "Origin", "https://evil", "Cookie", "rowcall_session=x"), 403},
		{"stream of an unlisted page", ask("GET", "/v1/sse?topic=dams", "Origin", "https://evil"), 403},

		{"token in the address", ask("GET", "/v1/ws?token=x"), 400},
		{"token in the address, other case", ask("GET", "/v1/ws?topic=a&Access_Token=x"), 400},
		{"token in the address, escaped", ask("GET", "/v1/ws?%74oken=x"), 400},
		{"cursor in the address", ask("GET", "/ws/room/1?since=x"), 200},

		{"own page writes", ask("POST", "/", "Origin", own, "Cookie", "a=b", "Content-Type", json), 200},
		{"listed page writes", ask("POST", "/", "Origin", listed, "Cookie", "a=b", "Content-Type", json), 200},
		{"unlisted page writes", ask("POST", "/", "Origin", "https://evil", "Cookie", "a=b", "Content-Type", json), 403},
		{"unlisted page writes without a cookie", ask("POST", "/", "Origin", "https://evil", "Content-Type", json), 403},
		{"cookie without Origin", ask("POST", "/", "Cookie", "a=b", "Content-Type", json), 403},
		{"cookie without Origin, same-origin", ask("POST", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "same-origin"), 200},
		{"same-site is another site", ask("POST", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "same-site"), 403},
		{"cross-site", ask("POST", "/", "Content-Type", json, "Sec-Fetch-Site", "cross-site"), 403},
		{"cross-site PUT", ask("PUT", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "cross-site"), 403},
		{"cross-site PATCH", ask("PATCH", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "cross-site"), 403},
		{"cross-site DELETE", ask("DELETE", "/", "Cookie", "a=b", "Sec-Fetch-Site", "cross-site"), 403},
		{"cookie without Origin, DELETE", ask("DELETE", "/", "Cookie", "a=b"), 403},
		{"own page deletes", ask("DELETE", "/", "Origin", own, "Cookie", "a=b"), 200},
		{"program without a cookie", ask("POST", "/", "Content-Type", json), 200},
		{"JSON with a charset", ask("POST", "/", "Content-Type", "application/json; charset=utf-8"), 200},

		{"form", ask("POST", "/", "Origin", own, "Content-Type", "application/x-www-form-urlencoded"), 403},
		{"form with files", ask("POST", "/", "Origin", own, "Content-Type", "multipart/form-data; boundary=x"), 403},
		{"text", ask("POST", "/", "Origin", own, "Content-Type", "text/plain; charset=utf-8"), 403},
		{"form in capitals", ask("POST", "/", "Origin", own, "Content-Type", "Text/Plain"), 403},
		{"no content type", ask("POST", "/", "Origin", own), 403},
		{"broken content type", ask("POST", "/", "Origin", own, "Content-Type", "text/plain; ="), 403},
		{"unknown method", ask("BREW", "/", "Cookie", "a=b"), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Host = "rowcall.example"
			got := answer(guarded(t), c.r)
			if got.StatusCode != c.status {
				t.Errorf("status %d, want %d", got.StatusCode, c.status)
			}
			if got.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("nosniff is missing")
			}
		})
	}
}

func TestCORSNeverEchoesAnUnlistedOrigin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, origin string
		status               int
		want                 string
	}{
		{"listed", "GET", listed, 200, listed},
		{"preflight of a listed page", "OPTIONS", listed, 204, listed},
		{"unlisted", "GET", "https://evil", 403, ""},
		{"preflight of an unlisted page", "OPTIONS", "https://evil", 403, ""},
		{"preflight of null", "OPTIONS", "null", 403, ""},
		{"our own", "GET", "http://rowcall.example", 200, ""},
		{"no Origin", "GET", "", 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(c.method, "/api/me", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
			r.Host = "rowcall.example"
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			got := answer(guarded(t), r)
			if got.StatusCode != c.status {
				t.Errorf("status %d, want %d", got.StatusCode, c.status)
			}
			if allowed := got.Header.Get("Access-Control-Allow-Origin"); allowed != c.want {
				t.Errorf("allowed origin %q, want %q", allowed, c.want)
			}
			if got.Header.Get("Access-Control-Allow-Credentials") == "true" && c.want == "" {
				t.Error("credentials are allowed to nobody in particular")
			}
			if exposed := got.Header.Get("Access-Control-Expose-Headers"); (exposed == "Location, Retry-After") != (c.want != "") {
				t.Errorf("headers that the page may read: %q", exposed)
			}
			if !slices.Contains(got.Header.Values("Vary"), "Origin") {
				t.Error("a cache may give one origin's answer to another")
			}
		})
	}
}

func TestLoopbackServesNoOtherHostName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, local, peer, host string
		status                  int
	}{
		{"address", "127.0.0.1:8080", "127.0.0.1:5", "127.0.0.1:8080", 200},
		{"name", "127.0.0.1:8080", "127.0.0.1:5", "localhost:8080", 200},
		{"IPv6", "[::1]:8080", "[::1]:5", "[::1]:8080", 200},
		{"name below localhost", "127.0.0.1:8080", "127.0.0.1:5", "app.localhost", 200},
		{"another site's name", "127.0.0.1:8080", "127.0.0.1:5", "evil.example:8080", 421},
		{"a listed page's name", "127.0.0.1:8080", "127.0.0.1:5", "app.example", 200},
		{"trusted proxy", "127.0.0.1:8080", "10.0.0.1:5", "evil.example", 200},
		{"no name", "127.0.0.1:8080", "127.0.0.1:5", "", 200},
		{"with a dot at its end", "127.0.0.1:8080", "127.0.0.1:5", "evil.example.:8080", 421},
		{"network", "192.0.2.7:8080", "192.0.2.1:5", "any.example", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			local, err := net.ResolveTCPAddr("tcp", c.local)
			if err != nil {
				t.Fatal(err)
			}
			r := ask("GET", "/")
			r.RemoteAddr, r.Host = c.peer, c.host
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
			if got := answer(guarded(t), r); got.StatusCode != c.status {
				t.Errorf("status %d, want %d", got.StatusCode, c.status)
			}
		})
	}
}

package door

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"rowcall/api/apitest"
)

const listed = "https://app.example"

// guarded answers 200 to requests that the guard allows.
func guarded(t *testing.T) http.Handler {
	t.Helper()
	door := openDoor(t, Options{
		Origins:        []string{listed},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	return door.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

func TestGuardChecksEveryRequest(t *testing.T) {
	t.Parallel()
	const own, json = "http://rowcall.example", "application/json"
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
	}{
		{"page", apitest.Request("GET", "/"), 200},
		{"handshake of an unlisted page", apitest.Request("GET", "/v1/ws", "Origin", "https://evil", "Upgrade", "websocket"), 403},
		{"handshake of a page without a name", apitest.Request("GET", "/v1/ws", "Origin", "null", "Upgrade", "websocket"), 403},
		{"handshake of a listed page", apitest.Request("GET", "/v1/ws", "Origin", listed, "Upgrade", "websocket"), 200},
		{"cookie with an unlisted Origin", apitest.Request("GET", "/api/me", "Origin", "https://evil", "Cookie", "rowcall_session=x"), 403},
		{"stream of an unlisted page", apitest.Request("GET", "/v1/sse?topic=dams", "Origin", "https://evil"), 403},

		{"token in the address", apitest.Request("GET", "/v1/ws?token=x"), 400},
		{"token in the address, other case", apitest.Request("GET", "/v1/ws?topic=a&Access_Token=x"), 400},
		{"token in the address, escaped", apitest.Request("GET", "/v1/ws?%74oken=x"), 400},
		{"cursor in the address", apitest.Request("GET", "/ws/room/1?since=x"), 200},

		{"own page writes", apitest.Request("POST", "/", "Origin", own, "Cookie", "a=b", "Content-Type", json), 200},
		{"listed page writes", apitest.Request("POST", "/", "Origin", listed, "Cookie", "a=b", "Content-Type", json), 200},
		{"unlisted page writes", apitest.Request("POST", "/", "Origin", "https://evil", "Cookie", "a=b", "Content-Type", json), 403},
		{"unlisted page writes without a cookie", apitest.Request("POST", "/", "Origin", "https://evil", "Content-Type", json), 403},
		{"cookie without Origin", apitest.Request("POST", "/", "Cookie", "a=b", "Content-Type", json), 403},
		{"cookie without Origin, same-origin", apitest.Request("POST", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "same-origin"), 200},
		{"same-site is another site", apitest.Request("POST", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "same-site"), 403},
		{"cross-site", apitest.Request("POST", "/", "Content-Type", json, "Sec-Fetch-Site", "cross-site"), 403},
		{"cross-site PUT", apitest.Request("PUT", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "cross-site"), 403},
		{"cross-site PATCH", apitest.Request("PATCH", "/", "Cookie", "a=b", "Content-Type", json, "Sec-Fetch-Site", "cross-site"), 403},
		{"cross-site DELETE", apitest.Request("DELETE", "/", "Cookie", "a=b", "Sec-Fetch-Site", "cross-site"), 403},
		{"cookie without Origin, DELETE", apitest.Request("DELETE", "/", "Cookie", "a=b"), 403},
		{"own page deletes", apitest.Request("DELETE", "/", "Origin", own, "Cookie", "a=b"), 200},
		{"program without a cookie", apitest.Request("POST", "/", "Content-Type", json), 200},
		{"JSON with a charset", apitest.Request("POST", "/", "Content-Type", "application/json; charset=utf-8"), 200},

		{"form", apitest.Request("POST", "/", "Origin", own, "Content-Type", "application/x-www-form-urlencoded"), 403},
		{"form with files", apitest.Request("POST", "/", "Origin", own, "Content-Type", "multipart/form-data; boundary=x"), 403},
		{"text", apitest.Request("POST", "/", "Origin", own, "Content-Type", "text/plain; charset=utf-8"), 403},
		{"form in capitals", apitest.Request("POST", "/", "Origin", own, "Content-Type", "Text/Plain"), 403},
		{"no content type", apitest.Request("POST", "/", "Origin", own), 403},
		{"broken content type", apitest.Request("POST", "/", "Origin", own, "Content-Type", "text/plain; ="), 403},
		{"unknown method", apitest.Request("BREW", "/", "Cookie", "a=b"), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Host = "rowcall.example"
			got := apitest.Answer(guarded(t), c.r)
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
			r := apitest.Request(c.method, "/api/me", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
			r.Host = "rowcall.example"
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			got := apitest.Answer(guarded(t), r)
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

// A page of an unlisted origin may read one answer: that its origin is refused at the socket's
// address.
func TestUnlistedOriginReadsOnlyItsRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path, origin, want string
		status                           int
	}{
		{"unlisted", "POST", "/v1/ws", "https://evil", "*", 403},
		{"page without an origin of its own", "POST", "/v1/ws", "null", "*", 403},
		{"another method", "GET", "/v1/ws", "https://evil", "", 403},
		{"preflight", "OPTIONS", "/v1/ws", "https://evil", "", 403},
		{"another address", "POST", "/api/login", "https://evil", "", 403},
		{"address below", "POST", "/v1/ws/", "https://evil", "", 403},
		{"listed, not as JSON", "POST", "/v1/ws", listed, "", 403},
		{"our own, not as JSON", "POST", "/v1/ws", "http://rowcall.example", "", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := apitest.Request(c.method, c.path, "Origin", c.origin, "Content-Type", "text/plain")
			r.Host = "rowcall.example"
			got := apitest.Answer(guarded(t), r)
			if got.StatusCode != c.status {
				t.Errorf("status %d, want %d", got.StatusCode, c.status)
			}
			if allowed := got.Header.Get("Access-Control-Allow-Origin"); allowed != c.want {
				t.Errorf("allowed origin %q, want %q", allowed, c.want)
			}
			if got.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
			body, err := io.ReadAll(got.Body)
			if err != nil {
				t.Fatal(err)
			}
			if refused := strings.Contains(string(body), `"code":"origin_not_allowed"`); refused != (c.origin != listed && c.origin != "http://rowcall.example") {
				t.Errorf("body %s", body)
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
			r := apitest.Request("GET", "/")
			r.RemoteAddr, r.Host = c.peer, c.host
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
			if got := apitest.Answer(guarded(t), r); got.StatusCode != c.status {
				t.Errorf("status %d, want %d", got.StatusCode, c.status)
			}
		})
	}
}

// A preflight of a listed page allows the headers that common clients set on every request.
func TestPreflightAllowsHeadersOfCommonClients(t *testing.T) {
	t.Parallel()
	r := apitest.Request("OPTIONS", "/v1/sse", "Origin", listed, "Access-Control-Request-Method", "GET",
		"Access-Control-Request-Headers", "cache-control,x-csrftoken,x-requested-with")
	got := apitest.Answer(guarded(t), r)
	allowed := strings.Split(strings.ToLower(got.Header.Get("Access-Control-Allow-Headers")), ", ")
	for _, name := range []string{"authorization", "content-type", "last-event-id", "cache-control", "x-requested-with", "x-csrftoken"} {
		if !slices.Contains(allowed, name) {
			t.Errorf("%s is not among the allowed headers %q", name, allowed)
		}
	}
}

// The log names a refused origin at level debug, and nothing of the query, which may hold credentials.
func TestRefusedOriginsAreLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	door := openDoor(t, Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	handler := door.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	apitest.Answer(handler, apitest.Request("GET", "/v1/ws?token=secret", "Origin", "https://evil.example"))
	for _, want := range []string{"request turned away", "origin=https://evil.example", "path=/v1/ws"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("logged %q, want it to have %q", log.String(), want)
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("logged the query: %q", log.String())
	}
}

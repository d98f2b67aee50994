package door

import (
	"crypto/tls"
	"testing"

	"rowcall/api/apitest"
)

func TestOriginIsComparedExactly(t *testing.T) {
	t.Parallel()
	door := openDoor(t, Options{Origins: []string{
		"https://app.example", "https://other.example:8443", "http://localhost:*", "http://[::1]:*", "http://app.localhost:*",
	}})
	for _, c := range []struct {
		origin string
		want   bool
	}{
		{"https://app.example", true},
		{"https://APP.example", true},
		{"https://app.example:443", true},
		{"https://other.example:8443", true},
		{"http://localhost:3000", true},
		{"http://localhost", true},
		{"http://[::1]:5173", true},
		{"http://app.localhost:5173", true},
		{"http://other.localhost:5173", false},
		{"http://rowcall.example", true}, // our own: the request's scheme and Host
		{"https://rowcall.example", false},
		{"http://rowcall.example:81", false},
		{"https://evil", false},
		{"null", false},
		{"", false},
		{"https://app.example.evil", false},
		{"https://evil.app.example", false},
		{"https://evil-app.example", false},
		{"http://app.example", false},
		{"https://app.example:8443", false},
		{"https://other.example", false},
		{"https://app.example/", false},
		{"https://app.example?x", false},
		{"https://app.example#x", false},
		{"https://user@app.example", false},
		{"https://app.example@evil", false},
		{"https://app.example, https://evil", false},
		{"https://app.example https://evil", false},
		{"//app.example", false},
		{"app.example", false},
		{"https://app.example\x00", false},
		{"https://localhost:3000", false},
		{"http://localhost:*", false},
		{"http://localhost.evil:3000", false},
		{"file://localhost", false},
		{"chrome-extension://app.example", false},
	} {
		r := apitest.Request("GET", "/v1/ws", "Origin", c.origin)
		r.Host = "rowcall.example"
		if got := door.OriginAllowed(r); got != c.want {
			t.Errorf("origin %q allowed %v, want %v", c.origin, got, c.want)
		}
	}
}

func TestOriginMissingOrTwice(t *testing.T) {
	t.Parallel()
	door := openDoor(t, Options{Origins: []string{"https://app.example"}})
	if !door.OriginAllowed(apitest.Request("GET", "/v1/ws")) {
		t.Error("a handshake without an Origin comes from no browser and is allowed")
	}
	if door.OriginAllowed(apitest.Request("GET", "/v1/ws", "Origin", "https://app.example", "Origin", "https://evil")) {
		t.Error("two Origins")
	}
}

func TestOwnOriginIsWhatTheBrowserSees(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, peer, host, forwardedHost, forwardedProto, origin string
		tls, want                                               bool
	}{
		{"plain", "192.0.2.1:1", "a.example:8080", "", "", "http://a.example:8080", false, true},
		{"TLS", "192.0.2.1:1", "a.example", "", "", "https://a.example", true, true},
		{"another scheme than TLS", "192.0.2.1:1", "a.example", "", "", "http://a.example", true, false},
		{"proxy", "10.0.0.1:1", "rowcall:8080", "a.example", "https", "https://a.example", false, true},
		{"proxy that keeps Host", "10.0.0.1:1", "a.example", "", "https", "https://a.example", false, true},
		{"the proxy's inner name", "10.0.0.1:1", "rowcall:8080", "a.example", "https", "http://rowcall:8080", false, false},
		{"forged host", "192.0.2.1:1", "a.example", "evil", "", "http://evil", false, false},
		{"forged scheme", "192.0.2.1:1", "a.example", "", "https", "https://a.example", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := apitest.Request("GET", "/v1/ws", "Origin", c.origin)
			r.RemoteAddr, r.Host = c.peer, c.host
			if c.forwardedHost != "" {
				r.Header.Set("X-Forwarded-Host", c.forwardedHost)
			}
			if c.forwardedProto != "" {
				r.Header.Set("X-Forwarded-Proto", c.forwardedProto)
			}
			if c.tls {
				r.TLS = new(tls.ConnectionState)
			}
			if got := behindProxies(t).OriginAllowed(r); got != c.want {
				t.Errorf("allowed %v, want %v", got, c.want)
			}
		})
	}
}

func TestConfiguredOriginsAreChecked(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "*", "null", "app.example", "https://", "https://app.example/", "https://app.example/path", "ftp://app.example",
		"https://*.example", "https://app.example:*", "*://localhost:*", "http://localhost:*/", "http://localhost:x",
	} {
		if _, err := New(Options{Origins: []string{"https://good.example", text}}); err == nil {
			t.Errorf("origin %q: got no error, want one", text)
		}
	}
}

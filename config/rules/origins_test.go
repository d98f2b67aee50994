package rules

import "testing"

func TestOriginPatterns(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Origin{
		"https://app.example.org":      {"https", "app.example.org", "443"},
		"https://app.example.org:8443": {"https", "app.example.org", "8443"},
		"http://localhost:5173":        {"http", "localhost", "5173"},
		"http://[::1]:80":              {"http", "::1", "80"},
		"http://localhost:*":           {"http", "localhost", AnyPort},
		"http://127.0.0.1:*":           {"http", "127.0.0.1", AnyPort},
		"http://[::1]:*":               {"http", "::1", AnyPort},
		"http://app.localhost:*":       {"http", "app.localhost", AnyPort},
	} {
		if got, err := ParseOriginPattern(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "*", "null", "app.example.org", "https://", "https://a.example/", "https://a.example/path", "https://A.example", "HTTPS://a.example",
		"ws://a.example", "ftp://a.example", "https://a.example:", "https://a.example:*", "https://*.example", "*://localhost:*",
		"http://localhost:80:*", "http://localhost:*/", "http://localhost:x", "http://notlocalhost:*",
		"https://user@a.example", "https://a.example?q", "https://a.example#f", "https://:8080",
	} {
		if got, err := ParseOriginPattern(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

// Browsers know that a name below localhost is this machine. A program asks a name server for it.
func TestLoopback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host                 string
		toBrowsers, toAnyone bool
	}{
		{"localhost", true, true},
		{"127.0.0.1", true, true},
		{"127.9.9.9", true, true},
		{"::1", true, true},
		{"app.localhost", true, false},
		{"localhost.example", false, false},
		{"192.0.2.1", false, false},
		{"", false, false},
	} {
		if got := IsLoopbackName(c.host); got != c.toBrowsers {
			t.Errorf("%q is this machine to browsers: got %v, want %v", c.host, got, c.toBrowsers)
		}
		if got := IsLoopback(c.host); got != c.toAnyone {
			t.Errorf("%q is this machine to programs: got %v, want %v", c.host, got, c.toAnyone)
		}
	}
}

func TestKeyAddresses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"http://127.0.0.1:8081/keys", "http://[::1]/keys", "http://localhost/keys", "https://id.example", "https://id.example:8443/a/b?c=d",
	} {
		if err := CheckKeyAddress(text); err != nil {
			t.Errorf("%s: got %v, want no error", text, err)
		}
	}
	for _, text := range []string{
		"", "https://", "http://id.example/k", "http://localhost.example/k", "http://app.localhost/k", "//id.example/k", "id.example",
		"https://id.example/#k", "https://user@id.example/k", "https://user:password@id.example/k", "file:///etc/keys",
	} {
		if err := CheckKeyAddress(text); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
}

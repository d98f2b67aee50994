package rules

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Origin is where a page comes from, in one spelling. The port is always there.
type Origin struct{ Scheme, Host, Port string }

// AnyPort is the port of an origin of the configuration that stands for all ports of its host.
const AnyPort = "*"

// ParseOrigin reads what a browser sends: scheme, host and port, and nothing else. It refuses null,
// which stands for a page that hides where it comes from.
func ParseOrigin(text string) (Origin, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, text) {
		return Origin{}, false
	}
	return NewOrigin(u.Scheme, u.Host)
}

// NewOrigin makes an origin of a scheme, and a host with or without a port.
func NewOrigin(scheme, hostport string) (Origin, bool) {
	u := url.URL{Host: strings.ToLower(hostport)}
	made := Origin{Scheme: scheme, Host: u.Hostname(), Port: u.Port()}
	if made.Port == "" {
		made.Port = defaultPort(scheme)
	}
	return made, made.Host != "" && defaultPort(scheme) != ""
}

// defaultPort is empty for a scheme that no page comes with.
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// ParseOriginPattern reads an entry of http.origins. Its port may be a star, for a frontend under
// development: only on this machine, because another program could own the other ports elsewhere.
func ParseOriginPattern(text string) (Origin, error) {
	base, anyPort := strings.CutSuffix(text, ":"+AnyPort)
	parsed, ok := ParseOrigin(base)
	switch {
	case !ok || base != strings.ToLower(base) || strings.Contains(base, "*") || strings.HasSuffix(base, ":"):
		return Origin{}, fmt.Errorf("%q is no origin: write scheme, host and port as a browser sends them, "+
			"such as https://app.example.org, or http://localhost:*", text)
	case anyPort && !IsLoopbackName(parsed.Host):
		return Origin{}, fmt.Errorf("%q: any port is allowed on this machine only, as in http://localhost:*", text)
	case anyPort && hasPort(base):
		return Origin{}, fmt.Errorf("%q has two ports", text)
	case anyPort:
		parsed.Port = AnyPort
	}
	return parsed, nil
}

func hasPort(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Port() != ""
}

// IsLoopbackName reports whether browsers take a host name or address for this machine. They do so
// with every name below localhost, and ask no name server. Do not use it for a name that this
// program connects to: see IsLoopback.
func IsLoopbackName(host string) bool {
	return IsLoopback(host) || strings.HasSuffix(host, ".localhost")
}

// IsLoopback reports whether a host name or address always means this machine, also to programs.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// CheckKeyAddress returns an error unless the public keys that an address gives can be trusted:
// nobody on the network can replace them.
func CheckKeyAddress(text string) error {
	u, err := url.Parse(text)
	trusted := err == nil && u.Hostname() != "" && u.User == nil && u.Fragment == "" &&
		(u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname()))
	if !trusted {
		return fmt.Errorf("%q is no address to trust keys from: write https://host/path (http only on this machine)", text)
	}
	return nil
}

package door

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

var errBadOrigin = errors.New("write scheme://host or scheme://host:port; any port, as in http://localhost:*, only of this machine")

// origin is the origin of a page. The port is always given; in a pattern it may be anyPort.
type origin struct{ scheme, host, port string }

const anyPort = "*"

// originList is a set of origins and origin patterns.
type originList map[origin]struct{}

func parseOriginPatterns(texts []string) (originList, error) {
	list := make(originList, len(texts))
	for _, text := range texts {
		entry, err := parseOriginPattern(text)
		if err != nil {
			return nil, err
		}
		list[entry] = struct{}{}
	}
	return list, nil
}

// parseOriginPattern reads an entry of the configuration. The port * is for a frontend under
// development, and only allowed for this machine: on another one, programs of other people may listen
// on the other ports.
func parseOriginPattern(text string) (origin, error) {
	base, wild := strings.CutSuffix(text, ":"+anyPort)
	entry, ok := parseOrigin(base)
	if !ok || strings.Contains(base, anyPort) || wild && !IsLoopback(entry.host) {
		return origin{}, fmt.Errorf("%q: %w", text, errBadOrigin)
	}
	if wild {
		entry.port = anyPort
	}
	return entry, nil
}

func (o originList) contains(from origin) bool {
	if _, ok := o[from]; ok {
		return true
	}
	from.port = anyPort
	_, ok := o[from]
	return ok
}

// containsHost reports whether an origin of the list has this host.
func (o originList) containsHost(host string) bool {
	for entry := range o {
		if entry.host == host {
			return true
		}
	}
	return false
}

// parseOrigin reads the Origin header of a browser: scheme, host and port, and nothing else. It refuses
// null, which a browser sends for a page that hides its origin.
func parseOrigin(text string) (origin, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, text) {
		return origin{}, false
	}
	return makeOrigin(u.Scheme, u.Host)
}

// makeOrigin returns the origin of a scheme and a host, with or without a port.
func makeOrigin(scheme, hostport string) (origin, bool) {
	u := url.URL{Host: strings.ToLower(hostport)}
	made := origin{scheme: scheme, host: u.Hostname(), port: u.Port()}
	if made.port == "" {
		made.port = defaultPort(scheme)
	}
	return made, made.host != "" && defaultPort(scheme) != ""
}

// defaultPort returns the default port of a scheme; empty if pages cannot have that scheme.
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// ownOrigin returns the origin of our own pages as the browser that sent the request sees it.
func (d *Door) ownOrigin(r *http.Request) origin {
	scheme := "http"
	if d.Secure(r) {
		scheme = "https"
	}
	self, _ := makeOrigin(scheme, d.requestedHost(r))
	return self
}

// IsLoopback reports whether a host name or an address always stands for this machine.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

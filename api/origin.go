package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

var errBadOrigin = errors.New("write scheme://host or scheme://host:port; any port, as in http://localhost:*, only of this machine")

// origin is where a page comes from, in one spelling: the port is always there, or anyPort in a
// pattern.
type origin struct{ scheme, host, port string }

const anyPort = "*"

// origins is an exact list of pages, some of them on any port.
type origins map[origin]struct{}

func parseOrigins(texts []string) (origins, error) {
	list := make(origins, len(texts))
	for _, text := range texts {
		entry, err := parsePattern(text)
		if err != nil {
			return nil, err
		}
		list[entry] = struct{}{}
	}
	return list, nil
}

// parsePattern reads an entry of the configuration. Any port is for a frontend under development:
// on another machine somebody else may own the other ports.
func parsePattern(text string) (origin, error) {
	base, wild := strings.CutSuffix(text, ":"+anyPort)
	entry, ok := parseOrigin(base)
	if !ok || strings.Contains(base, anyPort) || wild && !loopback(entry.host) {
		return origin{}, fmt.Errorf("%q: %w", text, errBadOrigin)
	}
	if wild {
		entry.port = anyPort
	}
	return entry, nil
}

func (o origins) contain(from origin) bool {
	if _, ok := o[from]; ok {
		return true
	}
	from.port = anyPort
	_, ok := o[from]
	return ok
}

// hosts reports whether a page of the list comes from this host.
func (o origins) hosts(host string) bool {
	for entry := range o {
		if entry.host == host {
			return true
		}
	}
	return false
}

// parseOrigin reads what browsers send: scheme, host and port, and nothing else. null, which
// stands for a page that hides where it comes from, is no origin.
func parseOrigin(text string) (origin, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, text) {
		return origin{}, false
	}
	return makeOrigin(u.Scheme, u.Host)
}

// makeOrigin takes a host with or without a port.
func makeOrigin(scheme, hostport string) (origin, bool) {
	u := url.URL{Host: strings.ToLower(hostport)}
	made := origin{scheme: scheme, host: u.Hostname(), port: u.Port()}
	if made.port == "" {
		made.port = defaultPort(scheme)
	}
	return made, made.host != "" && defaultPort(scheme) != ""
}

// defaultPort is empty for schemes that no page comes with.
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// own is the origin of our own pages, as the browser that sent the request knows them.
func (d *Door) own(r *http.Request) origin {
	scheme := "http"
	if d.Secure(r) {
		scheme = "https"
	}
	self, _ := makeOrigin(scheme, d.host(r))
	return self
}

// loopback reports whether a host name or address always means this machine.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

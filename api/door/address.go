package door

import (
	"net/http"
	"net/netip"
	"strings"
)

// Address returns the address that a request comes from: the peer's, or, if the peer is a trusted proxy,
// the last address in X-Forwarded-For that is not a trusted proxy's. The addresses before that one
// were written by the client and prove nothing. A peer without an address has the zero Addr.
func (d *Door) Address(r *http.Request) netip.Addr {
	addr := peerAddress(r)
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0 && inAnyPrefix(addr, d.proxies); i-- {
		next, ok := parseAddress(forwarded[i])
		if !ok {
			break
		}
		addr = next
	}
	return addr
}

// Secure reports whether the browser speaks https, to this server or to a trusted proxy.
func (d *Door) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	proto := d.forwardedHeader(r, "X-Forwarded-Proto")
	return proto == "https" || proto == "wss"
}

// requestedHost returns the host and port that the browser asked for.
func (d *Door) requestedHost(r *http.Request) string {
	if host := d.forwardedHeader(r, "X-Forwarded-Host"); host != "" {
		return host
	}
	return r.Host
}

// forwardedHeader returns what the nearest proxy has written into a header, in lower case; empty if the
// proxy is not trusted.
func (d *Door) forwardedHeader(r *http.Request, header string) string {
	values := r.Header.Values(header)
	if len(values) == 0 || !inAnyPrefix(peerAddress(r), d.proxies) {
		return ""
	}
	last := values[len(values)-1]
	last = last[strings.LastIndexByte(last, ',')+1:]
	return strings.ToLower(strings.TrimSpace(last))
}

// peerAddress returns the address at the other end of the TCP connection.
func peerAddress(r *http.Request) netip.Addr {
	addr, _ := parseAddress(r.RemoteAddr)
	return addr
}

// parseAddress reads an address with or without a port, in the form that prefixes are compared with.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if both, err := netip.ParseAddrPort(text); err == nil {
		return canonicalAddress(both.Addr()), true
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	addr, err := netip.ParseAddr(text)
	return canonicalAddress(addr), err == nil
}

// canonicalAddress turns an IPv4 address in IPv6 form into IPv4, and drops the zone.
func canonicalAddress(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// inAnyPrefix reports whether an address lies in one of the prefixes.
func inAnyPrefix(addr netip.Addr, prefixes []netip.Prefix) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// AddressBlock returns the block that limits count as one address: an IPv4 address, or the /64 of an IPv6
// address, since each IPv6 subscriber has a whole /64.
func AddressBlock(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}

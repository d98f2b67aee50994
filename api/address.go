package api

import (
	"net/http"
	"net/netip"
	"strings"
)

// Address is where a request comes from: the peer, or, where the peer is a trusted proxy, the
// nearest address in X-Forwarded-For that is none. What stands left of that one was written by
// the client and proves nothing. The zero Addr stands for a peer without an address.
func (d *Door) Address(r *http.Request) netip.Addr {
	addr := peer(r)
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0 && within(addr, d.proxies); i-- {
		next, ok := parseAddress(forwarded[i])
		if !ok {
			break
		}
		addr = next
	}
	return addr
}

// Secure reports whether the browser speaks https, to us or to a trusted proxy.
func (d *Door) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	proto := d.forwarded(r, "X-Forwarded-Proto")
	return proto == "https" || proto == "wss"
}

// host is the host and port that the browser asked for.
func (d *Door) host(r *http.Request) string {
	if host := d.forwarded(r, "X-Forwarded-Host"); host != "" {
		return host
	}
	return r.Host
}

// forwarded is what the nearest proxy says in a header, lower-cased; empty unless we trust it.
func (d *Door) forwarded(r *http.Request, header string) string {
	values := r.Header.Values(header)
	if len(values) == 0 || !within(peer(r), d.proxies) {
		return ""
	}
	last := values[len(values)-1]
	last = last[strings.LastIndexByte(last, ',')+1:]
	return strings.ToLower(strings.TrimSpace(last))
}

// peer is the other end of the TCP connection.
func peer(r *http.Request) netip.Addr {
	addr, _ := parseAddress(r.RemoteAddr)
	return addr
}

// parseAddress reads an address with or without a port, in the one spelling that prefixes match.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if both, err := netip.ParseAddrPort(text); err == nil {
		return spelled(both.Addr()), true
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	addr, err := netip.ParseAddr(text)
	return spelled(addr), err == nil
}

// spelled drops what makes two spellings of one address differ.
func spelled(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// within reports whether an address lies in one of the prefixes.
func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// block is what limits count as one address: an IPv6 subscriber has a whole /64 to choose from.
func block(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}

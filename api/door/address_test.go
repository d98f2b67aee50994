package door

import (
	"crypto/tls"
	"net/netip"
	"testing"

	"rowcall/api/apitest"
)

// behindProxies returns a door that trusts 10.0.0.0/8 and one IPv6 proxy.
func behindProxies(t *testing.T) *Door {
	t.Helper()
	return openDoor(t, Options{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("2001:db8::1/128"),
	}})
}

// openDoor returns a Door with the given options.
func openDoor(t *testing.T, o Options) *Door {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestForwardedAddressCountsOnlyFromTrustedProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "192.0.2.1:4711", nil, "192.0.2.1"},
		{"forged by a stranger", "192.0.2.1:4711", []string{"198.51.100.9"}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:80", []string{"198.51.100.9"}, "198.51.100.9"},
		{"forged before one proxy", "10.0.0.1:80", []string{"203.0.113.5, 198.51.100.9"}, "198.51.100.9"},
		{"forged as a trusted proxy", "10.0.0.1:80", []string{"10.1.1.1, 198.51.100.9"}, "198.51.100.9"},
		{"two proxies", "10.0.0.1:80", []string{"203.0.113.5, 198.51.100.9, 10.0.0.2"}, "198.51.100.9"},
		{"two headers", "10.0.0.1:80", []string{"203.0.113.5", "198.51.100.9"}, "198.51.100.9"},
		{"with a port", "10.0.0.1:80", []string{"198.51.100.9:1234"}, "198.51.100.9"},
		{"IPv6 with brackets", "10.0.0.1:80", []string{"[2001:db8::9]:1234"}, "2001:db8::9"},
		{"IPv6 proxy", "[2001:db8::1]:80", []string{"2001:db8::9"}, "2001:db8::9"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.9"}, "198.51.100.9"},
		{"with a zone", "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"garbage", "10.0.0.1:80", []string{"unknown"}, "10.0.0.1"},
		{"garbage before an address", "10.0.0.1:80", []string{"'; drop, 198.51.100.9"}, "198.51.100.9"},
		{"garbage behind an address", "10.0.0.1:80", []string{"198.51.100.9, x"}, "10.0.0.1"},
		{"only proxies", "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"empty", "10.0.0.1:80", []string{""}, "10.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := apitest.Request("GET", "/")
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.forwarded
			if got := behindProxies(t).Address(r); got.String() != c.want {
				t.Errorf("address %v, want %v", got, c.want)
			}
		})
	}
}

func TestAPeerWithoutAnAddressIsNobody(t *testing.T) {
	t.Parallel()
	r := apitest.Request("GET", "/", "X-Forwarded-For", "198.51.100.9")
	r.RemoteAddr = "@"
	if got := behindProxies(t).Address(r); got.IsValid() {
		t.Errorf("address %v of a Unix socket's peer", got)
	}
}

func TestSchemeIsThatOfTheBrowser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, peer, proto string
		tls, want         bool
	}{
		{"plain", "192.0.2.1:1", "", false, false},
		{"TLS to us", "192.0.2.1:1", "", true, true},
		{"forged by a stranger", "192.0.2.1:1", "https", false, false},
		{"TLS to a proxy", "10.0.0.1:1", "https", false, true},
		{"a proxy that names the WebSocket", "10.0.0.1:1", "WSS", false, true},
		{"plain to a proxy", "10.0.0.1:1", "http", false, false},
		{"forged before a proxy that appends", "10.0.0.1:1", "https, http", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := apitest.Request("GET", "/", "X-Forwarded-Proto", c.proto)
			r.RemoteAddr = c.peer
			if c.tls {
				r.TLS = new(tls.ConnectionState)
			}
			if got := behindProxies(t).Secure(r); got != c.want {
				t.Errorf("secure %v, want %v", got, c.want)
			}
		})
	}
}

func TestBlockIsWhatOneSubscriberOwns(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"198.51.100.9":     "198.51.100.9/32",
		"2001:db8:1:2::3":  "2001:db8:1:2::/64",
		"2001:db8:1:2:f::": "2001:db8:1:2::/64",
	} {
		if got := AddressBlock(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("block of %s is %v, want %s", address, got, want)
		}
	}
	if AddressBlock(netip.Addr{}).IsValid() {
		t.Error("no address has a block")
	}
}

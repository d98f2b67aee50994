package api

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// DoorOptions say who may come in, and how many. The zero value serves its own pages only, trusts
// no proxy and has the documented limits.
type DoorOptions struct {
	Origins             []string       // pages that may connect besides our own: https://app.example, http://localhost:*
	TrustedProxies      []netip.Prefix // whose X-Forwarded-For, -Proto and -Host are believed
	Exempt              []netip.Prefix // addresses that are not counted, except against Sockets
	Sockets             int            // of the node; 20,000
	SocketsPerAddress   int            // of an IPv4 address or an IPv6 /64; 1,000
	SocketsPerUser      int            // 100
	HandshakesPerSecond int            // of an IPv4 address or an IPv6 /64; 100
	RequestsPerSecond   int            // over HTTP, of an address and of a user, whose handshakes count too; twice as many at once; 100
	ReplaysPerUser      int            // at a time, that read the log; 20
	ReplayBytes         int            // that replays of a user read from the log in a minute; 256 MiB
}

// Door decides what may come in before anybody asks who it is: which pages, which hosts, which
// forms of requests, and how many sockets. It is safe for use by several goroutines.
type Door struct {
	origins    origins
	proxies    []netip.Prefix
	exempt     []netip.Prefix
	handshakes *throttle[netip.Prefix]
	requests   *throttle[netip.Prefix]
	users      *throttle[string]
	replays    *replays
	places     *places
}

// NewDoor checks the origins. The error names the one that is wrong.
func NewDoor(o DoorOptions) (*Door, error) {
	allowed, err := parseOrigins(o.Origins)
	if err != nil {
		return nil, fmt.Errorf("reading the allowed origins: %w", err)
	}
	perSecond, requests := cmp.Or(o.HandshakesPerSecond, 100), cmp.Or(o.RequestsPerSecond, 100)
	return &Door{
		origins:    allowed,
		proxies:    o.TrustedProxies,
		exempt:     o.Exempt,
		handshakes: newThrottle[netip.Prefix](rate.Limit(perSecond), perSecond),
		requests:   newThrottle[netip.Prefix](rate.Limit(requests), 2*requests),
		users:      newThrottle[string](rate.Limit(requests), 2*requests),
		replays:    newReplays(cmp.Or(o.ReplaysPerUser, 20), cmp.Or(o.ReplayBytes, 256<<20)),
		places: newPlaces(
			cmp.Or(o.Sockets, 20_000),
			cmp.Or(o.SocketsPerAddress, 1_000),
			cmp.Or(o.SocketsPerUser, 100),
		),
	}, nil
}

// OriginAllowed reports whether the page that makes the request may. A request without an Origin
// is not made by a page: browsers always send one with a WebSocket handshake, and with every
// request to another site that could read the answer or change something.
func (d *Door) OriginAllowed(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	if len(sent) == 0 {
		return true
	}
	if len(sent) > 1 {
		return false
	}
	from, ok := parseOrigin(sent[0])
	return ok && (from == d.own(r) || d.origins.contain(from))
}

// AdmitHandshake counts one handshake of the request's address. The error is problem.ErrRateLimited.
func (d *Door) AdmitHandshake(r *http.Request) error {
	addr := d.Address(r)
	if within(addr, d.exempt) {
		return nil
	}
	return d.handshakes.take(block(addr), time.Now())
}

// AdmitSocket takes a place for a socket of an address and a user, whose id is empty when
// anonymous. Release gives it back and may be called more than once. The errors are problem.ErrFull when
// the node is full and problem.ErrRateLimited when the address or the user has enough.
func (d *Door) AdmitSocket(addr netip.Addr, user string) (release func(), err error) {
	if within(addr, d.exempt) {
		return d.places.take(owner{})
	}
	return d.places.take(owner{addr: block(addr), user: user})
}

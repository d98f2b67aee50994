// Package door decides about a request before its user is known. [Door.Guard] refuses what a page of another
// site may have caused and unknown host names. The Admit methods count handshakes, open sockets and
// requests against limits, and [Door.ReplayMeter] limits what may be read from the log.
package door

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"rowcall/config/rules"
)

// Options configure a Door. The zero value serves its own pages only, trusts no proxy and has the
// documented limits.
type Options struct {
	Origins             []string       // pages that may connect besides our own: https://app.example, http://localhost:*
	TrustedProxies      []netip.Prefix // whose X-Forwarded-For, -Proto and -Host are believed
	Exempt              []netip.Prefix // addresses that are not counted, except against Sockets
	Sockets             int            // open on the node; 20,000
	SocketsPerAddress   int            // open from an IPv4 address or an IPv6 /64; 1,000
	SocketsPerUser      int            // open; 100
	HandshakesPerSecond int            // from an IPv4 address or an IPv6 /64; 100
	RequestsPerSecond   int            // over HTTP, from an address, and of a user together with handshakes; twice as many in a burst; 100
	ReplaysPerUser      int            // that read the log at the same time; 20
	ReplayBytes         int            // that the replays of a user read from the log in a minute; 256 MiB
	Logger              *slog.Logger   // is told at level debug of requests that Guard refuses; slog.Default()
}

// Door decides about a request before its user is known: by the page, the host name, the form of the
// request, and by how many requests and sockets there are. It is safe for use by several goroutines.
type Door struct {
	origins     originList
	proxies     []netip.Prefix
	exempt      []netip.Prefix
	handshakes  *Throttle[netip.Prefix]
	requests    *Throttle[netip.Prefix]
	users       *Throttle[string]
	replayQuota *replayQuota
	socketQuota *socketQuota
	log         *slog.Logger
}

// New prepares a Door. The error names the origin that cannot be read.
func New(o Options) (*Door, error) {
	allowed, err := parseOriginPatterns(o.Origins)
	if err != nil {
		return nil, fmt.Errorf("reading the allowed origins: %w", err)
	}
	perSecond, requests := cmp.Or(o.HandshakesPerSecond, 100), cmp.Or(o.RequestsPerSecond, 100)
	return &Door{
		origins:     allowed,
		proxies:     o.TrustedProxies,
		exempt:      o.Exempt,
		handshakes:  NewThrottle[netip.Prefix](rate.Limit(perSecond), perSecond),
		requests:    NewThrottle[netip.Prefix](rate.Limit(requests), 2*requests),
		users:       NewThrottle[string](rate.Limit(requests), 2*requests),
		replayQuota: newReplayQuota(cmp.Or(o.ReplaysPerUser, 20), cmp.Or(o.ReplayBytes, 256<<20)),
		socketQuota: newSocketQuota(
			cmp.Or(o.Sockets, 20_000),
			cmp.Or(o.SocketsPerAddress, 1_000),
			cmp.Or(o.SocketsPerUser, 100),
		),
		log: cmp.Or(o.Logger, slog.Default()),
	}, nil
}

// OriginAllowed reports whether the page that makes the request may make it. A request without an
// Origin header comes from no page: browsers always send the header with a WebSocket handshake, and
// with every request to another site that could read the answer or change something.
func (d *Door) OriginAllowed(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	if len(sent) == 0 {
		return true
	}
	if len(sent) > 1 {
		return false
	}
	from, ok := rules.ParseOrigin(sent[0])
	return ok && (from == d.ownOrigin(r) || d.origins.contains(from))
}

// AdmitHandshake counts a handshake of the request's address. The error is problem.ErrRateLimited.
func (d *Door) AdmitHandshake(r *http.Request) error {
	addr := d.Address(r)
	if d.Exempt(addr) {
		return nil
	}
	return d.handshakes.TakeToken(AddressBlock(addr), time.Now())
}

// AdmitSocket counts an open socket of an address and a user; the user is empty for an anonymous
// follower. Call release when the socket has ended; more calls do nothing. The errors are problem.ErrFull when
// the node is full and problem.ErrRateLimited when the address or the user has enough.
func (d *Door) AdmitSocket(addr netip.Addr, user string) (release func(), err error) {
	if d.Exempt(addr) {
		return d.socketQuota.takeSlot(quotaOwner{})
	}
	return d.socketQuota.takeSlot(quotaOwner{addr: AddressBlock(addr), user: user})
}

// Exempt reports whether limits do not apply to an address.
func (d *Door) Exempt(addr netip.Addr) bool { return inAnyPrefix(addr, d.exempt) }

// AdmitRequest counts an HTTP request of an address. The error is problem.ErrRateLimited.
func (d *Door) AdmitRequest(r *http.Request) error {
	addr := d.Address(r)
	if d.Exempt(addr) {
		return nil
	}
	return d.requests.TakeToken(AddressBlock(addr), time.Now())
}

// AdmitUser counts a request or handshake of a user, whatever address it comes from. Only exempt
// addresses are not counted. The error is problem.ErrRateLimited.
func (d *Door) AdmitUser(addr netip.Addr, user string) error {
	if d.Exempt(addr) {
		return nil
	}
	return d.users.TakeToken(user, time.Now())
}

package door

import (
	"net/netip"
	"sync"

	"rowcall/api/problem"
)

// quotaOwner is the address and the user that a socket or a replay is counted for. A zero field is not
// counted.
type quotaOwner struct {
	addr netip.Prefix
	user string
}

// socketQuota counts the open sockets of the node, of each address and of each user.
type socketQuota struct {
	max, maxAddress, maxUser int

	mu        sync.Mutex // guards the counts; a count of zero has no entry
	total     int
	addresses map[netip.Prefix]int
	users     map[string]int
}

func newSocketQuota(limit, perAddress, perUser int) *socketQuota {
	return &socketQuota{
		max:        limit,
		maxAddress: perAddress,
		maxUser:    perUser,
		addresses:  map[netip.Prefix]int{},
		users:      map[string]int{},
	}
}

// takeSlot counts a socket. The error says which limit is reached.
func (p *socketQuota) takeSlot(o quotaOwner) (release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.total >= p.max:
		return nil, problem.ErrFull
	case p.addresses[o.addr] >= p.maxAddress:
		return nil, problem.Explain(problem.ErrRateLimited, "too many sockets of one address")
	case p.users[o.user] >= p.maxUser:
		return nil, problem.Explain(problem.ErrRateLimited, "too many sockets of one user")
	}
	p.addLocked(o, 1)
	return sync.OnceFunc(func() { p.releaseSlot(o) }), nil
}

func (p *socketQuota) releaseSlot(o quotaOwner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addLocked(o, -1)
}

func (p *socketQuota) addLocked(o quotaOwner, n int) {
	p.total += n
	if o.addr.IsValid() {
		addCount(p.addresses, o.addr, n)
	}
	if o.user != "" {
		addCount(p.users, o.user, n)
	}
}

func addCount[K comparable](counts map[K]int, key K, n int) {
	counts[key] += n
	if counts[key] == 0 {
		delete(counts, key)
	}
}

package api

import (
	"net/netip"
	"sync"

	"rowcall/api/problem"
)

// owner is who takes a place. Zero fields are not counted.
type owner struct {
	addr netip.Prefix
	user string
}

// places counts the sockets that are open: of the node, of each address, of each user.
type places struct {
	max, maxAddress, maxUser int

	mu        sync.Mutex // guards the counts; entries that reach zero are removed
	total     int
	addresses map[netip.Prefix]int
	users     map[string]int
}

func newPlaces(limit, perAddress, perUser int) *places {
	return &places{
		max:        limit,
		maxAddress: perAddress,
		maxUser:    perUser,
		addresses:  map[netip.Prefix]int{},
		users:      map[string]int{},
	}
}

// take counts a socket, or says why there is no place for it.
func (p *places) take(o owner) (release func(), err error) {
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
	return sync.OnceFunc(func() { p.give(o) }), nil
}

func (p *places) give(o owner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addLocked(o, -1)
}

func (p *places) addLocked(o owner, n int) {
	p.total += n
	if o.addr.IsValid() {
		count(p.addresses, o.addr, n)
	}
	if o.user != "" {
		count(p.users, o.user, n)
	}
}

func count[K comparable](counts map[K]int, key K, n int) {
	counts[key] += n
	if counts[key] == 0 {
		delete(counts, key)
	}
}

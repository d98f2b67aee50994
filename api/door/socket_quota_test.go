package door

import (
	"errors"
	"net/netip"
	"sync"
	"testing"

	"rowcall/api/problem"
)

func TestSocketsHavePlaces(t *testing.T) {
	t.Parallel()
	door := openDoor(t, Options{Sockets: 4, SocketsPerAddress: 2, SocketsPerUser: 2})
	admit := func(addr, user string) (func(), error) { return door.AdmitSocket(netip.MustParseAddr(addr), user) }
	first, err := admit("192.0.2.1", "5")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admit("192.0.2.1", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := admit("192.0.2.1", "6"); !errors.Is(err, problem.ErrRateLimited) {
		t.Errorf("third socket of an address: %v", err)
	}
	if _, err := admit("192.0.2.2", "5"); err != nil {
		t.Fatal(err)
	}
	if _, err := admit("192.0.2.3", "5"); !errors.Is(err, problem.ErrRateLimited) {
		t.Errorf("third socket of a user: %v", err)
	}
	if _, err := admit("192.0.2.3", "7"); err != nil {
		t.Fatal(err)
	}
	if _, err := admit("192.0.2.4", "8"); !errors.Is(err, problem.ErrFull) {
		t.Errorf("fifth socket of the node: %v", err)
	}
	first()
	first() // the second call gives nothing back
	if _, err := admit("192.0.2.4", "5"); err != nil {
		t.Errorf("a freed place: %v", err)
	}
	if _, err := admit("192.0.2.5", "9"); !errors.Is(err, problem.ErrFull) {
		t.Errorf("a place freed twice: %v", err)
	}
}

func TestExemptAddressesCountAgainstTheNodeOnly(t *testing.T) {
	t.Parallel()
	door := openDoor(t, Options{
		Sockets: 3, SocketsPerAddress: 1, SocketsPerUser: 1,
		Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	local := netip.MustParseAddr("127.0.0.1")
	for range 3 {
		if _, err := door.AdmitSocket(local, "5"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := door.AdmitSocket(local, "5"); !errors.Is(err, problem.ErrFull) {
		t.Errorf("%v", err)
	}
}

func TestPlacesAreAllGivenBack(t *testing.T) {
	t.Parallel()
	p := newSocketQuota(1000, 1000, 1000)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			release, err := p.takeSlot(quotaOwner{addr: AddressBlock(netip.MustParseAddr("192.0.2.1")), user: "5"})
			if err == nil {
				release()
			}
		})
	}
	all.Wait()
	if p.total != 0 || len(p.addresses) != 0 || len(p.users) != 0 {
		t.Errorf("%d places, %d addresses and %d users are left", p.total, len(p.addresses), len(p.users))
	}
}

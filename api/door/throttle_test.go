package door

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"rowcall/api/apitest"
	"rowcall/api/problem"
)

func TestThrottleSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	th, now := NewThrottle[string](rate.Limit(1), 2), time.Now()
	for range 2 {
		if err := th.TakeToken("a", now); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // what is refused costs nothing
		err := th.TakeToken("a", now)
		if f := problem.FaultOf(err); !errors.Is(err, problem.ErrRateLimited) || f.Status != 429 || f.After != time.Second {
			t.Fatalf("%v: %+v", err, f)
		}
	}
	if err := th.TakeToken("b", now); err != nil {
		t.Errorf("another key suffers: %v", err)
	}
	if err := th.TakeToken("a", now.Add(time.Second)); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	th.Refill("a")
	if err := th.TakeToken("a", now.Add(time.Second)); err != nil {
		t.Errorf("forgiven: %v", err)
	}
}

func TestThrottleForgetsOnlyWhatIsNotUsed(t *testing.T) {
	t.Parallel()
	th, now := NewThrottle[int](rate.Limit(0.001), 1), time.Now()
	const guesser = -1
	for key := range 5 * recentKeys {
		_ = th.TakeToken(key, now)
		if key%1000 != 0 {
			continue
		}
		if err := th.TakeToken(guesser, now); key > 0 && err == nil {
			t.Fatalf("after %d other keys a key in use was forgotten", key)
		}
	}
	if known := len(th.recent) + len(th.older); known > 2*recentKeys {
		t.Errorf("%d keys are remembered", known)
	}
}

func TestHandshakesAreCountedPerBlock(t *testing.T) {
	t.Parallel()
	door := openDoor(t, Options{HandshakesPerSecond: 1, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	admit := func(peer, forwarded string) error {
		r := apitest.Request("GET", "/v1/ws", "X-Forwarded-For", forwarded)
		r.RemoteAddr = peer
		return door.AdmitHandshake(r)
	}
	if err := admit("[2001:db8::1]:1", ""); err != nil {
		t.Fatal(err)
	}
	if err := admit("[2001:db8::2]:1", "198.51.100.1"); !errors.Is(err, problem.ErrRateLimited) {
		t.Errorf("another address of the same /64, with a forged header: %v", err)
	}
	if err := admit("[2001:db8:0:1::2]:1", ""); err != nil {
		t.Errorf("another /64: %v", err)
	}
	for range 3 {
		if err := admit("127.0.0.1:1", ""); err != nil {
			t.Errorf("exempt: %v", err)
		}
	}
}

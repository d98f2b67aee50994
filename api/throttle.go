package api

import (
	"sync"
	"time"

	"rowcall/api/problem"

	"golang.org/x/time/rate"
)

// throttleKeys bounds the memory of a throttle: it knows at most twice as many keys.
const throttleKeys = 1 << 14

// throttle limits how often each of many keys may do something. Keys come from outside, so it
// remembers only so many: when the recent ones are too many they become the older ones, and what
// was not used since the last time is forgotten. To be forgotten early takes thousands of other
// keys, each of which has to be paid for elsewhere.
type throttle[K comparable] struct {
	limit rate.Limit
	burst int

	mu            sync.Mutex // guards recent and older
	recent, older map[K]*rate.Limiter
}

func newThrottle[K comparable](limit rate.Limit, burst int) *throttle[K] {
	return &throttle[K]{limit: limit, burst: burst, recent: map[K]*rate.Limiter{}}
}

// take spends one of the key's tokens, or returns problem.ErrRateLimited with the time to wait for one.
func (t *throttle[K]) take(key K, now time.Time) error {
	reserved := t.limiter(key).ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reserved.CancelAt(now)
	return problem.TryAfter(problem.ErrRateLimited, wait)
}

// spend takes n tokens, whether the key has them or not, and returns how long it takes to make up for them.
func (t *throttle[K]) spend(key K, n int, now time.Time) (wait time.Duration) {
	limiter := t.limiter(key)
	for ; n > 0; n -= t.burst {
		wait = limiter.ReserveN(now, min(n, t.burst)).DelayFrom(now)
	}
	return wait
}

// debt is how long it takes until the key has a token again.
func (t *throttle[K]) debt(key K, now time.Time) time.Duration {
	missing := 1 - t.limiter(key).TokensAt(now)
	return time.Duration(max(0, missing) / float64(t.limit) * float64(time.Second))
}

// forgive gives a key all its tokens back.
func (t *throttle[K]) forgive(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.recent, key)
	delete(t.older, key)
}

func (t *throttle[K]) limiter(key K) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.recent[key]; ok {
		return known
	}
	known, ok := t.older[key]
	if !ok {
		known = rate.NewLimiter(t.limit, t.burst)
	}
	if len(t.recent) >= throttleKeys {
		t.older, t.recent = t.recent, map[K]*rate.Limiter{}
	}
	t.recent[key] = known
	return known
}

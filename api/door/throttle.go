package door

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rowcall/api/problem"
)

// recentKeys bounds the memory of a Throttle: it remembers at most twice as many keys.
const recentKeys = 1 << 14

// Throttle is a token bucket for each of many keys. Keys come from outside, so its memory is bounded: once
// there are recentKeys recent buckets, they become the older ones, and the older ones that were not
// used since are dropped, which refills them. To have a bucket dropped early, an attacker needs
// thousands of other keys, and other limits bound how fast those can be had.
type Throttle[K comparable] struct {
	limit rate.Limit
	burst int

	mu            sync.Mutex // guards recent and older
	recent, older map[K]*rate.Limiter
}

// NewThrottle returns a Throttle whose buckets hold burst tokens and gain limit tokens a second.
func NewThrottle[K comparable](limit rate.Limit, burst int) *Throttle[K] {
	return &Throttle[K]{limit: limit, burst: burst, recent: map[K]*rate.Limiter{}}
}

// TakeToken takes a token of the key. If there is none, it returns problem.ErrRateLimited with the time until
// there is.
func (t *Throttle[K]) TakeToken(key K, now time.Time) error {
	reserved := t.limiterOf(key).ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reserved.CancelAt(now)
	return problem.TryAfter(problem.ErrRateLimited, wait)
}

// spendTokens takes n tokens of the key even if it has fewer. It returns how long the key takes to get the
// missing tokens back.
func (t *Throttle[K]) spendTokens(key K, n int, now time.Time) (wait time.Duration) {
	limiter := t.limiterOf(key)
	for ; n > 0; n -= t.burst {
		wait = limiter.ReserveN(now, min(n, t.burst)).DelayFrom(now)
	}
	return wait
}

// timeUntilToken returns how long it takes until the key has a token.
func (t *Throttle[K]) timeUntilToken(key K, now time.Time) time.Duration {
	missing := 1 - t.limiterOf(key).TokensAt(now)
	return time.Duration(max(0, missing) / float64(t.limit) * float64(time.Second))
}

// Refill fills the bucket of a key.
func (t *Throttle[K]) Refill(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.recent, key)
	delete(t.older, key)
}

// limiterOf returns the bucket of a key, and makes it a recent one.
func (t *Throttle[K]) limiterOf(key K) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.recent[key]; ok {
		return known
	}
	known, ok := t.older[key]
	if !ok {
		known = rate.NewLimiter(t.limit, t.burst)
	}
	if len(t.recent) >= recentKeys {
		t.older, t.recent = t.recent, map[K]*rate.Limiter{}
	}
	t.recent[key] = known
	return known
}

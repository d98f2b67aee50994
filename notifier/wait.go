package notifier

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// silenceLimit is how long the server may bring nothing before its connection counts as dead.
const silenceLimit = 10 * time.Second

// errSilent is the cause of a context that a watchdog has cancelled.
var errSilent = errors.New("the server has been silent for too long")

// signal wakes one goroutine. Raising it again before the goroutine has noticed changes nothing.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

// raise never blocks.
func (s signal) raise() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// sleep waits for d. It returns the context's error as soon as ctx ends.
func sleep(ctx context.Context, d time.Duration) error { return sleepUnless(ctx, d, nil) }

// sleepUnless is sleep, cut short without an error when the signal is raised. A nil signal is never
// raised.
func sleepUnless(ctx context.Context, d time.Duration, early signal) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-early:
	case <-timer.C:
	}
	return nil
}

// pause waits for a random time between d/2 and 3d/2, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	_ = sleep(ctx, d/2+rand.N(d)) // the caller looks at ctx
}

// exchange bounds one exchange with the server by silenceLimit.
func exchange(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, silenceLimit)
	defer cancel()
	return do(ctx)
}

// watchdog returns a context that is cancelled with errSilent when progress has not been called for
// the length of patience. A proxy that stops forwarding keeps a TCP connection alive for ever, and
// only the lack of progress shows it.
func watchdog(ctx context.Context, patience time.Duration) (_ context.Context, progress, cancel func()) {
	ctx, stop := context.WithCancelCause(ctx)
	timer := time.AfterFunc(patience, func() { stop(errSilent) })
	return ctx, func() { timer.Reset(patience) }, func() { timer.Stop(); stop(nil) }
}

// backoff spaces out attempts that fail: exponentially longer, with full jitter, up to two seconds.
type backoff struct{ failures int }

// succeed makes the next pause the shortest again.
func (b *backoff) succeed() { b.failures = 0 }

// pauseAfterFailure waits before the next attempt, or until ctx ends.
func (b *backoff) pauseAfterFailure(ctx context.Context) {
	const shortest, longest = 50 * time.Millisecond, 2 * time.Second
	limit := min(longest, shortest<<min(b.failures, 10))
	b.failures++
	pause(ctx, limit)
}

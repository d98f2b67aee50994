package notifier

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// stall is how long a statement may bring nothing before its connection counts as dead.
const stall = 10 * time.Second

var errStalled = errors.New("the server has been silent for too long")

// sleep waits for d, for a token, or for ctx to end.
func sleep(ctx context.Context, token <-chan struct{}, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-token:
	case <-timer.C:
	}
	return nil
}

// pause waits for about d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// timed gives one exchange with the server the length of stall.
func timed(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	return do(ctx)
}

// watchdog cancels the context when progress is not called for the length of patience: a proxy that
// stops forwarding keeps a TCP connection alive for ever.
func watchdog(ctx context.Context, patience time.Duration) (_ context.Context, progress func(), cancel func()) {
	ctx, stop := context.WithCancelCause(ctx)
	timer := time.AfterFunc(patience, func() { stop(errStalled) })
	return ctx, func() { timer.Reset(patience) }, func() { timer.Stop(); stop(nil) }
}

// backoff counts attempts and waits between them with full jitter.
type backoff struct{ attempts int }

func (b *backoff) reset() { b.attempts = 0 }

func (b *backoff) wait(ctx context.Context) {
	const least, most = 50 * time.Millisecond, 2 * time.Second
	limit := min(most, least<<min(b.attempts, 10))
	b.attempts++
	pause(ctx, limit)
}

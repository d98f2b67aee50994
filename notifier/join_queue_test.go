package notifier

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"rowcall/notifier/topic"
)

// TestAnInterruptedSubscribeIsServedAgain has two roots keep all permits for subscribes. A subscribe
// of a third one gets in, and one of the two is called again, until it has an answer.
func TestAnInterruptedSubscribeIsServedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newJoinQueue(2)
		calls := make(map[string]int)
		answers := make(chan error, 2)
		answer := make(chan struct{})
		for _, root := range []string{"a", "b"} {
			go func() {
				answers <- q.run(t.Context(), root, func(ctx context.Context) error {
					calls[root]++
					select {
					case <-ctx.Done():
						return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
					case <-answer:
						return ErrForbidden
					}
				})
			}()
			synctest.Wait()
		}
		pass(2 * slowAfter)
		if err := q.run(t.Context(), "c", func(context.Context) error { return nil }); err != nil {
			t.Errorf("the subscribe of a third root: %v", err)
		}
		synctest.Wait()
		close(answer)
		for range 2 {
			if err := <-answers; !errors.Is(err, ErrForbidden) {
				t.Errorf("a subscribe that waited got %v, want ErrForbidden", err)
			}
		}
		if n := calls["a"] + calls["b"]; n != 3 || len(q.line.roots) != 0 {
			t.Errorf("the work was called %d times and %d roots are left, want 3 and 0", n, len(q.line.roots))
		}
	})
}

// TestASubscribeThatNobodyWaitsForLeavesTheLine cancels a subscribe in line.
func TestASubscribeThatNobodyWaitsForLeavesTheLine(t *testing.T) {
	t.Parallel()
	q := newJoinQueue(1)
	_ = q.run(t.Context(), "a", func(context.Context) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := q.run(ctx, "a", func(context.Context) error { return nil })
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("the subscribe in line got %v, want ErrUnavailable", err)
		}
		return nil
	})
	if len(q.line.roots) != 0 {
		t.Errorf("%d roots are left", len(q.line.roots))
	}
}

// TestASubscriptionToSeveralRootsStandsInALineOfItsOwn compares the roots of subscriptions.
func TestASubscriptionToSeveralRootsStandsInALineOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		topics []topic.Topic
		want   string
	}{
		{[]topic.Topic{"a"}, "a"},
		{[]topic.Topic{"a/1/x"}, "a"},
		{[]topic.Topic{"a/1", "a/2"}, "a"},
		{[]topic.Topic{"b/1", "a/2", "b"}, "a b"},
		{[]topic.Topic{"a", "b/1"}, "a b"},
	} {
		if got := (&Subscription{topics: c.topics}).root(); got != c.want {
			t.Errorf("the root of %v is %q, want %q", c.topics, got, c.want)
		}
	}
}

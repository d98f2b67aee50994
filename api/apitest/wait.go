package apitest

import (
	"context"
	"sync"
	"testing"
	"time"

	"rowcall/testdeadline"
)

// WaitFor waits until done returns true, for what a goroutine brings about.
func WaitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(testdeadline.Hang())
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// RunUntilEnd runs functions until the test ends. The test fails if one of them returns an error.
func RunUntilEnd(t testing.TB, runs ...func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range runs {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); running.Wait() })
}

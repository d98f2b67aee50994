package apitest

import (
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

package api

import "testing"

// TestACursorHoldsBeforeAndAfter has a subscription begin ahead of the node: it has caught up only when the
// node has reached it, after the node's position was read.
func TestACursorHoldsBeforeAndAfter(t *testing.T) {
	t.Parallel()
	f := newFakeFeed()
	f.set(func(f *fakeFeed) { f.cursor = "before" })
	reached := func() bool {
		f.set(func(f *fakeFeed) { f.cursor = "behind the subscription" })
		return true
	}
	if got := caughtUpCursor(f, reached); got != "" {
		t.Errorf("the cursor is %q, which may be from before the subscription; want none", got)
	}
	if got := caughtUpCursor(f, reached); got != "behind the subscription" {
		t.Errorf("the cursor is %q, want the node's position", got)
	}
	if got := caughtUpCursor(f, func() bool { return false }); got != "" {
		t.Errorf("the cursor is %q while something waits, want none", got)
	}
}

package door

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"rowcall/api/problem"
	"rowcall/testdeadline"
)

// TestReplaysAtATimeWaitForTheirTurn takes all the places of one owner.
func TestReplaysAtATimeWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	door := openDoor(t, Options{ReplaysPerUser: 2})
	addr := netip.MustParseAddr("192.0.2.1")
	begin := func(user string, wait bool) (func(), error) {
		ctx, cancel := context.WithTimeout(t.Context(), testdeadline.Hang())
		defer cancel()
		if !wait {
			cancel()
		}
		return door.ReplayMeter(addr, user).BeginReplay(ctx)
	}
	first, err1 := begin("5", true)
	_, err2 := begin("5", true)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if _, err := begin("5", false); problem.FaultOf(err).Code != "rate_limited" || !strings.Contains(err.Error(), "at a time") {
		t.Errorf("a third: %v", err)
	}
	if _, err := begin("", true); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	third := make(chan error, 1)
	go func() { _, err := begin("5", true); third <- err }()
	first()
	first()
	if err := <-third; err != nil {
		t.Errorf("one whose turn has come: %v", err)
	}
	if _, err := begin("5", false); err == nil {
		t.Error("a place was given back twice")
	}
}

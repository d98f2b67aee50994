package upkeep_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"rowcall/api/upkeep"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// TestFingerprintedItemWaitsForNoOther has an item whose table is locked, so that its preparation takes long. Another item with
// a fingerprint is prepared meanwhile: when the fingerprint changes, again where mending it is unfinished, and not without need.
func TestFingerprintedItemWaitsForNoOther(t *testing.T) {
	t.Parallel()
	pool := dbconn.Over(schematest.New(t, schematest.Empty).Pool(t))
	ctx, stop := context.WithCancel(t.Context())
	locked := upkeep.NewItem("topics[0].access", "orders", func(context.Context, bool) (bool, error) {
		<-ctx.Done()
		return false, nil
	})
	var fingerprint atomic.Value
	fingerprint.Store("first")
	looks, prepared := make(chan bool), make(chan string)
	results := make(chan error, 1)
	fingerprinted := upkeep.NewFingerprintedItem("tables", "declared tables", func(context.Context) (string, error) {
		select {
		case looks <- true:
		case <-ctx.Done():
		}
		return fingerprint.Load().(string), nil
	}, func(context.Context, bool) (bool, error) {
		select {
		case prepared <- fingerprint.Load().(string):
			return false, <-results
		case <-ctx.Done():
			return false, nil
		}
	})
	keeper := upkeep.New(pool, slog.New(slog.DiscardHandler), locked, fingerprinted)
	done := make(chan error)
	go func() { done <- keeper.Run(ctx) }()
	want := func(look bool, preparation string) {
		t.Helper()
		select {
		case <-looks:
			if !look {
				t.Fatalf("the keeper looks at the fingerprint, want a preparation for %q", preparation)
			}
		case got := <-prepared:
			if got != preparation {
				t.Fatalf("prepared for the fingerprint %q, want %q", got, preparation)
			}
		case <-time.After(testdeadline.Hang()):
			t.Fatalf("neither a look nor a preparation comes")
		}
	}
	want(true, "")
	results <- upkeep.ErrUnfinished
	want(false, "first")
	want(true, "")
	results <- nil
	want(false, "first") // since it was unfinished
	want(true, "")
	fingerprint.Store("second")
	want(true, "") // without a preparation since the last look
	results <- nil
	want(false, "second")
	want(true, "")
	stop()
	if err := <-done; err != nil {
		t.Errorf("the keeper ends with %v", err)
	}
}

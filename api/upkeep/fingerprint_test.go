package upkeep_test

import (
	"context"
	"log/slog"
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
	fingerprints, prepared, results := make(chan string), make(chan bool), make(chan error)
	fingerprinted := upkeep.NewFingerprintedItem("tables", "declared tables", func(context.Context) (string, error) {
		select {
		case fingerprint := <-fingerprints:
			return fingerprint, nil
		case <-ctx.Done():
			return "", nil
		}
	}, func(context.Context, bool) (bool, error) {
		select {
		case prepared <- true:
			return false, <-results
		case <-ctx.Done():
			return false, nil
		}
	})
	keeper := upkeep.New(pool, slog.New(slog.DiscardHandler), locked, fingerprinted)
	done := make(chan error)
	go func() { done <- keeper.Run(ctx) }()
	look := func(fingerprint string) {
		t.Helper()
		select {
		case fingerprints <- fingerprint:
		case <-prepared:
			t.Fatalf("the item is prepared before the keeper has seen the fingerprint %q", fingerprint)
		case <-time.After(testdeadline.Hang()):
			t.Fatalf("the keeper does not look at the fingerprint, which is now %q", fingerprint)
		}
	}
	preparation := func(result error) {
		t.Helper()
		select {
		case <-prepared:
			results <- result
		case fingerprints <- "too early":
			t.Fatalf("the keeper looks at the fingerprint, want a preparation")
		case <-time.After(testdeadline.Hang()):
			t.Fatalf("the item is not prepared")
		}
	}
	look("first")
	preparation(upkeep.ErrUnfinished)
	look("first")
	preparation(nil) // since it was unfinished
	look("first")
	look("second") // without a preparation since the last look
	preparation(nil)
	look("second")
	stop()
	if err := <-done; err != nil {
		t.Errorf("the keeper ends with %v", err)
	}
}

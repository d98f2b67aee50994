package schema_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rowcall/schema"
	"rowcall/schema/schematest"
)

// Only one holds the lock, and within it WithLock and Migrate are plain calls.
func TestWithLock(t *testing.T) {
	t.Parallel()
	base := schematest.New(t, schematest.CoreOnly)
	db, other := base.DB(t), base.DB(t)
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- schema.WithLock(t.Context(), db, func(ctx context.Context) error {
			return schema.WithLock(ctx, db, func(ctx context.Context) error {
				if err := schema.Migrate(ctx, db, quietly(false, false)); err != nil {
					return err
				}
				close(held)
				<-release
				return nil
			})
		})
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := schema.WithLock(ctx, other, func(context.Context) error { return errors.New("got it too") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held WithLock returns %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := schema.WithLock(t.Context(), other, func(context.Context) error { return nil }); err != nil {
		t.Errorf("after it was given back: %v", err)
	}
}

// The lock is given back whatever happens within it.
func TestWithLockGivesBack(t *testing.T) {
	t.Parallel()
	base := schematest.New(t, schematest.CoreOnly)
	failure := errors.New("failure")
	ctx, cancel := context.WithCancel(t.Context())
	err := schema.WithLock(ctx, base.DB(t), func(context.Context) error {
		cancel()
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("WithLock returns %v", err)
	}
	if err := schema.WithLock(t.Context(), base.DB(t), func(context.Context) error { return nil }); err != nil {
		t.Errorf("the lock is still held: %v", err)
	}
}

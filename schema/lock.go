package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3/lock"
)

// The advisory lock over migrations, triggers and roles: any number, but the same in every version.
const lockID int64 = 0x726f7763616c6c // "rowcall"

// How long a node waits for another one that migrates: tries, a second apart.
const lockTries = 600

// held marks a context whose holder has the lock already.
type held struct{}

// WithLock calls f while no other node migrates, installs triggers or changes roles in this database.
// It waits up to ten minutes for its turn, without holding anything meanwhile. f must use the context
// it is given: within it, WithLock is a plain call. db must allow one connection besides f's.
func WithLock(ctx context.Context, db *sql.DB, f func(context.Context) error) (err error) {
	if ctx.Value(held{}) != nil {
		return f(ctx)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect for the migration lock: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()

	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(lockID), lock.WithLockTimeout(1, lockTries))
	if err != nil {
		return fmt.Errorf("prepare the migration lock: %w", err)
	}
	if err := locker.SessionLock(ctx, conn); err != nil {
		return fmt.Errorf("wait for the migration lock: %w", err)
	}
	// The lock is given back even when ctx has ended meanwhile.
	defer func() { err = errors.Join(err, locker.SessionUnlock(context.WithoutCancel(ctx), conn)) }()
	return f(context.WithValue(ctx, held{}, true))
}

package tables

import (
	"context"
	"database/sql"
	"fmt"
	"hash/crc32"

	"rowcall/config/rules"
)

// watchLock begins the advisory locks of rowcall watch. While it follows a table, its session shares the lock of the table's
// function, so that another one, which ends, removes nothing that is in use. The server gives the locks back when the
// session ends, however it ends.
const watchLock int32 = 0x726f7763 // "rowc"

// anyWatch is the second part of the lock that every watch of a database shares.
const anyWatch int32 = 0

// lockOf is the second part of a function's lock. Two functions whose hashes collide share a lock: each stays until both are
// unused.
func lockOf(function string) int32 { return int32(crc32.ChecksumIEEE([]byte(function))) }

// HoldForWatch shares the locks of the tables of rowcall watch until the connection is closed.
func HoldForWatch(ctx context.Context, conn *sql.Conn, declared []rules.Table) error {
	if _, err := conn.ExecContext(ctx, `SET idle_session_timeout = 0`); err != nil {
		return fmt.Errorf("keep a connection for the locks of tables: %w", err)
	}
	locks := []int32{anyWatch}
	for _, d := range declared {
		schema, name := d.Relation()
		locks = append(locks, lockOf(Table{Schema: schema, Name: name}.functionName()))
	}
	for _, lock := range locks {
		const share = `SELECT pg_advisory_lock_shared($1, $2)`
		if _, err := conn.ExecContext(ctx, share, watchLock, lock); err != nil {
			return fmt.Errorf("tell other watches which tables are followed: %w", err)
		}
	}
	return nil
}

// IsFollowed reports whether a rowcall watch follows the table of a change.
func (c Change) IsFollowed(ctx context.Context, db *sql.DB) (bool, error) {
	return isShared(ctx, db, lockOf(c.function))
}

// AnyWatch reports whether a rowcall watch runs in this database.
func AnyWatch(ctx context.Context, db *sql.DB) (bool, error) { return isShared(ctx, db, anyWatch) }

// isShared reports whether a session shares a lock.
func isShared(ctx context.Context, db *sql.DB, lock int32) (bool, error) {
	const query = `
		SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND classid::bigint = $1 AND objid::bigint = $2 AND objsubid = 2)`
	var shared bool
	if err := db.QueryRowContext(ctx, query, int64(watchLock), int64(uint32(lock))).Scan(&shared); err != nil {
		return false, fmt.Errorf("look for another rowcall watch: %w", err)
	}
	return shared, nil
}

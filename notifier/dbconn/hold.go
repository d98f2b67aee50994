package dbconn

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// holder makes a pool hold one connection from its start to its end. Where the server has no more
// connections for the pool, because other clients of the role hold them, statements go on with this
// one. If the pool gave its last connection back, for its age or because nothing used it, another
// client could take its place, and the pool would have none.
type holder struct {
	lifetime time.Duration // of the other connections
	jitter   time.Duration // at most so much is added to it
	held     atomic.Pointer[pgx.Conn]
}

// untilThePoolEnds is a lifetime that no connection reaches.
const untilThePoolEnds = 100 * 365 * 24 * time.Hour

// expiresKey is the key under which a connection keeps the time.Time at which it expires.
const expiresKey = "rowcall.expires"

// holdOne makes the pool that config describes hold one connection. The lifetime of the others is
// kept here, because the pool would end its last connection too.
func holdOne(config *pgxpool.Config) {
	h := &holder{lifetime: config.MaxConnLifetime, jitter: config.MaxConnLifetimeJitter}
	config.MinConns = max(config.MinConns, 1) // connects at the start, and keeps one that is idle
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = untilThePoolEnds, 0
	prepare, before := config.PrepareConn, config.BeforeClose
	config.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		if !h.keeps(conn) {
			return false, nil // the pool closes it, and takes another one
		}
		if prepare == nil {
			return true, nil
		}
		return prepare(ctx, conn)
	}
	config.BeforeClose = func(conn *pgx.Conn) {
		h.held.CompareAndSwap(conn, nil)
		if before != nil {
			before(conn)
		}
	}
}

// keeps reports whether a connection that is about to be used may be used. It holds the connection if
// no other one is held.
func (h *holder) keeps(conn *pgx.Conn) bool {
	if h.held.CompareAndSwap(nil, conn) || h.held.Load() == conn {
		return true
	}
	data := conn.PgConn().CustomData()
	expires, used := data[expiresKey].(time.Time)
	if !used {
		data[expiresKey] = time.Now().Add(h.lifetime + rand.N(h.jitter+1))
		return true
	}
	return time.Now().Before(expires)
}

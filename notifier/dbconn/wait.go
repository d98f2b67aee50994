package dbconn

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connectionWait is how long a statement waits for a connection while the server refuses new connections.
const connectionWait = 5 * time.Second

const (
	// fullFor is how long a refusal counts: until then the pool waits for the connections it has.
	fullFor = time.Second
	// idleCheck is how often the first statement in line looks for an idle connection.
	idleCheck = 2 * time.Millisecond
)

// waitingLine lets statements wait when the server refuses a connection that the pool wants to make:
// its max_connections, or the CONNECTION LIMIT of the role or the database, may be smaller than the
// pool. pgxpool would return the refusal at once, though connections of the pool will be free soon.
//
// The statements wait in line, and only the first one looks for a connection. So the server is not
// asked for a connection by all of them again and again.
type waitingLine struct {
	first     chan struct{} // holds a value while some statement is the first in line
	fullUntil atomic.Int64  // Unix time in nanoseconds
}

func newWaitingLine() *waitingLine { return &waitingLine{first: make(chan struct{}, 1)} }

// connectionsRefused reports whether the server refused a new connection because it has too many.
// Nothing was sent then, so the statement may be tried again.
func connectionsRefused(err error) bool {
	const tooManyConnections = "53300"
	var connecting *pgconn.ConnectError
	var pgErr *pgconn.PgError
	return errors.As(err, &connecting) && errors.As(err, &pgErr) && pgErr.Code == tooManyConnections
}

func (w *waitingLine) isFull() bool { return time.Now().UnixNano() < w.fullUntil.Load() }

// makeWayKey is the context key of the function that lets the next statement in line look for a connection.
type makeWayKey struct{}

// withConnection calls do, which takes a connection of the pool for one statement or transaction. If
// the server refuses the connection, do is called again when there is one, for connectionWait at
// most; then the error is the refusal.
func (p *Pool) withConnection(ctx context.Context, do func(context.Context) error) error {
	if !p.line.isFull() {
		if err := do(ctx); !connectionsRefused(err) {
			return err
		}
		p.line.fullUntil.Store(time.Now().Add(fullFor).UnixNano())
	}
	waiting, cancel := context.WithTimeout(ctx, connectionWait)
	defer cancel()
	select {
	case p.line.first <- struct{}{}:
	case <-waiting.Done():
		return do(ctx) // one last attempt: its error is returned, and it may succeed
	}
	makeWay := sync.OnceFunc(func() { <-p.line.first })
	defer makeWay()
	for {
		p.awaitIdle(waiting)
		err := do(context.WithValue(ctx, makeWayKey{}, makeWay))
		if !connectionsRefused(err) || waiting.Err() != nil {
			return err
		}
		p.line.fullUntil.Store(time.Now().Add(fullFor).UnixNano())
	}
}

// awaitIdle waits until a connection of the pool is idle, or the last refusal no longer counts.
func (p *Pool) awaitIdle(ctx context.Context) {
	check := time.NewTicker(idleCheck)
	defer check.Stop()
	for p.line.isFull() && p.pool.Stat().IdleConns() == 0 {
		select {
		case <-ctx.Done():
			return
		case <-check.C:
		}
	}
}

// makeWayWhenConnected makes way for the next in line as soon as the first one has its connection.
func makeWayWhenConnected(config *pgxpool.Config) {
	before := config.PrepareConn
	config.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		if makeWay, ok := ctx.Value(makeWayKey{}).(func()); ok {
			makeWay()
		}
		if before == nil {
			return true, nil
		}
		return before(ctx, conn)
	}
}

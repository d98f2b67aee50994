package resource

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier/dbconn"
)

// actingRole is the role of the database in which resources and functions work.
const actingRole = "rowcall_app"

// actingTimeout bounds a transaction: the wait for a connection, and its statements.
const actingTimeout = 15 * time.Second

// acting runs transactions on behalf of users. Each is in the role rowcall_app, with the user's id
// and staff flag in settings that row-level security reads.
type acting struct {
	pool  *dbconn.Pool
	slots chan struct{} // holds an element for each transaction that runs or waits for a connection
}

// newActing allows two fifths of the pool's connections at a time. Resources and functions together
// then leave enough connections for questions of access, whatever users ask of them.
func newActing(pool *dbconn.Pool) *acting {
	return &acting{pool: pool, slots: make(chan struct{}, max(1, pool.Size()*2/5))}
}

// actAs sets the role and the settings until the transaction ends. A statement may take ten seconds,
// less than actingTimeout, so that a statement that waits for a lock fails while its connection can
// still be used.
const actAs = `
SELECT set_config('role', 'rowcall_app', true),
       set_config('rowcall.user_id', $1, true),
       set_config('rowcall.is_staff', $2::boolean::text, true),
       set_config('TimeZone', 'UTC', true),
       set_config('statement_timeout', '10s', true)`

// read runs work that changes nothing. All its statements see the same snapshot.
func (a *acting) read(ctx context.Context, who identity.Identity, work func(context.Context, pgx.Tx) error) error {
	return a.run(ctx, who, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, work)
}

// write runs work and commits it.
func (a *acting) write(ctx context.Context, who identity.Identity, work func(context.Context, pgx.Tx) error) error {
	return a.run(ctx, who, pgx.TxOptions{}, work)
}

// run returns the errors of work and of PostgreSQL unchanged: their meaning for the user depends on
// the work. It returns problem.ErrUnavailable if no slot becomes free in time.
func (a *acting) run(ctx context.Context, who identity.Identity, o pgx.TxOptions, work func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, actingTimeout)
	defer cancel()
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return fmt.Errorf("waiting for a connection: %w", problem.ErrUnavailable)
	}
	return pgx.BeginTxFunc(ctx, a.pool, o, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, actAs, who.User, who.Staff); err != nil {
			return fmt.Errorf("acting for a user: %w", err)
		}
		return work(ctx, tx)
	})
}

// check returns an error unless the node's own role may act as rowcall_app.
func (a *acting) check(ctx context.Context) error {
	err := a.read(ctx, identity.Identity{}, func(context.Context, pgx.Tx) error { return nil })
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return problem.OfDatabase("acting as "+actingRole, err)
	case refused.Code == problem.StateDenied:
		return fmt.Errorf("the database's user may not act as %s: GRANT rowcall_server to that user", actingRole)
	}
	return fmt.Errorf("nobody can act as %s (%s): let a user who may create roles migrate, or take resources and functions out of the configuration", actingRole, refused.Message)
}

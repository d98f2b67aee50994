package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// actingRole is who the database sees while resources and functions are served.
const actingRole = "rowcall_app"

// actingWait bounds one transaction: the time for a connection and for its statements.
const actingWait = 15 * time.Second

// acting does the work of resources and functions in the database: each piece in a transaction of its
// own, as role rowcall_app, with the user's id and standing in settings that row-level security reads.
type acting struct {
	pool  *pgxpool.Pool
	turns chan struct{} // holds one for each piece under way
}

// newActing takes at most two fifths of the pool's connections at a time: resources and functions together
// leave enough for questions of access, whatever users ask of them.
func newActing(pool *pgxpool.Pool) *acting {
	return &acting{pool: pool, turns: make(chan struct{}, max(1, pool.Config().MaxConns*2/5))}
}

// actAs ends with the transaction. A statement may take ten seconds, so that one that waits for a lock
// fails while its connection can still be used.
const actAs = `
SELECT set_config('role', 'rowcall_app', true),
       set_config('rowcall.user_id', $1, true),
       set_config('rowcall.is_staff', $2::boolean::text, true),
       set_config('TimeZone', 'UTC', true),
       set_config('statement_timeout', '10s', true)`

// read does work that changes nothing. All its statements see the same.
func (a *acting) read(ctx context.Context, who identity.Identity, work func(context.Context, pgx.Tx) error) error {
	return a.do(ctx, who, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, work)
}

// write does work and commits it.
func (a *acting) write(ctx context.Context, who identity.Identity, work func(context.Context, pgx.Tx) error) error {
	return a.do(ctx, who, pgx.TxOptions{}, work)
}

// do returns the errors of work, and those of PostgreSQL, as they are: what they mean to the user
// depends on what was done.
func (a *acting) do(ctx context.Context, who identity.Identity, o pgx.TxOptions, work func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, actingWait)
	defer cancel()
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	case <-ctx.Done():
		return fmt.Errorf("waiting for a turn: %w", problem.ErrUnavailable)
	}
	return pgx.BeginTxFunc(ctx, a.pool, o, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, actAs, who.User, who.Staff); err != nil {
			return fmt.Errorf("acting for a user: %w", err)
		}
		return work(ctx, tx)
	})
}

// check finds out whether the node's own role may act as rowcall_app.
func (a *acting) check(ctx context.Context) error {
	err := a.read(ctx, identity.Identity{}, func(context.Context, pgx.Tx) error { return nil })
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return problem.OfDatabase("acting as "+actingRole, err)
	case refused.Code == stateDenied:
		return fmt.Errorf("the database's user may not act as %s: GRANT rowcall_server to that user", actingRole)
	}
	return fmt.Errorf("nobody can act as %s (%s): let a user who may create roles migrate, or take resources and functions out of the configuration", actingRole, refused.Message)
}

package dbconn

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// Pool is a pool of connections with the settings of this package. Each of its methods is as that
// of pgxpool.Pool; behind transaction pooling each statement gets a transaction of its own, in which
// the settings are made first. The pool holds one connection from its start to its end. If the server
// has no other one left for it, a statement waits for a connection of the pool for a moment.
type Pool struct {
	pool    *pgxpool.Pool
	pooling Pooling
	begin   string // what a transaction begins with behind transaction pooling, after BEGIN
	line    *waitingLine

	discardUntil atomic.Int64 // until when transactions behind transaction pooling discard plans first, in Unix nanoseconds
}

// OpenPool opens a pool. config may say anything but how to connect, which s says. The pool connects in
// the background.
func (s *Server) OpenPool(ctx context.Context, config *pgxpool.Config) (*Pool, error) {
	config = config.Copy()
	config.ConnConfig = s.ConnConfig(nil)
	makeWayWhenConnected(config)
	holdOne(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the pool of connections: %w", err)
	}
	return &Pool{pool: pool, pooling: s.pooling, begin: forTransaction(s.version), line: newWaitingLine()}, nil
}

// Close closes all connections, and waits until they are released.
func (p *Pool) Close() { p.pool.Close() }

// Stat returns the numbers of the pool.
func (p *Pool) Stat() *pgxpool.Stat { return p.pool.Stat() }

// Size is how many connections the pool may have.
func (p *Pool) Size() int { return int(p.pool.Config().MaxConns) }

// discardFor is how long transactions behind transaction pooling discard plans. In this time most of the
// pooler's connections are used.
const discardFor = 10 * time.Second

// DiscardPlans makes statements that begin after it run without the plans that the sessions of the server
// hold at the moment. Functions in PL/pgSQL fail with a plan that is older than a change of a column's
// type. The pool replaces its connections; behind transaction pooling its transactions discard the plans
// of whatever connection they get.
func (p *Pool) DiscardPlans() {
	if p.pooling == TransactionPooling {
		p.discardUntil.Store(time.Now().Add(discardFor).UnixNano())
		return
	}
	p.pool.Reset()
}

// User is the role that the pool connects as.
func (p *Pool) User() string { return p.pool.Config().ConnConfig.User }

// BeginTx begins a transaction. Without an access mode it may write, and without an isolation level
// it is READ COMMITTED.
func (p *Pool) BeginTx(ctx context.Context, o pgx.TxOptions) (tx pgx.Tx, err error) {
	err = p.withConnection(ctx, func(ctx context.Context) error {
		tx, err = p.pool.BeginTx(ctx, p.options(o))
		return err
	})
	return tx, err
}

// Begin begins a READ COMMITTED transaction that may write.
func (p *Pool) Begin(ctx context.Context) (pgx.Tx, error) { return p.BeginTx(ctx, pgx.TxOptions{}) }

// options lets the transaction begin with the settings where the connection cannot keep them.
func (p *Pool) options(o pgx.TxOptions) pgx.TxOptions {
	if o.IsoLevel == "" {
		o.IsoLevel = pgx.ReadCommitted
	}
	if o.AccessMode == "" {
		o.AccessMode = pgx.ReadWrite
	}
	if p.pooling == TransactionPooling {
		o.BeginQuery = fmt.Sprintf("BEGIN ISOLATION LEVEL %s %s %s; %s", o.IsoLevel, o.AccessMode, o.DeferrableMode, p.begin)
		if time.Now().UnixNano() < p.discardUntil.Load() {
			o.BeginQuery += "DISCARD PLANS; "
		}
	}
	return o
}

// Exec executes a statement.
func (p *Pool) Exec(ctx context.Context, sql string, arguments ...any) (tag pgconn.CommandTag, err error) {
	if p.pooling != TransactionPooling {
		err = p.withConnection(ctx, func(ctx context.Context) error {
			tag, err = p.pool.Exec(ctx, sql, arguments...)
			return err
		})
		return tag, err
	}
	err = pgx.BeginFunc(ctx, p, func(tx pgx.Tx) error {
		tag, err = tx.Exec(ctx, sql, arguments...)
		return err
	})
	return tag, err
}

// Query executes a query. An error that it returns is also the error of the rows.
func (p *Pool) Query(ctx context.Context, sql string, arguments ...any) (rows pgx.Rows, err error) {
	if p.pooling != TransactionPooling {
		err = p.withConnection(ctx, func(ctx context.Context) error {
			rows, err = p.pool.Query(ctx, sql, arguments...)
			return err
		})
		return rows, err
	}
	tx, err := p.Begin(ctx)
	if err != nil {
		return failedRows{err: err}, err
	}
	rows, err = tx.Query(ctx, sql, arguments...)
	if err != nil {
		_ = tx.Rollback(ctx) // the error that counts is the query's
		return rows, err
	}
	return &transactionRows{Rows: rows, ctx: ctx, tx: tx}, nil
}

// QueryRow executes a query of one row. Errors come from Scan.
func (p *Pool) QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row {
	rows, _ := p.Query(ctx, sql, arguments...) // the error is the rows' too
	return firstRow{rows}
}

// Use calls do with one connection of the pool, for work that must stay on one.
func (p *Pool) Use(ctx context.Context, do func(conn *pgx.Conn) error) error {
	if p.pooling == TransactionPooling {
		tx, err := p.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing was written
		return do(tx.Conn())
	}
	var conn *pgxpool.Conn
	err := p.withConnection(ctx, func(ctx context.Context) (err error) {
		conn, err = p.pool.Acquire(ctx)
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Release()
	return do(conn.Conn())
}

// Over returns a pool over one whose connections are made otherwise, for tests. It need not hold a
// connection.
func Over(pool *pgxpool.Pool) *Pool { return &Pool{pool: pool, line: newWaitingLine()} }

// SQL returns the pool for database/sql. Behind transaction pooling its statements run without the
// settings of this package.
func (p *Pool) SQL() *sql.DB { return stdlib.OpenDBFromPool(p.pool) }

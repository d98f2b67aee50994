package dbconn

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Preceded executes queries, each right behind the same first statement: in one round trip, and in
// one transaction of their own. So a setting or a lock of the transaction is there before the query
// takes its snapshot and its locks, and gone after its last row.
type Preceded struct {
	first string
	query func(ctx context.Context, pair func() *pgx.Batch) (pgx.Rows, error)
}

// batcher is a connection, a pool or a transaction.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Precede returns a way to execute queries on a connection, behind a first statement.
func Precede(conn *pgx.Conn, first string) *Preceded {
	return &Preceded{first, func(ctx context.Context, pair func() *pgx.Batch) (pgx.Rows, error) {
		return queryPair(ctx, conn, pair())
	}}
}

// Precede returns a way to execute queries on connections of the pool, behind a first statement.
func (p *Pool) Precede(first string) *Preceded {
	if p.pooling == TransactionPooling {
		return &Preceded{first, p.queryPairInTransaction}
	}
	return &Preceded{first, func(ctx context.Context, pair func() *pgx.Batch) (rows pgx.Rows, err error) {
		err = p.withConnection(ctx, func(ctx context.Context) error {
			rows, err = queryPair(ctx, p.pool, pair())
			return err
		})
		return rows, err
	}}
}

func (p *Pool) queryPairInTransaction(ctx context.Context, pair func() *pgx.Batch) (pgx.Rows, error) {
	tx, err := p.Begin(ctx)
	if err != nil {
		return failedRows{err: err}, err
	}
	rows, err := queryPair(ctx, tx, pair())
	if err != nil {
		_ = tx.Rollback(ctx) // the error that counts is the query's
		return rows, err
	}
	return &transactionRows{Rows: rows, ctx: ctx, tx: tx}, nil
}

// Query executes the first statement, and then a query. An error that it returns is also the error of
// the rows.
func (p *Preceded) Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error) {
	return p.query(ctx, func() *pgx.Batch {
		pair := &pgx.Batch{}
		pair.Queue(p.first)
		pair.Queue(sql, arguments...)
		return pair
	})
}

// QueryRow executes the first statement, and then a query of one row. Errors come from Scan.
func (p *Preceded) QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row {
	rows, _ := p.Query(ctx, sql, arguments...) // the error is the rows' too
	return firstRow{rows}
}

// queryPair sends two statements and returns the rows of the second one.
func queryPair(ctx context.Context, on batcher, pair *pgx.Batch) (pgx.Rows, error) {
	results := on.SendBatch(ctx, pair)
	_, err := results.Exec()
	if err == nil {
		var rows pgx.Rows
		if rows, err = results.Query(); err == nil {
			return &secondRows{Rows: rows, results: results}, nil
		}
	}
	_ = results.Close() // the error that counts is the statement's
	return failedRows{err: err}, err
}

// secondRows are the rows of the second of two statements.
type secondRows struct {
	pgx.Rows
	results pgx.BatchResults
	over    bool
	err     error // of the end of both statements
}

// Next reads the next row.
func (r *secondRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close reads what is left, and releases the connection.
func (r *secondRows) Close() {
	r.Rows.Close()
	if !r.over {
		r.over = true
		r.err = r.results.Close()
	}
}

// Err is the first error of the query and of the end of both statements.
func (r *secondRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

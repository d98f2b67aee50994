package dbconn

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// transactionRows are the rows of a query that has a transaction of its own, which ends with them.
type transactionRows struct {
	pgx.Rows
	ctx  context.Context // the query's, for the end of its transaction
	tx   pgx.Tx
	over bool
	err  error // of the commit
}

// Next reads the next row.
func (r *transactionRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close ends the transaction.
func (r *transactionRows) Close() {
	r.Rows.Close()
	if r.over {
		return
	}
	r.over = true
	if r.Rows.Err() != nil {
		_ = r.tx.Rollback(r.ctx) // the error that counts is the rows'
		return
	}
	r.err = r.tx.Commit(r.ctx)
}

// Err is the first error of the query and of its transaction's end.
func (r *transactionRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// firstRow is the first of some rows, as a pgx.Row.
type firstRow struct{ rows pgx.Rows }

// Scan reads the row and closes the rows.
func (r firstRow) Scan(to ...any) error {
	defer r.rows.Close()
	if r.rows.Err() != nil {
		return r.rows.Err()
	}
	if !r.rows.Next() {
		if r.rows.Err() != nil {
			return r.rows.Err()
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(to...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// failedRows are the rows of a query that could not be sent.
type failedRows struct{ err error }

var _ pgx.Rows = failedRows{}

func (failedRows) Close()                                       {}
func (r failedRows) Err() error                                 { return r.err }
func (failedRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (failedRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (failedRows) Next() bool                                   { return false }
func (r failedRows) Scan(...any) error                          { return r.err }
func (r failedRows) Values() ([]any, error)                     { return nil, r.err }
func (failedRows) RawValues() [][]byte                          { return nil }
func (failedRows) Conn() *pgx.Conn                              { return nil }
func (failedRows) TypeMap() *pgtype.Map                         { return nil }

package api

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
)

// The work of resources, the same for every protocol. Errors are those of the table in errors.go, with
// what is wrong by field where the input is at fault.

// list returns rows, and with counted how many there are in all.
func (r *resource) list(ctx context.Context, who identity.Identity, l listing, counted bool) (rows []json.RawMessage, total int64, err error) {
	err = r.acting.read(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		if counted {
			count := r.count(l, who)
			if err := tx.QueryRow(ctx, count.text.String(), count.arguments()...).Scan(&total); err != nil {
				return err
			}
		}
		page := r.page(l, who)
		rows, err = collectDocuments(tx.Query(ctx, page.text.String(), page.arguments()...))
		return err
	})
	return rows, total, r.explain(err, "listing")
}

// arguments are the parameters. Statements whose text depends on the request are not kept prepared: there
// would be no end of them.
func (s *statement) arguments() []any {
	return append([]any{pgx.QueryExecModeDescribeExec}, s.parameters...)
}

func collectDocuments(rows pgx.Rows, err error) ([]json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (json.RawMessage, error) {
		var text string
		err := row.Scan(&text)
		return json.RawMessage(text), err
	})
}

// get returns one row.
func (r *resource) get(ctx context.Context, who identity.Identity, key string) (json.RawMessage, error) {
	var row string
	err := r.acting.read(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, r.sql.one, key).Scan(&row)
	})
	return json.RawMessage(row), r.explain(err, "reading")
}

// momentOf is a moment at which the row was there for the user.
func (r *resource) momentOf(ctx context.Context, who identity.Identity, key string) (now notifier.Moment, err error) {
	var row, text string
	err = r.acting.read(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, r.sql.one, key).Scan(&row); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&text); err != nil {
			return err
		}
		now, err = notifier.ParseMoment(text)
		return err
	})
	return now, r.explain(err, "reading")
}

// create makes rows, all or none, and returns them in their order.
func (r *resource) create(ctx context.Context, who identity.Identity, rows [][]assignment) (made []json.RawMessage, err error) {
	err = r.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		insert := r.insert(rows)
		made, err = collectDocuments(tx.Query(ctx, insert.text.String(), insert.arguments()...))
		return err
	})
	return made, r.explain(err, "creating")
}

// change changes one row and returns it.
func (r *resource) change(ctx context.Context, who identity.Identity, key string, row []assignment) (json.RawMessage, error) {
	var changed []json.RawMessage
	err := r.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) (err error) {
		update := r.update(key, row)
		changed, err = collectDocuments(tx.Query(ctx, update.text.String(), update.arguments()...))
		if err == nil && len(changed) == 0 {
			err = r.missing(ctx, tx, key)
		}
		return err
	})
	if err != nil {
		return nil, r.explain(err, "changing")
	}
	return changed[0], nil
}

// remove deletes one row.
func (r *resource) remove(ctx context.Context, who identity.Identity, key string) error {
	err := r.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		done, err := tx.Exec(ctx, r.sql.remove, key)
		if err == nil && done.RowsAffected() == 0 {
			err = r.missing(ctx, tx, key)
		}
		return err
	})
	return r.explain(err, doesRemove)
}

// missing says why a row was not changed: it is not there for this user, or only to be seen.
func (r *resource) missing(ctx context.Context, tx pgx.Tx, key string) error {
	var there bool
	if err := tx.QueryRow(ctx, r.sql.there, key).Scan(&there); err != nil {
		return err
	}
	if there {
		return problem.ErrDenied
	}
	return problem.ErrNoRow
}

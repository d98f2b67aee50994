package resource

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// PostgreSQL has no code of its own for a value that a type cannot read: regtype calls it a syntax error,
// aclitem a name that is too long, and types of extensions an internal error. The same codes stand for
// defects of the operator's functions and triggers. So after such an error the values are read once
// more, alone.

// explainValues returns problem.Invalid with the column whose values PostgreSQL cannot read, if there is
// such a column and the values may be the cause of err. Otherwise it returns err. The rows are those of the
// statement that has failed, whose transaction has ended.
func (a *acting) explainValues(ctx context.Context, who identity.Identity, err error, rows ...Row) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !mayBeOfValue(refused) {
		return err
	}
	for _, c := range columnsOf(rows) {
		reading := a.read(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, readValues(c), pgx.QueryExecModeExec, documentOf(c, rows))
			return err
		})
		if refused, ok := errors.AsType[*pgconn.PgError](reading); ok && mayBeOfValue(refused) && refused.InternalQuery == "" {
			return problem.Invalid(FieldErrors{c.Name: {fmt.Sprintf("Must be a valid value of type %s.", c.Type)}})
		}
	}
	return err
}

// mayBeOfValue reports whether an error may be due to a value that PostgreSQL cannot read. False for: constraint
// violations, RAISE in user functions, errors that already name the bad value, and transient errors.
func mayBeOfValue(refused *pgconn.PgError) bool {
	switch refused.Code {
	case stateTooLong, stateOutOfRange, stateNoEquivalent, stateNotInEncoding:
		return false
	}
	switch refused.Code[:2] {
	case classConstraint, classRaised, classOfFunctions:
		return false
	}
	return !problem.IsTransient(refused)
}

// columnsOf returns the columns that have values in rows.
func columnsOf(rows []Row) []*column {
	var columns []*column
	seen := map[*column]bool{}
	for _, row := range rows {
		for _, a := range row {
			if a.value != nil && !seen[a.column] {
				columns = append(columns, a.column)
			}
			seen[a.column] = seen[a.column] || a.value != nil
		}
	}
	return columns
}

// readValues is SQL that reads the values of a column from a JSON document.
func readValues(c *column) string {
	return fmt.Sprintf(`SELECT count("@".v) FROM json_to_recordset($1::text::json) AS "@" (v %s)`, c.Type)
}

// documentOf returns the values of a column as a list of documents with one field, v.
func documentOf(c *column, rows []Row) string {
	var documents []string
	for _, row := range rows {
		for _, a := range row {
			if a.column != c || a.value == nil {
				continue
			}
			document := fmt.Sprint(a.value)
			switch {
			case c.kind == kindJSON:
				document = `{"v":` + document + `}`
			case c.kind != kindOther:
				quoted, _ := problem.EncodeJSON(document) // a string always has a JSON form
				document = `{"v":` + string(quoted) + `}`
			}
			documents = append(documents, document)
		}
	}
	return "[" + strings.Join(documents, ",") + "]"
}

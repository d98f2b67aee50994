package resource

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/problem"
)

// The SQLSTATEs, and classes of them, that say something to the user.
const (
	stateNotNull       = "23502"
	stateForeign       = "23503"
	stateUnique        = "23505"
	stateCheck         = "23514"
	stateExclusion     = "23P01"
	stateTooLong       = "22001"
	stateOutOfRange    = "22003"
	stateNoEquivalent  = "22P05"
	stateNotInEncoding = "22021"
	classConstraint    = "23"
	classLimit         = "54"
	classRaised        = "P0"
	classOfFunctions   = "RC" // raised by functions and triggers of the operator, see explainRaised
)

// doingRemove tells explain that a foreign key that is violated is another row's, which refers to the
// row that was to be deleted.
const doingRemove = "removing"

// explain turns an error of the database into an error that can be answered.
func (r *Resource) explain(err error, doing string) error {
	if err == nil || problem.FaultOf(err).Code != problem.Internal {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return problem.ErrNoRow
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return problem.OfDatabase(doing+" rows of "+r.name, err)
	}
	if refused.Code[:2] == classConstraint {
		return r.explainConstraint(refused, doing)
	}
	return explainState(refused, doing+" rows of "+r.name)
}

// explainState explains errors that depend on no table.
func explainState(refused *pgconn.PgError, doing string) error {
	if err := explainRaised(refused); err != nil {
		return err
	}
	switch {
	case refused.Code == problem.StateDenied:
		return problem.ErrDenied
	case refused.Code == stateTooLong:
		return problem.Invalid(FieldErrors{wholeRow: {"A value is too long."}})
	case refused.Code == stateOutOfRange:
		return problem.Invalid(FieldErrors{wholeRow: {"A value is out of range."}})
	case refused.Code == stateNoEquivalent, refused.Code == stateNotInEncoding:
		return problem.Invalid(FieldErrors{wholeRow: {"The encoding of the database lacks a character of a text."}})
	case problem.IsValueError(refused):
		return problem.Invalid(FieldErrors{wholeRow: {"A value does not fit."}})
	}
	switch refused.Code[:2] {
	case classLimit:
		return problem.Invalid(FieldErrors{wholeRow: {"A value does not fit."}})
	case classConstraint:
		return problem.Conflicting(FieldErrors{wholeRow: {"A constraint does not allow this."}})
	case classRaised:
		return problem.Invalid(FieldErrors{wholeRow: {"The database does not allow this."}})
	}
	return problem.OfDatabase(doing, refused)
}

// explainRaised returns what a function or trigger says to the user. Its SQLSTATE is RC and an HTTP
// status, such as RC404, and its message is meant to be seen. explainRaised returns nil for any other
// error.
func explainRaised(refused *pgconn.PgError) error {
	code, isRaised := strings.CutPrefix(refused.Code, classOfFunctions)
	if !isRaised {
		return nil
	}
	status, _ := strconv.Atoi(code)
	kinds := map[int]error{400: problem.ErrBadRequest, 401: problem.ErrUnauthorized, 403: problem.ErrDenied, 404: problem.ErrNoRow, 409: problem.ErrConflict, 429: problem.ErrRateLimited}
	if kinds[status] == nil {
		return nil
	}
	return problem.Explain(kinds[status], refused.Message)
}

// explainConstraint finds the fields that a violated constraint is about.
func (r *Resource) explainConstraint(refused *pgconn.PgError, doing string) error {
	c := r.table.constraint(refused.ConstraintName)
	switch refused.Code {
	case stateNotNull:
		columns := []string{refused.ColumnName}
		if refused.DataTypeName != "" {
			columns = r.table.columnsOfDomain(refused.DataTypeName)
		}
		return problem.Invalid(r.fieldError(columns, messageNull))
	case stateForeign:
		if c.Kind == "f" && doing != doingRemove {
			return problem.Invalid(r.fieldError(c.Columns, "Invalid pk - object does not exist."))
		}
	case stateUnique, stateExclusion:
		return problem.Conflicting(r.fieldError(c.Columns, messageNotUnique(c.Columns)))
	case stateCheck:
		return problem.Invalid(r.fieldError(r.checkedColumns(c, refused.DataTypeName), "This value is not allowed."))
	}
	return problem.Conflicting(FieldErrors{wholeRow: {"Other rows refer to this one."}})
}

func messageNotUnique(columns []string) string {
	switch len(columns) {
	case 0:
		return "There is such a row already."
	case 1:
		return "This field must be unique."
	}
	return fmt.Sprintf("The fields %s must make a unique set.", strings.Join(columns, ", "))
}

// checkedColumns returns the columns of a check: of the table, or of a domain if the check is a
// domain's.
func (r *Resource) checkedColumns(c constraint, domain string) []string {
	if domain != "" {
		return r.table.columnsOfDomain(domain)
	}
	return c.Columns
}

// fieldError files a message under its field. A message about several columns, or about a column that
// the user does not see, is about the whole row.
func (r *Resource) fieldError(columns []string, message string) FieldErrors {
	isShown := func(c *column) bool { return len(columns) == 1 && c.Name == columns[0] }
	if slices.ContainsFunc(r.columns, isShown) {
		return FieldErrors{columns[0]: {message}}
	}
	return FieldErrors{wholeRow: {message}}
}

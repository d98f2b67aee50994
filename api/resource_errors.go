package api

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

// SQLSTATEs that say something to the user.
const (
	stateNotNull     = "23502"
	stateForeign     = "23503"
	stateUnique      = "23505"
	stateCheck       = "23514"
	stateExclusion   = "23P01"
	stateDenied      = "42501"
	stateTooLong     = "22001"
	stateOutOfRange  = "22003"
	classConstraint  = "23"
	classData        = "22"
	classLimit       = "54"
	classRaised      = "P0"
	classOfFunctions = "RC"
)

// doesRemove is what explain needs to know of: the row that a key refers to is not there, or others refer to
// the row that was to go.
const doesRemove = "removing"

// explain turns an error of the database into one that can be answered.
func (r *resource) explain(err error, doing string) error {
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
		return r.violation(refused, doing)
	}
	return explainState(refused, doing+" rows of "+r.name)
}

// explainState is for what depends on no table.
func explainState(refused *pgconn.PgError, doing string) error {
	if err := raised(refused); err != nil {
		return err
	}
	switch {
	case refused.Code == stateDenied:
		return problem.ErrDenied
	case refused.Code == stateTooLong:
		return problem.Invalid(fieldErrors{wholeRow: {"A value is too long."}})
	case refused.Code == stateOutOfRange:
		return problem.Invalid(fieldErrors{wholeRow: {"A value is out of range."}})
	}
	switch refused.Code[:2] {
	case classData, classLimit:
		return problem.Invalid(fieldErrors{wholeRow: {"A value does not fit."}})
	case classConstraint:
		return problem.Conflicting(fieldErrors{wholeRow: {"A constraint does not allow this."}})
	case classRaised:
		return problem.Invalid(fieldErrors{wholeRow: {"The database does not allow this."}})
	}
	return problem.OfDatabase(doing, refused)
}

// raised is what a function or trigger has to say to the user: its error code is RC and an HTTP status, and
// its message is meant to be seen.
func raised(refused *pgconn.PgError) error {
	code, ours := strings.CutPrefix(refused.Code, classOfFunctions)
	if !ours {
		return nil
	}
	status, _ := strconv.Atoi(code)
	kinds := map[int]error{400: problem.ErrBadRequest, 401: problem.ErrUnauthorized, 403: problem.ErrDenied, 404: problem.ErrNoRow, 409: problem.ErrConflict, 429: problem.ErrRateLimited}
	if kinds[status] == nil {
		return nil
	}
	return problem.Explain(kinds[status], refused.Message)
}

// violation maps a constraint to the fields it is about.
func (r *resource) violation(refused *pgconn.PgError, doing string) error {
	c := r.table.constraint(refused.ConstraintName)
	switch refused.Code {
	case stateNotNull:
		return problem.Invalid(r.about([]string{refused.ColumnName}, saysNull))
	case stateForeign:
		if c.Kind == "f" && doing != doesRemove {
			return problem.Invalid(r.about(c.Columns, "Invalid pk - object does not exist."))
		}
	case stateUnique, stateExclusion:
		return problem.Conflicting(r.about(c.Columns, taken(c.Columns)))
	case stateCheck:
		return problem.Invalid(r.about(r.checked(c, refused.DataTypeName), "This value is not allowed."))
	}
	return problem.Conflicting(fieldErrors{wholeRow: {"Other rows refer to this one."}})
}

func taken(columns []string) string {
	switch len(columns) {
	case 0:
		return "There is such a row already."
	case 1:
		return "This field must be unique."
	}
	return fmt.Sprintf("The fields %s must make a unique set.", strings.Join(columns, ", "))
}

// checked are the columns of a check: the table's own, or that of a type.
func (r *resource) checked(c constraint, domain string) []string {
	if domain != "" {
		return r.table.ofDomain(domain)
	}
	return c.Columns
}

// about files a problem under its field. Several fields, or ones that the user does not see, are the row's.
func (r *resource) about(columns []string, problem string) fieldErrors {
	seen := func(c *column) bool { return len(columns) == 1 && c.Name == columns[0] }
	if slices.ContainsFunc(r.columns, seen) {
		return fieldErrors{columns[0]: {problem}}
	}
	return fieldErrors{wholeRow: {problem}}
}

package api

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier"
)

// What can come of resources and functions, besides what can come of everything.
var (
	errInvalid  = errors.New("some of the fields are wrong")
	errConflict = errors.New("that conflicts with what is there")
	errDenied   = fmt.Errorf("you may not do this: %w", notifier.ErrForbidden)
	errNoRow    = fmt.Errorf("there is no such row: %w", notifier.ErrNotFound)
)

// rejected is a request whose content is wrong, with what is wrong by field: fieldErrors, or a list of
// them where the request was a list.
type rejected struct {
	err    error // errInvalid or errConflict
	fields any
}

func (e *rejected) Error() string { return fmt.Sprintf("%v: %v", e.err, e.fields) }

func (e *rejected) Unwrap() error { return e.err }

func invalid(fields any) error { return &rejected{errInvalid, fields} }

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
	if err == nil || faultOf(err).code != "internal" {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoRow
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return databaseError(doing+" rows of "+r.name, err)
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
		return errDenied
	case refused.Code == stateTooLong:
		return invalid(fieldErrors{wholeRow: {"A value is too long."}})
	case refused.Code == stateOutOfRange:
		return invalid(fieldErrors{wholeRow: {"A value is out of range."}})
	}
	switch refused.Code[:2] {
	case classData, classLimit:
		return invalid(fieldErrors{wholeRow: {"A value does not fit."}})
	case classConstraint:
		return &rejected{errConflict, fieldErrors{wholeRow: {"A constraint does not allow this."}}}
	case classRaised:
		return invalid(fieldErrors{wholeRow: {"The database does not allow this."}})
	}
	return databaseError(doing, refused)
}

// raised is what a function or trigger has to say to the user: its error code is RC and an HTTP status, and
// its message is meant to be seen.
func raised(refused *pgconn.PgError) error {
	code, ours := strings.CutPrefix(refused.Code, classOfFunctions)
	if !ours {
		return nil
	}
	status, _ := strconv.Atoi(code)
	kinds := map[int]error{400: errBadRequest, 401: notifier.ErrUnauthorized, 403: errDenied, 404: errNoRow, 409: errConflict, 429: errRateLimited}
	if kinds[status] == nil {
		return nil
	}
	return explain(kinds[status], refused.Message)
}

// violation maps a constraint to the fields it is about.
func (r *resource) violation(refused *pgconn.PgError, doing string) error {
	c := r.table.constraint(refused.ConstraintName)
	switch refused.Code {
	case stateNotNull:
		return invalid(r.about([]string{refused.ColumnName}, saysNull))
	case stateForeign:
		if c.Kind == "f" && doing != doesRemove {
			return invalid(r.about(c.Columns, "Invalid pk - object does not exist."))
		}
	case stateUnique, stateExclusion:
		return &rejected{errConflict, r.about(c.Columns, taken(c.Columns))}
	case stateCheck:
		return invalid(r.about(r.checked(c, refused.DataTypeName), "This value is not allowed."))
	}
	return &rejected{errConflict, fieldErrors{wholeRow: {"Other rows refer to this one."}}}
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

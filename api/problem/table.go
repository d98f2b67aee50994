// Package problem says how errors look from outside. Its table maps each error to an HTTP status, a
// WebSocket close code, a code for programs and whether to try again; [Refuse] answers a request
// with an error as a problem document (RFC 9457). Nothing of an error's own text reaches a client:
// only the sentences of the table, and those that [Explain] adds.
//
// The package also reads what requests bring, strictly ([Query], [ReadJSON], [OfBody]), and writes JSON.
package problem

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// The general errors are the notifier's: configured access rules give them to the feed, and the feed
// returns them.
var (
	ErrUnauthorized = notifier.ErrUnauthorized
	ErrForbidden    = notifier.ErrForbidden
	ErrNotFound     = notifier.ErrNotFound
	ErrUnavailable  = notifier.ErrUnavailable
	ErrClosed       = notifier.ErrClosed
)

// The other errors of the table, besides those that only the feed returns.
var (
	ErrStatement            = errors.New("the database refuses the statement")
	ErrFilter               = errors.New("the filter does not fit the topic")
	ErrUnfit                = errors.New("the configuration does not fit the database at present")
	ErrBadRequest           = errors.New("the request is malformed")
	ErrNotUnderstood        = errors.New("the frame cannot be read")
	ErrTokenInURL           = errors.New("credentials do not belong in an address")
	ErrBadLogin             = errors.New("the username or the password is wrong")
	ErrOrigin               = errors.New("pages of this origin may not connect")
	ErrForged               = errors.New("the request may have been made by another site's page")
	ErrHost                 = errors.New("this server is not known by that host name")
	ErrMethod               = errors.New("the method is not allowed here")
	ErrNoSubprotocol        = errors.New("no subprotocol in common")
	ErrCursorExpired        = errors.New("the cursor is of no use any more")
	ErrTooLarge             = errors.New("the request is too large")
	ErrMediaType            = errors.New("the content type must be application/json")
	ErrRateLimited          = errors.New("too many requests")
	ErrTooManySubscriptions = errors.New("too many subscriptions on one socket")
	ErrFull                 = errors.New("the node serves as many as it may")
	ErrRestarting           = errors.New("the server is restarting")
	ErrRightsChanged        = errors.New("the rights of the user have changed; come back with them")

	// Errors of resources and functions.
	ErrInvalid  = errors.New("some of the fields are wrong")
	ErrConflict = errors.New("that conflicts with what is there")
	ErrDenied   = fmt.Errorf("you may not do this: %w", ErrForbidden)
	ErrNoRow    = fmt.Errorf("there is no such row: %w", ErrNotFound)
)

// Fault is how an error looks from outside. Nothing of an error's own text reaches a client: it
// may name hosts, roles and tables.
type Fault struct {
	Status    int           // of an HTTP answer
	Code      string        // for programs, the same on every transport
	Close     int           // of a WebSocket; 4000 + status where RFC 6455 has no code of its own
	Retryable bool          // the same request may succeed later
	Message   string        // for people
	After     time.Duration // when the client may try again; 0: not said
}

// Internal is the code of an error that no client can have caused: a defect of this program, or
// a statement that the database refuses.
const Internal = "internal"

// faults is the table: how each error looks on every transport. The first entry that matches counts.
var faults = []struct {
	err error
	Fault
}{
	{ErrUnfit, Fault{503, "unavailable", 1013, true, "the server's configuration does not fit the database at the moment; try again later", 10 * time.Second}},
	{ErrFilter, Fault{400, "bad_request", 4400, false, ErrFilter.Error(), 0}},        // also where the feed calls it unavailable
	{ErrStatement, Fault{500, Internal, 1011, true, "something went wrong here", 0}}, // also where the feed calls it unavailable
	{ErrDenied, Fault{403, "forbidden", 4403, false, "you may not do this", 0}},
	{ErrNoRow, Fault{404, "not_found", 4404, false, "there is no such row", 0}},
	{ErrInvalid, Fault{400, "invalid", 4400, false, ErrInvalid.Error(), 0}},
	{ErrConflict, Fault{409, "conflict", 4409, false, ErrConflict.Error(), 0}},
	{ErrBadLogin, Fault{401, "bad_login", 4401, false, ErrBadLogin.Error(), 0}},
	{ErrUnauthorized, Fault{401, "unauthorized", 4401, false, "log in first", 0}},
	{ErrForbidden, Fault{403, "forbidden", 4403, false, "you may not follow this topic", 0}},
	{ErrNotFound, Fault{404, "not_found", 4404, false, "there is no such topic", 0}},
	{topic.ErrInvalid, Fault{400, "bad_request", 4400, false, topic.ErrInvalid.Error(), 0}},
	{notifier.ErrBadCursor, Fault{400, "bad_cursor", 4400, false, "the cursor is not one of ours", 0}},
	{notifier.ErrNoSnapshot, Fault{400, "bad_request", 4400, false, "the topic has no snapshot", 0}},
	{notifier.ErrSlow, Fault{429, "slow", 4429, true, "the reader is too slow; come back with the cursor", 0}},
	{ErrUnavailable, Fault{503, "unavailable", 1013, true, "try again later", 2 * time.Second}},
	{ErrClosed, Fault{503, "restarting", 1001, true, "the server is going away", time.Second}},
	{ErrRestarting, Fault{503, "restarting", 1012, true, ErrRestarting.Error(), time.Second}},
	{ErrRightsChanged, Fault{503, "rights_changed", 1012, true, ErrRightsChanged.Error(), time.Second}},
	{ErrBadRequest, Fault{400, "bad_request", 4400, false, ErrBadRequest.Error(), 0}},
	{ErrNotUnderstood, Fault{400, "not_understood", 1003, false, ErrNotUnderstood.Error(), 0}},
	{ErrTokenInURL, Fault{400, "token_in_url", 4400, false, ErrTokenInURL.Error(), 0}},
	{ErrOrigin, Fault{403, "origin_not_allowed", 4403, false, ErrOrigin.Error(), 0}},
	{ErrForged, Fault{403, "cross_site", 4403, false, ErrForged.Error(), 0}},
	{ErrMethod, Fault{405, "method_not_allowed", 4405, false, ErrMethod.Error(), 0}},
	{ErrNoSubprotocol, Fault{406, "no_subprotocol", 4406, false, ErrNoSubprotocol.Error(), 0}},
	{ErrCursorExpired, Fault{410, "cursor_expired", 4410, false, ErrCursorExpired.Error(), 0}},
	{ErrTooLarge, Fault{413, "too_large", 4413, false, ErrTooLarge.Error(), 0}},
	{ErrMediaType, Fault{415, "unsupported_media_type", 4415, false, ErrMediaType.Error(), 0}},
	{ErrHost, Fault{421, "wrong_host", 4421, false, ErrHost.Error(), 0}},
	{ErrTooManySubscriptions, Fault{429, "too_many_subscriptions", 4429, false, ErrTooManySubscriptions.Error(), 0}},
	{ErrRateLimited, Fault{429, "rate_limited", 1013, true, ErrRateLimited.Error(), time.Second}},
	{ErrFull, Fault{503, "full", 1013, true, ErrFull.Error(), 5 * time.Second}},
}

// FaultOf returns the fault of an error. An error that is not in the table has the code internal.
func FaultOf(err error) Fault {
	found := Fault{http.StatusInternalServerError, Internal, 1011, true, "something went wrong here", 0}
	for _, entry := range faults {
		if errors.Is(err, entry.err) {
			found = entry.Fault
			break
		}
	}
	if more, ok := errors.AsType[*explained](err); ok {
		more.refine(&found)
	}
	return found
}

// ClosesWith reports whether an error of the table closes sockets with a code.
func ClosesWith(code int) bool {
	for _, entry := range faults {
		if entry.Close == code {
			return true
		}
	}
	return false
}

// explained is an error of the table with more to tell the client.
type explained struct {
	err    error
	detail string        // clients may read it; empty: they read the table's message
	after  time.Duration // when to try again; 0: the table's time
}

func (e *explained) Error() string {
	if e.detail == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%s: %v", e.detail, e.err)
}

func (e *explained) Unwrap() error { return e.err }

func (e *explained) refine(f *Fault) {
	if e.detail != "" {
		f.Message = e.detail
	}
	if e.after > 0 {
		f.After = e.after
	}
}

// Explain adds a sentence for the client to an error of the table.
func Explain(err error, detail string) error { return &explained{err: err, detail: detail} }

// TryAfter adds to an error of the table when the client may try again.
func TryAfter(err error, wait time.Duration) error { return &explained{err: err, after: wait} }

// ExplainDelay is explain and TryAfter together.
func ExplainDelay(err error, detail string, wait time.Duration) error {
	return &explained{err: err, detail: detail, after: wait}
}

// Explained reports whether an error tells the client more than the table does.
func Explained(err error) bool {
	_, ok := errors.AsType[*explained](err)
	return ok
}

// challenged is an error of a request that carries a bearer token.
type challenged struct{ error }

func (e *challenged) Unwrap() error { return e.error }

// Challenge marks an error of reading the bearer token of a request: an answer of status 401 then
// has the header WWW-Authenticate, as RFC 6750 asks, with the sentence for the client as its description.
func Challenge(err error) error { return &challenged{err} }

// Rejected is a request whose content is wrong.
type Rejected struct {
	Err    error // ErrInvalid or ErrConflict
	Fields any   // what is wrong by field; a list of that where the request was a list
}

func (e *Rejected) Error() string { return fmt.Sprintf("%v: %v", e.Err, e.Fields) }

func (e *Rejected) Unwrap() error { return e.Err }

// Invalid returns ErrInvalid with what is wrong by field.
func Invalid(fields any) error { return &Rejected{ErrInvalid, fields} }

// Conflicting returns ErrConflict with what is wrong by field.
func Conflicting(fields any) error { return &Rejected{ErrConflict, fields} }

// OfDatabase sorts an error of a statement: ErrStatement for a statement that PostgreSQL refused, which
// is internal and logged; ErrUnavailable for any other, since the database is away for now.
func OfDatabase(doing string, err error) error {
	_, unconnected := errors.AsType[*pgconn.ConnectError](err) // whatever the server has said to it
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && !unconnected && !transient(refused.Code) {
		return fmt.Errorf("%s: %w: %w", doing, ErrStatement, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}

// IsTransient reports whether PostgreSQL refused a statement for a condition that ends by itself.
func IsTransient(refused *pgconn.PgError) bool { return transient(refused.Code) }

// StateDenied is the SQLSTATE of a missing right.
const StateDenied = "42501"

// IsValueError reports whether PostgreSQL refused a statement because of a value that it could not read,
// convert or compute with. For types such as jsonpath, tsquery and regclass it reports this with the
// SQLSTATE of a wrong statement. An error of the statement's text has a position, and an error inside a
// function has a context; an error of a value has neither, but for those of isTypeName.
func IsValueError(refused *pgconn.PgError) bool {
	const classData = "22"
	if strings.HasPrefix(refused.Code, classData) {
		return true
	}
	switch refused.Code {
	case "0A000": // a name with the name of a database before it
		ofName := refused.Routine == "RangeVarGetRelidExtended" || refused.Routine == "DeconstructQualifiedName"
		return ofName && refused.Position == 0 && !HasContext(refused)
	case "42601", "42602", "42622", "42703", "42704", "42725", "42883", "42P01", "3F000": // a syntax, or a name that is malformed, ambiguous or unknown
		return refused.Position == 0 && !HasContext(refused) || isTypeName(refused)
	}
	return false
}

// isTypeName reports whether PostgreSQL could not parse the name of a type, which it does for values of regtype,
// regprocedure and regoperator. The position is one in the value then, and the context, of one line, says so in the
// language of the server. A wrong statement inside a function comes with its text.
func isTypeName(refused *pgconn.PgError) bool {
	return refused.Routine == "scanner_yyerror" && refused.InternalQuery == "" && refused.Where != "" && !strings.Contains(refused.Where, "\n")
}

// HasContext reports whether PostgreSQL gives an error a context: it was raised within a function or
// trigger that the statement calls, or while a parameter was read.
func HasContext(refused *pgconn.PgError) bool {
	return refused.Where != "" || refused.InternalQuery != ""
}

// StatementText is what PostgreSQL says about a statement, with its detail and its hint, on one line. It is
// for the operator, who wrote the statement.
func StatementText(refused *pgconn.PgError) string {
	text := refused.Message
	if refused.Detail != "" {
		text += "; detail: " + refused.Detail
	}
	if refused.Hint != "" {
		text += "; hint: " + strings.TrimSuffix(refused.Hint, ".")
	}
	return strings.Join(strings.Fields(text), " ")
}

// transient reports whether a SQLSTATE stands for a condition that ends by itself: a lost connection,
// resources that ran out, a server that stops or starts, a deadlock.
func transient(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "40", "53", "57":
		return true
	}
	return false
}

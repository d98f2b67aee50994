package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// What can be wrong with a request before the feed is asked. The feed's own errors are used as
// they are; faults says how both look from outside.
var (
	errRefused              = errors.New("the database refuses the statement")
	errBadRequest           = errors.New("the request is malformed")
	errNotUnderstood        = errors.New("the frame cannot be read")
	errTokenInURL           = errors.New("credentials do not belong in an address")
	errBadLogin             = errors.New("the username or the password is wrong")
	errOrigin               = errors.New("pages of this origin may not connect")
	errForged               = errors.New("the request may have been made by another site's page")
	errHost                 = errors.New("this server is not known by that host name")
	errMethod               = errors.New("the method is not allowed here")
	errNoSubprotocol        = errors.New("no subprotocol in common")
	errCursorExpired        = errors.New("the cursor is of no use any more")
	errTooLarge             = errors.New("the request is too large")
	errMediaType            = errors.New("the content type must be application/json")
	errRateLimited          = errors.New("too many requests")
	errTooManySubscriptions = errors.New("too many subscriptions on one socket")
	errFull                 = errors.New("the node serves as many as it may")
	errRestarting           = errors.New("the server is restarting")
	errChanged              = errors.New("the rights of the user have changed; come back with them")
)

// fault is how an error looks from outside. Nothing of an error's own text reaches a client: it
// may name hosts, roles and tables.
type fault struct {
	status    int    // of an HTTP answer
	code      string // for programs, the same on every transport
	close     int    // of a WebSocket; 4000 + status where RFC 6455 has no code of its own
	retryable bool   // the same request may succeed later
	message   string // for people
	after     time.Duration
}

// faults is the one table: what an error means on every transport. The first match counts.
var faults = []struct {
	err error
	fault
}{
	{errRefused, fault{500, "internal", 1011, true, "something went wrong here", 0}}, // also where the feed calls it unavailable
	{errDenied, fault{403, "forbidden", 4403, false, "you may not do this", 0}},
	{errNoRow, fault{404, "not_found", 4404, false, "there is no such row", 0}},
	{errInvalid, fault{400, "invalid", 4400, false, errInvalid.Error(), 0}},
	{errConflict, fault{409, "conflict", 4409, false, errConflict.Error(), 0}},
	{errBadLogin, fault{401, "bad_login", 4401, false, errBadLogin.Error(), 0}},
	{notifier.ErrUnauthorized, fault{401, "unauthorized", 4401, false, "log in first", 0}},
	{notifier.ErrForbidden, fault{403, "forbidden", 4403, false, "you may not follow this topic", 0}},
	{notifier.ErrNotFound, fault{404, "not_found", 4404, false, "there is no such topic", 0}},
	{topic.ErrInvalid, fault{400, "bad_request", 4400, false, topic.ErrInvalid.Error(), 0}},
	{notifier.ErrBadCursor, fault{400, "bad_cursor", 4400, false, "the cursor is not one of ours", 0}},
	{notifier.ErrNoSnapshot, fault{400, "bad_request", 4400, false, "the topic has no snapshot", 0}},
	{notifier.ErrSlow, fault{429, "slow", 4429, true, "the reader is too slow; come back with the cursor", 0}},
	{notifier.ErrUnavailable, fault{503, "unavailable", 1013, true, "try again later", 2 * time.Second}},
	{notifier.ErrClosed, fault{503, "restarting", 1001, true, "the server is going away", time.Second}},
	{errRestarting, fault{503, "restarting", 1012, true, errRestarting.Error(), time.Second}},
	{errChanged, fault{503, "rights_changed", 1012, true, errChanged.Error(), time.Second}},
	{errBadRequest, fault{400, "bad_request", 4400, false, errBadRequest.Error(), 0}},
	{errNotUnderstood, fault{400, "not_understood", 1003, false, errNotUnderstood.Error(), 0}},
	{errTokenInURL, fault{400, "token_in_url", 4400, false, errTokenInURL.Error(), 0}},
	{errOrigin, fault{403, "origin_not_allowed", 4403, false, errOrigin.Error(), 0}},
	{errForged, fault{403, "cross_site", 4403, false, errForged.Error(), 0}},
	{errMethod, fault{405, "method_not_allowed", 4405, false, errMethod.Error(), 0}},
	{errNoSubprotocol, fault{406, "no_subprotocol", 4406, false, errNoSubprotocol.Error(), 0}},
	{errCursorExpired, fault{410, "cursor_expired", 4410, false, errCursorExpired.Error(), 0}},
	{errTooLarge, fault{413, "too_large", 4413, false, errTooLarge.Error(), 0}},
	{errMediaType, fault{415, "unsupported_media_type", 4415, false, errMediaType.Error(), 0}},
	{errHost, fault{421, "wrong_host", 4421, false, errHost.Error(), 0}},
	{errTooManySubscriptions, fault{429, "too_many_subscriptions", 4429, false, errTooManySubscriptions.Error(), 0}},
	{errRateLimited, fault{429, "rate_limited", 1013, true, errRateLimited.Error(), time.Second}},
	{errFull, fault{503, "full", 1013, true, errFull.Error(), 5 * time.Second}},
}

// faultOf looks an error up. One that is not in the table is internal: a defect, or a statement
// that the database refuses.
func faultOf(err error) fault {
	found := fault{http.StatusInternalServerError, "internal", 1011, true, "something went wrong here", 0}
	for _, entry := range faults {
		if errors.Is(err, entry.err) {
			found = entry.fault
			break
		}
	}
	if more, ok := errors.AsType[*explained](err); ok {
		more.refine(&found)
	}
	return found
}

// explained is an error of the table with something more to tell the client.
type explained struct {
	err    error
	detail string        // may be shown to anybody; empty: what the table says
	after  time.Duration // when to come back; 0: what the table says
}

func (e *explained) Error() string {
	if e.detail == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%s: %v", e.detail, e.err)
}

func (e *explained) Unwrap() error { return e.err }

func (e *explained) refine(f *fault) {
	if e.detail != "" {
		f.message = e.detail
	}
	if e.after > 0 {
		f.after = e.after
	}
}

// explain adds a sentence for the client to an error of the table.
func explain(err error, detail string) error { return &explained{err: err, detail: detail} }

// tryAfter adds to an error of the table when trying again may help.
func tryAfter(err error, wait time.Duration) error { return &explained{err: err, after: wait} }

// databaseError sorts what went wrong with a statement: one that PostgreSQL refused is internal, and
// logged; anything else means that the database is away for now.
func databaseError(doing string, err error) error {
	_, unconnected := errors.AsType[*pgconn.ConnectError](err) // whatever the server has said to it
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && !unconnected && !passing(refused.Code) {
		return fmt.Errorf("%s: %w: %w", doing, errRefused, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, notifier.ErrUnavailable, err)
}

// passing reports whether a SQLSTATE tells of a condition that ends by itself: lost connections,
// resources that ran out, a server that stops or starts, a deadlock.
func passing(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "40", "53", "57":
		return true
	}
	return false
}

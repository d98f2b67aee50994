package problem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

func TestEveryErrorHasItsPlaceInTheTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err       error
		status    int
		code      string
		close     int
		retryable bool
	}{
		{ErrUnauthorized, 401, "unauthorized", 4401, false},
		{ErrForbidden, 403, "forbidden", 4403, false},
		{ErrNotFound, 404, "not_found", 4404, false},
		{notifier.ErrBadCursor, 400, "bad_cursor", 4400, false},
		{notifier.ErrSlow, 429, "slow", 4429, true},
		{ErrUnavailable, 503, "unavailable", 1013, true},
		{notifier.ErrNoSnapshot, 400, "bad_request", 4400, false},
		{topic.ErrInvalid, 400, "bad_request", 4400, false},
		{ErrBadLogin, 401, "bad_login", 4401, false},
		{ErrOrigin, 403, "origin_not_allowed", 4403, false},
		{ErrNoSubprotocol, 406, "no_subprotocol", 4406, false},
		{ErrCursorExpired, 410, "cursor_expired", 4410, false},
		{ErrTooLarge, 413, "too_large", 4413, false},
		{ErrTooManySubscriptions, 429, "too_many_subscriptions", 4429, false},
		{ErrRateLimited, 429, "rate_limited", 1013, true},
		{ErrFull, 503, "full", 1013, true},
		{ErrRestarting, 503, "restarting", 1012, true},
		{errors.New("a defect"), 500, "internal", 1011, true},
		{context.Canceled, 500, "internal", 1011, true},
	} {
		f := FaultOf(fmt.Errorf("doing something: %w", c.err))
		if f.Status != c.status || f.Code != c.code || f.Close != c.close || f.Retryable != c.retryable {
			t.Errorf("%v is %+v", c.err, f)
		}
		if f.Message == "" {
			t.Errorf("%v says nothing", c.err)
		}
	}
}

func TestDatabaseErrorsAreSorted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		code string
	}{
		{io.ErrUnexpectedEOF, "unavailable"},
		{context.DeadlineExceeded, "unavailable"},
		{&pgconn.PgError{Code: "57P01"}, "unavailable"}, // administrator's shutdown
		{&pgconn.PgError{Code: "53300"}, "unavailable"}, // too many connections
		{&pgconn.PgError{Code: "40P01"}, "unavailable"}, // deadlock
		{&pgconn.PgError{Code: "42501"}, "internal"},    // no right to do it
		{&pgconn.PgError{Code: "42P01"}, "internal"},    // no such table
		{&pgconn.PgError{}, "internal"},
	} {
		if f := FaultOf(OfDatabase("reading", c.err)); f.Code != c.code {
			t.Errorf("%v is %s, want %s", c.err, f.Code, c.code)
		}
	}
}

// A database that refuses connections is unavailable, whatever reason it gives.
func TestADatabaseThatRefusesConnectionsIsAway(t *testing.T) {
	t.Parallel()
	config, err := pgx.ParseConfig(schematest.New(t, schematest.CoreOnly).URL)
	if err != nil {
		t.Fatal(err)
	}
	config.Database = "nowhere"
	_, err = pgx.ConnectConfig(t.Context(), config)
	if f := FaultOf(OfDatabase("reading", err)); f.Code != "unavailable" {
		t.Errorf("%v is %s", err, f.Code)
	}
}

func TestAnswersHoldNoInnerText(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("secret of the inside"),
		OfDatabase("secret", errors.New("dial host=secret user=secret")),
		fmt.Errorf("secret: %w", ErrForbidden),
		TryAfter(fmt.Errorf("secret: %w", ErrRateLimited), 1500*time.Millisecond),
		Explain(fmt.Errorf("secret: %w", ErrBadRequest), "limit is a number"),
	} {
		w := httptest.NewRecorder()
		Refuse(w, httptest.NewRequest("GET", "/v1/events?token=secret", nil), slog.New(slog.DiscardHandler), err)
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v is answered %s", err, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("content type %q", got)
		}
	}
}

func TestProblemSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Write(w, TryAfter(ErrRateLimited, 1500*time.Millisecond))
	want := `{"type":"about:blank","title":"Too Many Requests","status":429,` +
		`"detail":"too many requests","code":"rate_limited","retry_after":2}` + "\n"
	if w.Body.String() != want || w.Code != 429 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestInternalErrorsAreLoggedWithoutTheQuery(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	Refuse(httptest.NewRecorder(), httptest.NewRequest("GET", "/v1/events?since=cursor", nil), slog.New(slog.NewTextHandler(&log, nil)), errors.New("x\x1b[2J"))
	if text := log.String(); !strings.Contains(text, "path=/v1/events") || strings.Contains(text, "cursor") || strings.Contains(text, "\x1b") {
		t.Errorf("logged %q", text)
	}
	log.Reset()
	Refuse(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), slog.New(slog.NewTextHandler(&log, nil)), ErrRateLimited)
	if log.Len() > 0 {
		t.Errorf("a client's fault is logged: %s", log.String())
	}
}

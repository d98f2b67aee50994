package upkeep_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/problem"
	"rowcall/api/upkeep"
)

// setting is a setting whose preparations a test decides.
type setting struct {
	*upkeep.Item
	prepared int
	fresh    int   // how many of the preparations asked for new texts
	err      error // what the next preparations return
	differs  bool  // and whether they change what was made
}

func newSetting() *setting {
	s := &setting{}
	s.Item = upkeep.NewItem("topics[0].access", "orders/{id}", func(_ context.Context, fresh bool) (bool, error) {
		s.prepared++
		if fresh {
			s.fresh++
		}
		return s.err == nil && (s.differs || fresh), s.err
	})
	return s
}

// request does what requests do, and returns how often it ran.
func (s *setting) request(t *testing.T, results ...error) (runs int, err error) {
	t.Helper()
	err = s.Do(t.Context(), func() error {
		runs++
		return results[min(runs, len(results))-1]
	})
	return runs, err
}

// refusedWith is an error in the text of a statement.
func refusedWith(code string) error { return refused(pgconn.PgError{Code: code, Position: 8}) }

func refused(by pgconn.PgError) error {
	by.Message = "refused"
	return fmt.Errorf("reading: %w", &by)
}

func TestRequestsAreTriedAgainAfterAChange(t *testing.T) {
	t.Parallel()
	stale, wrong, other := refusedWith("42703"), problem.Invalid("a value"), refusedWith("22012")
	for _, c := range []struct {
		name            string
		results         []error
		err             error // of the preparation
		differs         bool
		runs, fresh     int
		want            error
		doesNotPrepare  bool
		isUnfitAfterAll bool
	}{
		{name: "success", results: []error{nil}, runs: 1, doesNotPrepare: true},
		{name: "another error", results: []error{other}, runs: 1, want: other, doesNotPrepare: true},
		{name: "a missing right", results: []error{refusedWith("42501")}, runs: 1, want: refusedWith("42501"), doesNotPrepare: true},
		{name: "a name that is gone", results: []error{stale, nil}, runs: 2, fresh: 1},
		{name: "a plan of old types", results: []error{refusedWith("0A000"), nil}, runs: 2, fresh: 1},
		{name: "a failure that stays", results: []error{stale}, runs: 2, fresh: 1, want: stale},
		{name: "a setting that does not fit", results: []error{stale}, err: errors.New("no column"), runs: 1, fresh: 1, want: problem.ErrUnfit, isUnfitAfterAll: true},
		{name: "a database that is away", results: []error{stale}, err: problem.ErrUnavailable, runs: 1, fresh: 1, want: stale},
		{name: "a value that names nothing", results: []error{refused(pgconn.PgError{Code: "42P01"})}, runs: 1, want: refused(pgconn.PgError{Code: "42P01"}), doesNotPrepare: true},
		{name: "an error from within a function", results: []error{refused(pgconn.PgError{Code: "42P01", Where: "PL/pgSQL function f() line 1 at RAISE"})},
			runs: 1, want: refused(pgconn.PgError{Code: "42P01"}), doesNotPrepare: true},
		{name: "an error of another type from within a function", results: []error{refused(pgconn.PgError{Code: "42804", Where: "PL/pgSQL function f() line 1 at RAISE", Routine: "exec_stmt_raise"})},
			runs: 1, want: refused(pgconn.PgError{Code: "42804"}), doesNotPrepare: true},
		{name: "an old plan within a trigger", results: []error{refused(pgconn.PgError{Code: "42804", Where: "PL/pgSQL function t() line 1 at PERFORM", Routine: "plpgsql_param_eval_recfield"}), nil},
			runs: 2, fresh: 1},
		{name: "a value that is right by now", results: []error{wrong, nil}, differs: true, runs: 2},
		{name: "a value that is wrong", results: []error{wrong}, runs: 1, want: wrong},
	} {
		s := newSetting()
		s.err, s.differs = c.err, c.differs
		runs, err := s.request(t, c.results...)
		if runs != c.runs || (s.prepared == 0) != c.doesNotPrepare || s.fresh != c.fresh {
			t.Errorf("%s: %d runs, %d preparations, %d of them fresh; want %d runs, %d fresh", c.name, runs, s.prepared, s.fresh, c.runs, c.fresh)
		}
		if (err == nil) != (c.want == nil) || c.want != nil && !errors.Is(err, c.want) && err.Error() != c.want.Error() {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if (s.Err() != nil) != c.isUnfitAfterAll {
			t.Errorf("%s: the setting is left with %v", c.name, s.Err())
		}
	}
}

// A setting that does not fit refuses requests without running them.
func TestUnfitSettingsRunNothing(t *testing.T) {
	t.Parallel()
	s := newSetting()
	s.err = errors.New("no column total")
	_, _ = s.request(t, refusedWith("42703"))
	runs, err := s.request(t, nil)
	if runs != 0 || !errors.Is(err, problem.ErrUnfit) || s.prepared != 1 {
		t.Errorf("%d runs, %d preparations, %v; want none more and ErrUnfit", runs, s.prepared, err)
	}
	if f := problem.FaultOf(err); f.Status != 503 || strings.Contains(f.Message, "total") {
		t.Errorf("clients are told %+v", f)
	}
}

// Requests that fail all the time do not prepare all the time.
func TestPreparationsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSetting()
		began := time.Now()
		for range 5 {
			_, _ = s.request(t, refusedWith("42883"))
		}
		if took := time.Since(began); s.prepared != 5 || took < 4*time.Second || took > 5*time.Second {
			t.Errorf("%d preparations in %v, want 5 in about 4s", s.prepared, took)
		}
		for range 5 {
			_, _ = s.request(t, problem.Invalid("a value"))
		}
		if s.prepared != 6 {
			t.Errorf("%d preparations, want one more for requests with wrong values", s.prepared)
		}
	})
}

// Requests that fail at the same time cause one preparation.
func TestFailuresTogetherPrepareOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var prepared atomic.Int64
		item := upkeep.NewItem("a", "b", func(context.Context, bool) (bool, error) {
			prepared.Add(1)
			time.Sleep(time.Second) // in the time of the bubble
			return true, nil
		})
		var failing atomic.Int64
		for range 20 {
			go func() {
				first := true
				err := item.Do(t.Context(), func() error {
					if first {
						first = false
						failing.Add(1)
						return refusedWith("42P01")
					}
					return nil
				})
				if err != nil {
					t.Errorf("a request that failed once: %v", err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(5 * time.Second)
		if failing.Load() != 20 || prepared.Load() != 1 {
			t.Errorf("%d requests failed and caused %d preparations, want 20 and 1", failing.Load(), prepared.Load())
		}
	})
}

func TestNilItemFits(t *testing.T) {
	t.Parallel()
	var none *upkeep.Item
	stale := refusedWith("42703")
	if err := none.Do(t.Context(), func() error { return stale }); !errors.Is(err, stale) || none.Err() != nil {
		t.Errorf("got %v and %v, want the error of the request alone", err, none.Err())
	}
}

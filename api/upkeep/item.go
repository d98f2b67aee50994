// Package upkeep keeps what was made of the configuration in step with the catalog of the database,
// while the node runs.
//
// An [Item] stands for one setting, such as topics[0].access, and prepares it anew. That happens when
// a request fails in a way that a changed catalog explains, when a request is refused for a value that
// may be of use by now, and when the [Keeper] sees that the catalog has changed. A setting that does
// not fit any more has an error until it fits again: requests that need it are refused with
// problem.ErrUnfit, and no others.
package upkeep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/problem"
)

const (
	// failurePause is the shortest time between two preparations that failed requests cause. A
	// failed request waits for its end.
	failurePause = time.Second

	// refusalPause is the same for refused requests, which do not wait.
	refusalPause = 3 * time.Second

	// prepareTimeout bounds one preparation. A table that is locked for longer is not judged.
	prepareTimeout = 3 * time.Second

	// fingerprintedTimeout is the same for an item with a fingerprint, whose preparation holds up no other.
	fingerprintedTimeout = 10 * time.Second
)

// Item is a setting whose prepared form depends on the catalog: statements, or a table or function as
// the catalog describes it. It is safe for use by several goroutines.
type Item struct {
	Setting string // its key path, such as topics[0].access
	Name    string // what users know it by: a topic, or the name of a resource or function

	prepare     Prepare
	timeout     time.Duration // of one preparation
	fingerprint Fingerprint   // nil: the item is prepared whenever the catalog has changed
	turn        chan struct{} // holds a value while the item is prepared

	mu        sync.Mutex // guards all below
	state     State
	failedAt  time.Time          // when a failed request caused the last preparation
	refusedAt time.Time          // when a refused request did
	notify    func(*Item, State) // called when the setting stops fitting or fits again; may be nil
	replan    func()             // discards the plans of the pool's sessions; may be nil
}

// Prepare prepares a setting for the present catalog, and replaces the earlier result. fresh asks for
// statements whose text differs from earlier statements, for which connections may hold invalid plans.
// changed reports whether the new result differs from the earlier result. The error is
// problem.ErrUnavailable if the database does not answer. Any other error says why the setting does not
// fit; the earlier result is kept then.
type Prepare func(ctx context.Context, fresh bool) (changed bool, err error)

// State is how a setting fits.
type State struct {
	Err   error     // why it does not fit; nil if it does
	Since time.Time // when that was noticed

	times   uint64 // how often it was prepared after the start
	changes uint64 // how often that changed what was made
}

// NewItem returns an item that fits, since it was prepared at the start.
func NewItem(setting, name string, prepare Prepare) *Item {
	return &Item{Setting: setting, Name: name, prepare: prepare, timeout: prepareTimeout, turn: make(chan struct{}, 1)}
}

// Fingerprint returns a text that changes when the part of the catalog changes that a setting depends on. It must be much
// cheaper than preparing the setting.
type Fingerprint func(ctx context.Context) (string, error)

// NewFingerprintedItem returns an item like NewItem, which the keeper prepares within a few seconds after its fingerprint has
// changed, however long other items take.
func NewFingerprintedItem(setting, name string, fingerprint Fingerprint, prepare Prepare) *Item {
	i := NewItem(setting, name, prepare)
	i.fingerprint, i.timeout = fingerprint, fingerprintedTimeout
	return i
}

// State returns how the setting fits. The state of a nil item is that of a setting that fits.
func (i *Item) State() State {
	if i == nil {
		return State{}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state
}

// Err returns problem.ErrUnfit if the setting does not fit, else nil.
func (i *Item) Err() error { return i.State().err(i) }

func (s State) err(i *Item) error {
	if s.Err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %w", i.Setting, problem.ErrUnfit, s.Err)
}

// Do calls do, which uses the prepared form of the setting. If do fails because that form may be out of
// date, Do prepares the setting again, and calls do again if the result has changed. do must have no
// effect when it fails. The error is problem.ErrUnfit while the setting does not fit, else the error of
// do. With a nil item, Do calls do once.
func (i *Item) Do(ctx context.Context, do func() error) error {
	before := i.State()
	if err := before.err(i); err != nil {
		return err
	}
	err := do()
	switch {
	case err == nil || i == nil:
		return err
	case IsStale(err):
		i.prepareAfter(ctx, before, err)
	case errors.Is(err, problem.ErrInvalid):
		i.prepareAfter(ctx, before, nil)
	default:
		return err
	}
	now := i.State()
	if unfit := now.err(i); unfit != nil {
		return unfit
	}
	if now.changes == before.changes {
		return err
	}
	return do()
}

// prepareAfter prepares the setting because of a request that saw an earlier state, unless that was
// done since. A request that failed waits for its turn; one that was refused, whose failure is nil, does
// not.
func (i *Item) prepareAfter(ctx context.Context, seen State, failure error) {
	if failure == nil && !i.takeRefusal() {
		return
	}
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return
	}
	if i.State().times != seen.times || failure != nil && !i.takeFailure(ctx) {
		return
	}
	if isOldPlan(failure) {
		i.discardPlans()
	}
	_ = i.prepareInTurn(ctx, failure != nil) // the state says what came of it
}

func (i *Item) discardPlans() {
	i.mu.Lock()
	replan := i.replan
	i.mu.Unlock()
	if replan != nil {
		replan()
	}
}

// takeRefusal reports whether a refused request may have the setting prepared now.
func (i *Item) takeRefusal() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Since(i.refusedAt) < refusalPause {
		return false
	}
	i.refusedAt = time.Now()
	return true
}

// takeFailure waits until a failed request may have the setting prepared. It reports false if ctx ends
// first. The caller has the turn.
func (i *Item) takeFailure(ctx context.Context) bool {
	i.mu.Lock()
	wait := failurePause - time.Since(i.failedAt)
	i.mu.Unlock()
	if wait > 0 && !sleep(ctx, wait) {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failedAt = time.Now()
	return true
}

// check prepares the setting, because the catalog may have changed. The error is
// problem.ErrUnavailable or ErrUnfinished: it is to be called again soon.
func (i *Item) check(ctx context.Context) error {
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return fmt.Errorf("checking %s: %w: %w", i.Setting, problem.ErrUnavailable, ctx.Err())
	}
	return i.prepareInTurn(ctx, false)
}

// prepareInTurn prepares the setting, and records whether it fits. An answer that did not come says
// nothing of that.
func (i *Item) prepareInTurn(ctx context.Context, fresh bool) error {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	different, err := i.prepare(ctx, fresh)
	if errors.Is(err, problem.ErrUnavailable) {
		return err
	}
	i.mu.Lock()
	changed := (err == nil) != (i.state.Err == nil)
	i.state.times++
	if different {
		i.state.changes++
	}
	if changed {
		i.state.Since = time.Now()
	}
	i.state.Err = err
	now, notify := i.state, i.notify
	i.mu.Unlock()
	if changed && notify != nil {
		notify(i, now)
	}
	if errors.Is(err, ErrUnfinished) {
		return err
	}
	return nil
}

// sleep reports false if ctx ends first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ErrUnfinished is in the error of a preparation that found that the setting does not fit, and could not mend it yet. It is
// tried again soon.
var ErrUnfinished = errors.New("mending it has to be tried again")

// ErrStale says that what was prepared does not fit the catalog any more, where PostgreSQL has no error for it.
var ErrStale = errors.New("the catalog has changed since this was prepared")

// IsStale reports whether an error of a statement may be due to a catalog that has changed since the
// statement was made: a name or an operator is gone, a type is another one, or a plan of the connection
// is of no use. A missing right is none of these: it has an answer of its own. Neither is an error that a
// function or trigger has raised, or that a value has caused: the statement would fail again.
func IsStale(err error) bool {
	const (
		planOfOldTypes = "0A000" // feature_not_supported: "cached plan must not change result type"
		noSchema       = "3F000"
		internalError  = "XX000" // "cache lookup failed" for what is gone
	)
	if errors.Is(err, ErrStale) || isOldPlan(err) {
		return true
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || problem.HasContext(refused) || problem.IsValueError(refused) {
		return false
	}
	switch refused.Code {
	case problem.StateDenied:
		return false
	case planOfOldTypes, noSchema, internalError:
		return true
	}
	return strings.HasPrefix(refused.Code, "42")
}

// isOldPlan reports whether a function or trigger in PL/pgSQL has failed because its session keeps a plan
// for the type that a column had before. Every call in that session fails until the plan is discarded. An
// error that the function has raised itself names another routine of PL/pgSQL, exec_stmt_raise.
func isOldPlan(err error) bool {
	const otherType = "42804" // "type of parameter 14 (bigint) does not match that when preparing the plan (integer)"
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == otherType && strings.HasPrefix(refused.Routine, "plpgsql_param_")
}

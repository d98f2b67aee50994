package api

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/notifier"
)

// migrationCheckWait bounds the question about migrations, and is how long its answer is used.
const migrationCheckWait = 2 * time.Second

// HealthOptions are what the answers of Health depend on.
type HealthOptions struct {
	Feed    func() notifier.Health              // the health of the feed
	Pending func(context.Context) (bool, error) // whether migrations must be applied; nil: never
	Unfit   func() []upkeep.Unfit               // the settings that do not fit the database any more; nil: all fit
	Polling bool                                // the configuration turns rings off: LISTEN is not needed
}

// Health answers /healthz, which reports that the process serves, and /readyz, which reports
// whether sockets receive their events from this node. Anybody may ask: the answers contain no
// topics, and the cause of a problem is only in the log.
type Health struct {
	o         HealthOptions
	checking  chan struct{} // holds a value while the database is asked
	lastCheck atomic.Pointer[migrationState]
}

// migrationState is an answer about migrations. It is kept, because otherwise each request for
// readiness would ask the database.
type migrationState struct {
	applied   bool
	checkedAt time.Time
}

// NewHealth prepares the answers.
func NewHealth(o HealthOptions) *Health {
	return &Health{o: o, checking: make(chan struct{}, 1)}
}

// Alive answers GET /healthz.
func (h *Health) Alive(w http.ResponseWriter, _ *http.Request) {
	problem.WriteJSON(w, http.StatusOK, map[string]bool{"alive": true})
}

// readiness is the body of /readyz.
type readiness struct {
	Ready     bool `json:"ready"`
	Listening bool `json:"listening"`
	Polled    bool `json:"polled"`
	Migrated  bool `json:"migrated"`

	// Unfit are the key paths of settings that do not fit the database any more. The node is ready all
	// the same, because it serves everything else.
	Unfit []string `json:"unfit"`

	Log logState `json:"log"`
}

// logState is the state of the log, as retention last saw it.
type logState struct {
	Bytes   int64      `json:"bytes"`
	Since   *time.Time `json:"since,omitempty"`   // time of the oldest event
	Refused *time.Time `json:"refused,omitempty"` // since when a lock keeps retention from emptying a slot
}

func newLogState(l notifier.LogState) logState {
	return logState{Bytes: l.Bytes, Since: timeOrNil(l.Since), Refused: timeOrNil(l.Refused)}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Ready answers GET /readyz: 200 when ready, 503 when not.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	state := h.readiness(r.Context())
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	problem.WriteJSON(w, status, state)
}

func (h *Health) readiness(ctx context.Context) readiness {
	feed := h.o.Feed()
	state := readiness{
		Listening: feed.Listening,
		Polled:    feed.Err == nil && !feed.PolledAt.IsZero(),
		Migrated:  h.migrated(ctx),
		Unfit:     []string{},
		Log:       newLogState(feed.Log),
	}
	if h.o.Unfit != nil {
		for _, one := range h.o.Unfit() {
			state.Unfit = append(state.Unfit, one.Setting)
		}
	}
	state.Ready = state.Polled && state.Migrated && (state.Listening || h.o.Polling)
	return state
}

// migrated asks the database once at a time, and once in migrationCheckWait. Requests in between
// receive the last answer.
func (h *Health) migrated(ctx context.Context) bool {
	if h.o.Pending == nil {
		return true
	}
	last := h.lastCheck.Load()
	if last == nil || time.Since(last.checkedAt) > migrationCheckWait {
		select {
		case h.checking <- struct{}{}:
			defer func() { <-h.checking }()
			last = h.checkMigrations(ctx)
		default:
		}
	}
	return last != nil && last.applied
}

// checkMigrations asks the database. It does not end with the request of one client, because its
// answer is for all.
func (h *Health) checkMigrations(ctx context.Context) *migrationState {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), migrationCheckWait)
	defer cancel()
	pending, err := h.o.Pending(ctx)
	state := &migrationState{applied: err == nil && !pending, checkedAt: time.Now()}
	h.lastCheck.Store(state)
	return state
}

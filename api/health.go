package api

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// healthPatience bounds the question about migrations, and is how long its answer is believed.
const healthPatience = 2 * time.Second

// HealthOptions say what readiness is made of.
type HealthOptions struct {
	Feed    func() notifier.Health              // what the feed knows of itself
	Pending func(context.Context) (bool, error) // whether migrations wait to be applied; nil: never
	Polling bool                                // writers never ring, by choice: LISTEN is not needed
}

// Health answers /healthz, which says that the process serves, and /readyz, which says whether
// sockets will get their events from this node. Neither says anything of topics, and what went
// wrong stays in the log: anybody may ask.
type Health struct {
	o      HealthOptions
	turn   chan struct{} // holds a value while somebody asks the database
	latest atomic.Pointer[schemaState]
}

// schemaState is an answer about migrations, kept because every request for readiness would ask.
type schemaState struct {
	current bool
	asked   time.Time
}

// NewHealth prepares the answers.
func NewHealth(o HealthOptions) *Health {
	return &Health{o: o, turn: make(chan struct{}, 1)}
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

	Log logState `json:"log"`
}

// logState is what retention last found.
type logState struct {
	Bytes   int64      `json:"bytes"`
	Since   *time.Time `json:"since,omitempty"`   // of the oldest event
	Refused *time.Time `json:"refused,omitempty"` // since when a lock keeps retention from emptying a slot
}

func logStateOf(l notifier.LogState) logState {
	return logState{Bytes: l.Bytes, Since: unlessZero(l.Since), Refused: unlessZero(l.Refused)}
}

func unlessZero(t time.Time) *time.Time {
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
		Log:       logStateOf(feed.Log),
	}
	state.Ready = state.Polled && state.Migrated && (state.Listening || h.o.Polling)
	return state
}

// migrated asks the database at most once at a time and once in healthPatience; whoever comes
// meanwhile gets the last answer.
func (h *Health) migrated(ctx context.Context) bool {
	if h.o.Pending == nil {
		return true
	}
	last := h.latest.Load()
	if last == nil || time.Since(last.asked) > healthPatience {
		select {
		case h.turn <- struct{}{}:
			defer func() { <-h.turn }()
			last = h.ask(ctx)
		default:
		}
	}
	return last != nil && last.current
}

// ask does not depend on one client's patience: its answer is for all.
func (h *Health) ask(ctx context.Context) *schemaState {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthPatience)
	defer cancel()
	pending, err := h.o.Pending(ctx)
	state := &schemaState{current: err == nil && !pending, asked: time.Now()}
	h.latest.Store(state)
	return state
}

package api

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// tailHandler answers GET /api/console/tail.
type tailHandler struct{ *streamHandler }

// ServeHTTP answers staff with the stream of events that a user would receive. Otherwise it is the
// stream of GET /v1/sse.
func (h *tailHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := newStream(w, h.streamHandler)
	st.subscribe = func(ctx context.Context, in *admission, wanted notifier.Request) (subscription, notifier.Start, error) {
		return h.subscribeAsUser(ctx, st, r, in, wanted)
	}
	h.serveStream(st, w, r)
}

// subscribeAsUser subscribes for the user that the request names.
func (h *tailHandler) subscribeAsUser(ctx context.Context, st *stream, r *http.Request, in *admission, wanted notifier.Request) (subscription, notifier.Start, error) {
	if in.unknown != nil {
		return nil, notifier.Start{}, in.unknown
	}
	if err := admitStaff(in.identity); err != nil {
		return nil, notifier.Start{}, err
	}
	user, err := h.shownUser(ctx, r, in.identity)
	if err != nil {
		return nil, notifier.Start{}, err
	}
	if user.Borrowed() {
		st.shownUser = user.User
	}
	guard, _, err := h.subscribe(ctx, in, notifier.Request{Topics: []topic.Topic{ConsoleTopic}, Wake: wanted.Wake})
	if err != nil {
		return nil, notifier.Start{}, err
	}
	wanted.Meter = h.door.ReplayMeter(in.address, in.identity.User) // the replay is the reader's
	sub, start, err := h.subscribeAs(ctx, user, wanted)
	if err != nil {
		guard.Close()
		return nil, notifier.Start{}, explainTailRefusal(err)
	}
	g := &supervisedSubscription{subscription: sub, guard: guard, wake: wanted.Wake}
	g.user = h.vigil.addIdentity(user, g.endWith)
	return g, start, nil
}

// shownUser returns the user whose events are shown: the user that the request names, else the
// staff member who asks.
func (h *tailHandler) shownUser(ctx context.Context, r *http.Request, asks identity.Identity) (identity.Identity, error) {
	q, err := problem.ParseQuery(r)
	if err != nil {
		return identity.Identity{}, err
	}
	id, err := q.Text("user")
	switch {
	case err != nil:
		return identity.Identity{}, err
	case !q.Has("user"):
		return asks, nil
	case id == "":
		return identity.Identity{}, problem.BadParameter("user", "it is a user's id")
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	user, err := h.accounts.Borrow(ctx, id)
	if err != nil {
		return identity.Identity{}, explainTailRefusal(err)
	}
	return user, nil
}

// explainTailRefusal tells staff why the user may not follow.
func explainTailRefusal(err error) error {
	switch {
	case errors.Is(err, problem.ErrUnauthorized):
		return problem.Explain(problem.ErrNotFound, "user: there is no such user, or they are not active")
	case errors.Is(err, problem.ErrForbidden):
		return problem.Explain(problem.ErrForbidden, "this user may not follow this topic")
	}
	return err
}

// ConsoleTopic is followed for staff who look at the events of another user: its subscription ends
// when the reader is no longer logged in, or no longer staff. It is a built-in topic of the rules.
// Its name breaks the grammar of topics, so that no client can name it and no trigger can file an
// event there.
const ConsoleTopic topic.Topic = "<console>"

// supervisedSubscription is a subscription to what one user may see, which another user, the
// reader, reads. It hands out nothing that was committed after the reader lost the right to read
// it: a second subscription, the guard, is the reader's own, and is paused and ended in the order
// of the log.
type supervisedSubscription struct {
	subscription
	guard        subscription
	user         *vigilEntry // of the user
	wake         func()
	notHandedOut notifier.Taken // taken, but not handed out while the guard is behind

	mu  sync.Mutex // guards err
	err error      // why the user's identity no longer holds
}

// Take checks the guard after it has taken events: what pauses or ends the guard was filed in the
// log before any event that is taken later.
func (g *supervisedSubscription) Take(max int) (notifier.Taken, error) {
	if takenNothing(g.notHandedOut) {
		taken, err := g.subscription.Take(max)
		if err != nil {
			return taken, err
		}
		g.notHandedOut = taken
	}
	if err := g.endReason(); err != nil {
		return notifier.Taken{}, err
	}
	if !g.guard.CaughtUp() {
		return notifier.Taken{}, nil // the guard wakes the reader
	}
	taken := g.notHandedOut
	g.notHandedOut = notifier.Taken{}
	return taken, nil
}

func takenNothing(t notifier.Taken) bool { return t.Reset == nil && len(t.Events) == 0 }

// endReason returns why nothing more may be handed out; nil if nothing has ended. It discards what
// the guard receives.
func (g *supervisedSubscription) endReason() error {
	for {
		taken, err := g.guard.Take(eventsPerTake)
		if err != nil {
			return err
		}
		if takenNothing(taken) {
			break
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// endWith ends the subscription because the user's identity no longer holds.
func (g *supervisedSubscription) endWith(reason error) {
	g.mu.Lock()
	g.err = reason
	g.mu.Unlock()
	g.wake()
}

// CaughtUp reports whether nothing waits, in this subscription and in the guard.
func (g *supervisedSubscription) CaughtUp() bool {
	return takenNothing(g.notHandedOut) && g.subscription.CaughtUp() && g.guard.CaughtUp()
}

// Close ends the subscription and the guard.
func (g *supervisedSubscription) Close() {
	g.user.remove()
	g.subscription.Close()
	g.guard.Close()
}

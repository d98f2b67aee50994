package api

import (
	"context"
	"errors"
	"net/http"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// tailHandler answers GET /api/console/tail.
type tailHandler struct{ *streamHandler }

// ServeHTTP answers with a stream of events as a user would have it, for staff. It is the stream of
// GET /v1/sse in everything else.
func (h *tailHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := newStream(w, h.streamHandler)
	st.subscribe = func(ctx context.Context, in *admission, wanted notifier.Request) (subscription, notifier.Start, error) {
		return h.subscribeTail(ctx, st, r, in, wanted)
	}
	h.serveStreamOf(st, w, r)
}

// subscribeTail subscribes in the place of the user that the request names.
func (h *tailHandler) subscribeTail(ctx context.Context, st *stream, r *http.Request, in *admission, wanted notifier.Request) (subscription, notifier.Start, error) {
	if in.unknown != nil {
		return nil, notifier.Start{}, in.unknown
	}
	if err := staffOnly(in.who); err != nil {
		return nil, notifier.Start{}, err
	}
	user, err := h.userOfTail(ctx, r, in.who)
	if err != nil {
		return nil, notifier.Start{}, err
	}
	if user.Borrowed() {
		st.as = user.User
	}
	guard, _, err := h.subscribe(ctx, in, notifier.Request{Topics: []topic.Topic{ConsoleTopic}, Wake: wanted.Wake})
	if err != nil {
		return nil, notifier.Start{}, err
	}
	wanted.Meter = h.door.ReplayMeter(in.address, in.who.User) // whose replay it is
	sub, start, err := h.subscribeAs(ctx, user, wanted)
	if err != nil {
		guard.Close()
		return nil, notifier.Start{}, refusedTail(err)
	}
	g := &supervised{subscription: sub, guard: guard, woken: wanted.Wake}
	g.watched = h.watch.add(user, g.end)
	return g, start, nil
}

// userOfTail is who the events are for: the user that is named, else the staff member who asks.
func (h *tailHandler) userOfTail(ctx context.Context, r *http.Request, asks identity.Identity) (identity.Identity, error) {
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
		return identity.Identity{}, refusedTail(err)
	}
	return user, nil
}

// refusedTail tells staff of the user what the user would be told.
func refusedTail(err error) error {
	switch {
	case errors.Is(err, problem.ErrUnauthorized):
		return problem.Explain(problem.ErrNotFound, "user: there is no such user, or they are not active")
	case errors.Is(err, problem.ErrForbidden):
		return problem.Explain(problem.ErrForbidden, "this user may not follow this topic")
	}
	return err
}

package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// healthCheckInterval is about how long a stream that waits for the database waits between two
// checks.
const healthCheckInterval = time.Second

// streamRequest is what GET /v1/sse asks for.
type streamRequest struct {
	topics []topic.Topic
	since  string
	filter any // as notifier.Request has it
}

// streamHandler answers GET /v1/sse.
type streamHandler struct {
	*topicRequests
	vigil *vigil
	names *sessionNames
}

// parseRequest reads a request. The cursor that EventSource sends when it reconnects is newer than
// the one in the address. If it is empty, the one in the address counts.
func (h *streamHandler) parseRequest(r *http.Request) (wanted streamRequest, err error) {
	q, err := problem.ParseQuery(r)
	if err != nil {
		return wanted, err
	}
	if wanted.since, err = sinceIn(q); err != nil {
		return wanted, err
	}
	last := r.Header.Values("Last-Event-ID")
	if len(last) > 0 && (last[0] != "" || wanted.since == "") {
		wanted.since = givenCursor(last[0])
	}
	if wanted.topics, err = h.parseTopics(q.Values["topic"]); err != nil {
		return wanted, err
	}
	wanted.filter, err = filterIn(q, wanted.topics)
	return wanted, err
}

// ServeHTTP answers with the events of one or several topics as server-sent events, in one order
// and with one cursor. Any status but 200 makes EventSource give up for good, and is only for
// errors that a reconnect cannot mend.
func (h *streamHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serveStream(newStream(w, h), w, r)
}

// serveStream answers with the events that a stream subscribes to.
func (h *streamHandler) serveStream(st *stream, w http.ResponseWriter, r *http.Request) {
	defer st.conn.startFinish(h.limits.WriteTimeout)
	defer st.holder.Close()
	err := h.runStream(st, r)
	if err == nil || errors.Is(err, errGone) {
		return
	}
	f := problem.FaultOf(err)
	switch {
	case !st.headerSent && !f.Retryable:
		h.refuse(w, r, sessionStream, err)
		return
	case f.Code == problem.Internal && r.Context().Err() == nil:
		h.log.Error("stream not served as asked", "err", err)
	}
	if !st.headerSent {
		h.metrics.countHandshake(sessionStream, err)
		_ = st.sendRetry(max(st.retry, f.After+rand.N(minRetry)))
	}
}

// runStream serves until the client disconnects, the node stops, or an error ends the stream.
func (h *streamHandler) runStream(st *stream, r *http.Request) error {
	in, err := h.admit(r)
	if err != nil {
		return err
	}
	defer func() { in.Close() }() // the last one: see admitAgain
	wanted, err := h.parseRequest(r)
	if err != nil {
		return err
	}
	st.texts = newEventTexts(wanted.topics)
	for {
		err := h.subscribeAndSend(r.Context(), st, in, wanted)
		if !errors.Is(err, problem.ErrUnavailable) {
			return err
		}
		if err := h.waitForDatabase(r.Context(), st); err != nil {
			return err
		}
		if in, err = h.admitAgain(r, in); err != nil {
			return err
		}
	}
}

// subscribeAndSend subscribes and sends events. The error is problem.ErrUnavailable if the database
// did not answer before the first of them.
func (h *streamHandler) subscribeAndSend(ctx context.Context, st *stream, in *admission, wanted streamRequest) error {
	ctx, leave := h.vigil.contextFor(ctx, in.identity)
	defer leave()
	sub, start, err := st.subscribeFrom(ctx, in, wanted)
	switch {
	case err != nil && ctx.Err() != nil:
		return requestEnd(ctx)
	case err != nil:
		return err
	}
	defer sub.Close()
	defer h.registry.addStream(&presence{
		name: h.names.next(), kind: sessionStream, identity: in.identity, as: st.shownUser, address: in.address, since: time.Now(),
		subscriptions: func() []subscription { return []subscription{sub} },
	})()
	return h.sendUntilEnd(ctx, st, sub, start)
}

// subscribeFrom subscribes from the cursor of the request. A text that is no cursor counts as an
// expired one: to refuse it would make EventSource give up.
func (st *stream) subscribeFrom(ctx context.Context, in *admission, wanted streamRequest) (subscription, notifier.Start, error) {
	request := notifier.Request{Topics: wanted.topics, Since: wanted.since, Filter: wanted.filter, Resumable: true, Holder: st.holder, Wake: st.woken.wake}
	sub, start, err := st.subscribe(ctx, in, request)
	if !errors.Is(err, notifier.ErrBadCursor) {
		return sub, start, err
	}
	request.Since = ""
	sub, start, err = st.subscribe(ctx, in, request)
	start.Reason = notifier.ResetEpoch
	return sub, start, err
}

// waitForDatabase keeps a stream open while the database does not answer, and returns when it does.
func (h *streamHandler) waitForDatabase(ctx context.Context, st *stream) error {
	if err := st.sendRetry(st.retry); err != nil {
		return err
	}
	beat, look := time.NewTicker(st.signInterval), time.NewTicker(healthCheckInterval/2+rand.N(healthCheckInterval))
	defer beat.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return errGone
		case <-h.registry.stopping:
			return problem.ErrRestarting
		case <-beat.C:
			if err := st.sendComment(); err != nil {
				return err
			}
		case <-look.C:
			if h.feed.Health().Err == nil {
				return nil
			}
		}
	}
}

// admitAgain identifies the user if the database could not before. It gives back the place that was
// taken without a user.
func (h *streamHandler) admitAgain(r *http.Request, in *admission) (*admission, error) {
	if in.unknown == nil {
		return in, nil
	}
	again, err := h.admit(r)
	if err != nil {
		return in, err
	}
	in.Close()
	return again, nil
}

// sendUntilEnd sends what the subscription has until something ends it.
func (h *streamHandler) sendUntilEnd(ctx context.Context, st *stream, sub subscription, start notifier.Start) error {
	if err := st.sendStart(start); err != nil {
		return err
	}
	h.metrics.countHandshake(sessionStream, nil)
	beat := time.NewTicker(st.signInterval)
	defer beat.Stop()
	for {
		if err := st.sendEvents(sub); err != nil {
			return err
		}
		select {
		case <-st.woken:
		case <-beat.C:
			if err := st.sendSign(sub, h.feed); err != nil {
				return err
			}
		case <-ctx.Done():
			return requestEnd(ctx)
		case <-h.registry.stopping:
			return problem.ErrRestarting
		}
	}
}

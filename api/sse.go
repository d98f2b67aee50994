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

const (
	// streamBeat is the longest time between two signs of life of a stream.
	streamBeat = 15 * time.Second

	// holdPause is about how long a stream that waits for the database waits between two looks.
	holdPause = time.Second
)

// streamRequest is what GET /v1/sse asks for.
type streamRequest struct {
	topics []topic.Topic
	since  string
}

// streamHandler answers GET /v1/sse.
type streamHandler struct {
	*topicRequests
	watch *watch
	names *sessionNames
}

// streamRequest reads the request. The cursor that EventSource brings when it comes back is newer
// than the one in the address. An empty one leaves the one in the address.
func (h *streamHandler) streamRequest(r *http.Request) (wanted streamRequest, err error) {
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
	wanted.topics, err = h.followed(q.Values["topic"])
	return wanted, err
}

// ServeHTTP answers with the events of one or several topics as server-sent events, in one order
// and under one cursor. Any other status than 200 makes EventSource give up for good: it is for
// what coming back cannot mend.
func (h *streamHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serveStreamOf(newStream(w, h), w, r)
}

// serveStreamOf answers with what a stream subscribes to.
func (h *streamHandler) serveStreamOf(st *stream, w http.ResponseWriter, r *http.Request) {
	defer st.conn.finish(h.limits.WriteTimeout)
	defer st.holder.Close()
	err := h.stream(st, r)
	if err == nil || errors.Is(err, errGone) {
		return
	}
	f := problem.FaultOf(err)
	switch {
	case !st.opened && !f.Retryable:
		h.refuse(w, r, sessionStream, err)
		return
	case f.Code == problem.Internal && r.Context().Err() == nil:
		h.log.Error("stream not served as asked", "err", err)
	}
	if !st.opened {
		h.metrics.handshake(sessionStream, err)
		_ = st.open(max(st.retry, f.After+rand.N(minRetry)))
	}
}

// stream serves until the client goes, the node stops, or something ends the stream, which the
// error names.
func (h *streamHandler) stream(st *stream, r *http.Request) error {
	in, err := h.admit(r)
	if err != nil {
		return err
	}
	defer func() { in.Close() }() // of the last admission, see admitAgain
	wanted, err := h.streamRequest(r)
	if err != nil {
		return err
	}
	st.texts = newTexts(wanted.topics)
	for {
		err := h.tryStream(r.Context(), st, in, wanted)
		if !errors.Is(err, problem.ErrUnavailable) {
			return err
		}
		if err := h.hold(r.Context(), st); err != nil {
			return err
		}
		if in, err = h.admitAgain(r, in); err != nil {
			return err
		}
	}
}

// tryStream subscribes and serves. The error is problem.ErrUnavailable where nothing has come of that.
func (h *streamHandler) tryStream(ctx context.Context, st *stream, in *admission, wanted streamRequest) error {
	ctx, leave := h.watch.during(ctx, in.who)
	defer leave()
	sub, start, err := st.openAt(ctx, in, wanted)
	switch {
	case err != nil && ctx.Err() != nil:
		return leaving(ctx)
	case err != nil:
		return err
	}
	defer sub.Close()
	defer h.registry.addStream(&presence{
		name: h.names.next(), kind: sessionStream, who: in.who, as: st.as, address: in.address, since: time.Now(),
		follows: func() []subscription { return []subscription{sub} },
	})()
	return h.feedStream(ctx, st, sub, start)
}

// openAt subscribes. What cannot be a cursor is one of no use: to refuse it would make EventSource
// give up.
func (st *stream) openAt(ctx context.Context, in *admission, wanted streamRequest) (subscription, notifier.Start, error) {
	request := notifier.Request{Topics: wanted.topics, Since: wanted.since, Holder: st.holder, Wake: st.woken.wake}
	sub, start, err := st.subscribe(ctx, in, request)
	if !errors.Is(err, notifier.ErrBadCursor) {
		return sub, start, err
	}
	request.Since = ""
	sub, start, err = st.subscribe(ctx, in, request)
	start.Reason = notifier.ResetEpoch
	return sub, start, err
}

// hold keeps a stream open that the database is not there for, and returns when it is worth trying
// again.
func (h *streamHandler) hold(ctx context.Context, st *stream) error {
	if err := st.open(st.retry); err != nil {
		return err
	}
	beat, look := time.NewTicker(st.interval), time.NewTicker(holdPause/2+rand.N(holdPause))
	defer beat.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return errGone
		case <-h.registry.stopping:
			return problem.ErrRestarting
		case <-beat.C:
			if err := st.comment(); err != nil {
				return err
			}
		case <-look.C:
			if h.feed.Health().Err == nil {
				return nil
			}
		}
	}
}

// admitAgain finds out who asks where the database could not say before. The place that was taken
// for nobody is given back.
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

// feedStream sends what the subscription has until something ends it.
func (h *streamHandler) feedStream(ctx context.Context, st *stream, sub subscription, start notifier.Start) error {
	if err := st.start(start); err != nil {
		return err
	}
	h.metrics.handshake(sessionStream, nil)
	beat := time.NewTicker(st.interval)
	defer beat.Stop()
	for {
		if err := st.forward(sub); err != nil {
			return err
		}
		select {
		case <-st.woken:
		case <-beat.C:
			if err := st.beat(sub, h.feed); err != nil {
				return err
			}
		case <-ctx.Done():
			return leaving(ctx)
		case <-h.registry.stopping:
			return problem.ErrRestarting
		}
	}
}

// leaving says why a request is over: its client has gone, or its identity is good no more.
func leaving(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return errGone
}

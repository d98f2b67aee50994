package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// The bounds of GET /v1/events.
const (
	maxReplayLimit = 1000
	replayLimit    = 500
	maxReplayWait  = 30      // seconds
	replayBytes    = 1 << 20 // of events in one answer; one event always fits

	// replayPatience is how much longer than it wants to wait a client may have to, for what the
	// log has for it already.
	replayPatience = 10 * time.Second
)

// replayRequest is what GET /v1/events asks for.
type replayRequest struct {
	topics []topic.Topic
	since  string
	limit  int
	wait   time.Duration
}

// replayAnswer is its answer.
type replayAnswer struct {
	Events []json.RawMessage `json:"events"`
	Cursor string            `json:"cursor"`
	More   bool              `json:"more"` // ask again at once
}

// eventsHandler answers GET /v1/events.
type eventsHandler struct {
	*topicRequests
	watch *watch
}

// ServeHTTP answers with the events that follow a cursor, and waits for one where it is asked to.
func (h *eventsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.admitted(w, r, func(out *answerConn, in *admission) error {
		answer, err := h.replay(r, in)
		expired, _ := errors.AsType[*expiredCursor](err)
		switch {
		case errors.Is(err, errGone):
		case expired != nil:
			expired.refuse(w)
		case err != nil:
			return err
		default:
			h.answer(out, answer)
		}
		return nil
	})
}

func (h *eventsHandler) replayRequest(r *http.Request) (wanted replayRequest, err error) {
	q, err := problem.ParseQuery(r)
	if err != nil {
		return wanted, err
	}
	wait, err1 := q.Number("wait", 0, maxReplayWait, 0)
	wanted.wait = time.Duration(wait) * time.Second
	var err2, err3, err4 error
	wanted.limit, err2 = q.Number("limit", 1, maxReplayLimit, replayLimit)
	wanted.since, err3 = sinceIn(q)
	wanted.topics, err4 = h.followed(q.Values["topic"])
	for _, err := range []error{err4, err3, err2, err1} {
		if err != nil {
			return wanted, err
		}
	}
	return wanted, nil
}

// replay subscribes, reads until the answer is worth sending, and lets go.
func (h *eventsHandler) replay(r *http.Request, in *admission) (replayAnswer, error) {
	wanted, err := h.replayRequest(r)
	if err != nil {
		return replayAnswer{}, err
	}
	ctx, leave := h.watch.during(r.Context(), in.who)
	defer leave()
	woken := newAlarm()
	sub, start, err := h.subscribe(ctx, in, notifier.Request{Topics: wanted.topics, Since: wanted.since, Wake: woken.wake})
	if errors.Is(err, notifier.ErrBadCursor) {
		return replayAnswer{}, problem.Explain(notifier.ErrBadCursor, "since: the cursor is not one of ours")
	}
	if err != nil {
		return replayAnswer{}, err
	}
	defer sub.Close()
	if wanted.since != "" && !start.Recovered {
		return replayAnswer{}, &expiredCursor{reason: start.Reason, cursor: start.Cursor}
	}
	p := newReplayPage(h.feed, sub, wanted, start.Cursor)
	if err := h.collect(ctx, p, woken, wanted.wait); err != nil {
		return replayAnswer{}, err
	}
	return p.answer(), nil
}

// collect fills a page until it is worth sending: it is full, or the log has no more for it and it
// is not empty or has waited for long enough. A node that is stopping sends what there is.
func (h *eventsHandler) collect(ctx context.Context, p *replayPage, woken alarm, wait time.Duration) error {
	patient, cancel := context.WithTimeout(ctx, wait+replayPatience)
	defer cancel()
	waited := time.NewTimer(wait)
	defer waited.Stop()
	overdue := wait == 0
	for {
		enough, err := p.fill()
		if err != nil || enough || overdue && p.upToDate {
			return err
		}
		select {
		case <-woken:
		case <-waited.C:
			overdue = true
		case <-h.registry.stopping:
			return nil
		case <-patient.Done():
			return p.giveUp(ctx)
		}
	}
}

// expiredCursor says that a cursor is of no use, and from where to go on after reading the snapshot.
type expiredCursor struct {
	reason notifier.ResetReason
	cursor string
}

func (e *expiredCursor) Error() string {
	return problem.ErrCursorExpired.Error() + ": " + string(e.reason)
}

func (e *expiredCursor) Unwrap() error { return problem.ErrCursorExpired }

// expiredProblem is the answer to a cursor that is of no use.
type expiredProblem struct {
	problem.Document
	Reason notifier.ResetReason `json:"reason"`
	Cursor string               `json:"cursor"`
}

func (e *expiredCursor) refuse(w http.ResponseWriter) {
	document := problem.DocumentOf(e)
	problem.WriteDocument(w, document.Status, expiredProblem{Document: document, Reason: e.reason, Cursor: e.cursor})
}

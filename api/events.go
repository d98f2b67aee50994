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

// The limits of GET /v1/events.
const (
	maxEventsLimit     = 1000
	defaultEventsLimit = 500
	maxEventsWait      = 30      // seconds
	maxEventsBytes     = 1 << 20 // of the events of an answer, unless the first event is larger

	// eventsReadWait is how much longer than it asks to wait a client may wait for events that the
	// log has already.
	eventsReadWait = 10 * time.Second
)

// eventsRequest is what GET /v1/events asks for.
type eventsRequest struct {
	topics []topic.Topic
	since  string
	filter any // as notifier.Request has it
	limit  int
	wait   time.Duration
}

// eventsAnswer is the answer to GET /v1/events.
type eventsAnswer struct {
	Events []json.RawMessage `json:"events"`
	Cursor string            `json:"cursor"`
	More   bool              `json:"more"` // there are more events: ask again at once
}

// eventsHandler answers GET /v1/events.
type eventsHandler struct {
	*topicRequests
	vigil *vigil
}

// ServeHTTP answers with the events after a cursor, and waits for one if the request asks for that.
func (h *eventsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serveAdmitted(w, r, func(out *answerConn, in *admission) error {
		answer, err := h.readPage(r, in)
		expired, _ := errors.AsType[*expiredCursor](err)
		switch {
		case errors.Is(err, errGone):
		case expired != nil:
			expired.writeProblem(w)
		case err != nil:
			return err
		default:
			h.sendJSON(out, answer)
		}
		return nil
	})
}

func (h *eventsHandler) parseRequest(r *http.Request) (wanted eventsRequest, err error) {
	q, err := problem.ParseQuery(r)
	if err != nil {
		return wanted, err
	}
	wait, err1 := q.Number("wait", 0, maxEventsWait, 0)
	wanted.wait = time.Duration(wait) * time.Second
	var err2, err3, err4 error
	wanted.limit, err2 = q.Number("limit", 1, maxEventsLimit, defaultEventsLimit)
	wanted.since, err3 = sinceIn(q)
	wanted.topics, err4 = h.parseTopics(q.Values["topic"])
	for _, err := range []error{err4, err3, err2, err1} {
		if err != nil {
			return wanted, err
		}
	}
	wanted.filter, err = filterIn(q, wanted.topics)
	return wanted, err
}

// readPage subscribes, takes events until the page is worth sending, and ends the subscription.
func (h *eventsHandler) readPage(r *http.Request, in *admission) (eventsAnswer, error) {
	wanted, err := h.parseRequest(r)
	if err != nil {
		return eventsAnswer{}, err
	}
	ctx, leave := h.vigil.contextFor(r.Context(), in.identity)
	defer leave()
	woken := newWakeSignal()
	sub, start, err := h.subscribe(ctx, in, notifier.Request{Topics: wanted.topics, Since: wanted.since, Filter: wanted.filter, Resumable: true, Wake: woken.wake})
	if errors.Is(err, notifier.ErrBadCursor) {
		return eventsAnswer{}, problem.Explain(notifier.ErrBadCursor, "since: the cursor is not one of ours")
	}
	if err != nil {
		return eventsAnswer{}, err
	}
	defer sub.Close()
	if wanted.since != "" && !start.Recovered {
		return eventsAnswer{}, &expiredCursor{reason: start.Reason, cursor: start.Cursor}
	}
	p := newEventsPage(h.feed, sub, wanted, start.Cursor)
	if err := h.fillPage(ctx, p, woken, wanted.wait); err != nil {
		return eventsAnswer{}, err
	}
	return p.answer(), nil
}

// fillPage fills a page until it is worth sending: it is full, or the log has no more and the page
// has events or has waited for long enough. If the node stops, it returns what there is.
func (h *eventsHandler) fillPage(ctx context.Context, p *eventsPage, woken wakeSignal, wait time.Duration) error {
	patient, cancel := context.WithTimeout(ctx, wait+eventsReadWait)
	defer cancel()
	waited := time.NewTimer(wait)
	defer waited.Stop()
	overdue := wait == 0
	for {
		enough, err := p.takeWaiting()
		if err != nil || enough || overdue && p.caughtUp {
			return err
		}
		select {
		case <-woken:
		case <-waited.C:
			overdue = true
		case <-h.registry.stopping:
			return nil
		case <-patient.Done():
			return p.timeOut(ctx)
		}
	}
}

// expiredCursor is the error for a cursor that cannot be resumed from, with the cursor to go on
// from after reading the snapshot.
type expiredCursor struct {
	reason notifier.ResetReason
	cursor string
}

func (e *expiredCursor) Error() string {
	return problem.ErrCursorExpired.Error() + ": " + string(e.reason)
}

func (e *expiredCursor) Unwrap() error { return problem.ErrCursorExpired }

// expiredProblem is the answer to a cursor that cannot be resumed from.
type expiredProblem struct {
	problem.Document
	Reason notifier.ResetReason `json:"reason"`
	Cursor string               `json:"cursor"`
}

func (e *expiredCursor) writeProblem(w http.ResponseWriter) {
	document := problem.DocumentOf(e)
	problem.WriteDocument(w, document.Status, expiredProblem{Document: document, Reason: e.reason, Cursor: e.cursor})
}

// eventsPage is an answer while it is being filled.
type eventsPage struct {
	feed     feed
	sub      subscription
	texts    eventTexts
	limit    int
	events   []json.RawMessage
	bytes    int
	cursor   string // after the first end events
	end      int    // how many events are sent: the page ends at an event with a cursor
	passed   bool   // a filter has left events out, which the cursor has passed
	caughtUp bool   // the log has no more events
}

func newEventsPage(f feed, sub subscription, wanted eventsRequest, cursor string) *eventsPage {
	return &eventsPage{
		feed:   f,
		sub:    sub,
		texts:  newEventTexts(wanted.topics),
		limit:  wanted.limit,
		events: []json.RawMessage{},
		cursor: cursor,
	}
}

// takeWaiting takes the events that wait, and reports whether the page is worth sending. A reset,
// or the end of a reader that is too slow, ends a page that has events; the client learns of it
// with its next request.
func (p *eventsPage) takeWaiting() (enough bool, err error) {
	for !p.full() {
		bookmark := p.feed.Cursor()
		taken, err := p.sub.Take(max(1, p.limit-len(p.events)))
		switch {
		case errors.Is(err, notifier.ErrSlow) && p.end > 0:
			return true, nil
		case err != nil:
			return false, err
		case taken.Reset != nil && p.end > 0:
			return true, nil
		case taken.Reset != nil:
			return false, &expiredCursor{reason: taken.Reset.Reason, cursor: taken.Reset.Cursor}
		case len(taken.Events) == 0:
			return p.tookNothing(bookmark), nil
		}
		p.add(taken.Events)
	}
	p.caughtUp = p.sub.CaughtUp()
	return true, nil
}

func (p *eventsPage) add(events []*notifier.Event) {
	for _, e := range events {
		text := p.texts.encode(e)
		p.events = append(p.events, text)
		p.bytes += len(text)
		if cursor := p.texts.cursorOf(e); cursor != "" {
			p.cursor, p.end = cursor, len(p.events)
		}
	}
}

// full reports whether the page takes no more events. A page ends only at an event with a cursor.
func (p *eventsPage) full() bool {
	return (len(p.events) >= p.limit || p.bytes >= maxEventsBytes) && p.end == len(p.events)
}

// tookNothing notes, after a Take without events, whether more is on its way. If not, the page's
// cursor becomes the node's position from before that Take, so that the cursor of a quiet topic
// does not expire.
func (p *eventsPage) tookNothing(bookmark string) (enough bool) {
	p.caughtUp = p.sub.CaughtUp()
	switch passed := p.sub.passed(); {
	case p.caughtUp && bookmark != "" && bookmark == p.feed.Cursor(): // see caughtUpCursor
		p.cursor, p.end = p.sub.mark().mark(bookmark), len(p.events)
	case passed != "":
		p.cursor, p.end, p.passed = passed, len(p.events), true
	}
	return p.caughtUp && p.end > 0
}

// timeOut ends a page that the log could not fill in time.
func (p *eventsPage) timeOut(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return requestEnd(ctx)
	case p.end == 0 && !p.passed:
		return problem.ErrUnavailable
	}
	return nil
}

func (p *eventsPage) answer() eventsAnswer {
	return eventsAnswer{Events: p.events[:p.end], Cursor: p.cursor, More: (p.end > 0 || p.passed) && !p.caughtUp}
}

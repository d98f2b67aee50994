package api

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// Clients come back after a time of their own chance between these, so that a node that restarts
// does not meet all of them at once.
const (
	minRetry = time.Second
	maxRetry = 5 * time.Second
)

// takesPerPass is how many times a stream takes events before it looks at anything else.
const takesPerPass = 16

// stream is one answer with server-sent events. It is written by the handler's goroutine alone.
type stream struct {
	conn     *answerConn
	batches  *batches
	holder   *notifier.Holder
	timeout  time.Duration // of a write
	interval time.Duration // between signs of life
	retry    time.Duration // after which the client comes back
	woken    alarm
	texts    texts
	opened   bool   // the status has been sent
	as       string // the user whose events are shown; empty: whoever asks

	// subscribe is how the stream subscribes.
	subscribe func(ctx context.Context, in *admission, wanted notifier.Request) (subscription, notifier.Start, error)
}

func newStream(w http.ResponseWriter, h *streamHandler) *stream {
	conn := newAnswerConn(w)
	return &stream{
		conn:     conn,
		batches:  h.batches,
		holder:   h.feed.NewHolder(conn.unload),
		timeout:  h.limits.WriteTimeout,
		interval: min(streamBeat, h.limits.PingInterval),
		retry:    minRetry + rand.N(maxRetry-minRetry),
		woken:    newAlarm(),

		subscribe: h.subscribe,
	}
}

// send writes blocks together. The error is errGone: nobody takes them.
func (st *stream) send(write func(out *batch)) error {
	st.header()
	out := st.batches.borrow(st.conn, st.timeout, st.holder)
	defer st.batches.give(out)
	write(out)
	out.flush()
	if out.err != nil {
		return errGone
	}
	return nil
}

// header sends the status, once. Proxies that collect what they forward are asked not to.
func (st *stream) header() {
	if st.opened {
		return
	}
	st.opened = true
	h := st.conn.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	st.conn.w.WriteHeader(http.StatusOK)
}

// open answers without saying that the stream is live.
func (st *stream) open(retry time.Duration) error {
	if st.opened {
		return nil
	}
	return st.send(func(out *batch) { out.add(streamBlock{retry: retry}.encode()) })
}

// start says that the stream is live, and from where. Whoever brought a cursor that is of no use
// hears of it in the same block: between two the connection might be lost, and with it the news.
func (st *stream) start(start notifier.Start) error {
	first := streamBlock{retry: st.retry, id: start.Cursor}
	if start.Reason != "" {
		first = st.reset(notifier.Reset{Reason: start.Reason, Cursor: start.Cursor})
		first.retry = st.retry
	}
	return st.send(func(out *batch) { out.add(first.encode()) })
}

func (st *stream) reset(r notifier.Reset) streamBlock {
	data := problem.MustEncodeJSON(streamReset{Op: "reset", Topics: st.texts.topics, Reason: r.Reason, Cursor: r.Cursor})
	return streamBlock{event: "reset", id: r.Cursor, data: data}
}

// forward sends what waits. The error says why the subscription has ended, or that the client has gone.
func (st *stream) forward(sub subscription) (ended error) {
	taken, err := sub.Take(eventsPerTake)
	if err != nil || taken.Reset == nil && len(taken.Events) == 0 {
		return err
	}
	err = st.send(func(out *batch) {
		for range takesPerPass {
			st.add(out, taken)
			taken, ended = sub.Take(eventsPerTake)
			if ended != nil || taken.Reset == nil && len(taken.Events) == 0 {
				return
			}
		}
		st.add(out, taken)
		st.woken.wake()
	})
	if err != nil {
		return err
	}
	return ended
}

func (st *stream) add(out *batch, taken notifier.Taken) {
	if taken.Reset != nil {
		out.add(st.reset(*taken.Reset).encode())
	}
	for _, e := range taken.Events {
		if taken.Skipped > 0 {
			out.add(st.texts.latest(e, taken.Skipped))
			continue
		}
		out.add(st.texts.block(e))
	}
}

// beat is a sign of life. Where nothing waits it brings the node's position as the place to resume
// from: EventSource keeps it without an event.
func (st *stream) beat(sub subscription, f feed) error {
	cursor := f.Cursor() // before it is seen that nothing waits
	if cursor == "" || !sub.CaughtUp() {
		return st.comment()
	}
	return st.send(func(out *batch) { out.add(streamBlock{id: cursor}.encode()) })
}

// comment is a sign of life that says nothing.
func (st *stream) comment() error {
	return st.send(func(out *batch) { out.add([]byte(":\n\n")) })
}

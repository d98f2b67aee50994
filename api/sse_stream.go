package api

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// Clients reconnect after a random time between these, so that they do not all meet a restarted
// node at once.
const (
	minRetry = time.Second
	maxRetry = 5 * time.Second
)

// maxSignInterval is the longest time between two signs of life of a stream.
const maxSignInterval = 15 * time.Second

// takesPerPass is how many times a stream takes events before it looks at anything else.
const takesPerPass = 16

// stream is an answer with server-sent events. Only the handler's goroutine writes to it.
type stream struct {
	conn         *answerConn
	buffers      *writeBuffers
	holder       *notifier.Holder
	timeout      time.Duration // for a write
	signInterval time.Duration // between signs of life
	retry        time.Duration // after which the client reconnects
	woken        wakeSignal
	texts        eventTexts
	headerSent   bool   // the status has been sent
	shownUser    string // the id of the user whose events a tail shows; empty: its own user

	subscribe func(ctx context.Context, in *admission, wanted notifier.Request) (subscription, notifier.Start, error)
}

func newStream(w http.ResponseWriter, h *streamHandler) *stream {
	conn := newAnswerConn(w)
	return &stream{
		conn:         conn,
		buffers:      h.buffers,
		holder:       h.feed.NewHolder(conn.unload),
		timeout:      h.limits.WriteTimeout,
		signInterval: min(maxSignInterval, h.limits.PingInterval),
		retry:        minRetry + rand.N(maxRetry-minRetry),
		woken:        newWakeSignal(),

		subscribe: h.subscribe,
	}
}

// writeFrames writes frames together. The error is errGone if the client does not take them.
func (st *stream) writeFrames(write func(out *writeBatch)) error {
	st.sendHeader()
	out := st.buffers.newBatch(st.conn, st.timeout, st.holder)
	defer st.buffers.closeBatch(out)
	write(out)
	out.flush()
	if out.err != nil {
		return errGone
	}
	return nil
}

// sendHeader sends the status, once. It asks proxies not to buffer the answer.
func (st *stream) sendHeader() {
	if st.headerSent {
		return
	}
	st.headerSent = true
	h := st.conn.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	st.conn.w.WriteHeader(http.StatusOK)
}

// sendRetry answers without saying that the stream is live.
func (st *stream) sendRetry(retry time.Duration) error {
	if st.headerSent {
		return nil
	}
	return st.writeFrames(func(out *writeBatch) { out.addFrame(sseFrame{retry: retry}.encode()) })
}

// sendStart says that the stream is live, and from which cursor. A client whose cursor has expired
// learns it in the same frame: between two frames the connection could be lost.
func (st *stream) sendStart(start notifier.Start) error {
	first := sseFrame{retry: st.retry, id: start.Cursor}
	if start.Reason != "" {
		first = st.resetFrame(notifier.Reset{Reason: start.Reason, Cursor: start.Cursor, Topics: st.texts.topics})
		first.retry = st.retry
	}
	return st.writeFrames(func(out *writeBatch) { out.addFrame(first.encode()) })
}

func (st *stream) resetFrame(r notifier.Reset) sseFrame {
	data := problem.MustEncodeJSON(sseReset{Op: "reset", Topics: r.Topics, Reason: r.Reason, Cursor: r.Cursor})
	return sseFrame{event: "reset", id: r.Cursor, data: data}
}

// sendEvents sends what waits. The error says why the subscription has ended, or that the client
// has disconnected.
func (st *stream) sendEvents(sub subscription) (ended error) {
	taken, err := sub.Take(eventsPerTake)
	if err != nil || taken.Reset == nil && len(taken.Events) == 0 {
		return err
	}
	err = st.writeFrames(func(out *writeBatch) {
		for range takesPerPass {
			st.addTaken(out, taken)
			taken, ended = sub.Take(eventsPerTake)
			if ended != nil || taken.Reset == nil && len(taken.Events) == 0 {
				return
			}
		}
		st.addTaken(out, taken)
		st.woken.wake()
	})
	if err != nil {
		return err
	}
	return ended
}

func (st *stream) addTaken(out *writeBatch, taken notifier.Taken) {
	if taken.Reset != nil {
		out.addFrame(st.resetFrame(*taken.Reset).encode())
	}
	for _, e := range taken.Events {
		if taken.Skipped > 0 {
			out.addFrame(st.texts.latestFrame(e, taken.Skipped))
			continue
		}
		out.addFrame(st.texts.eventFrame(e))
	}
}

// sendSign sends a sign of life. If nothing waits, it carries the node's position as the cursor to
// resume from, which EventSource keeps without an event.
func (st *stream) sendSign(sub subscription, f feed) error {
	cursor := cmp.Or(sub.mark().mark(caughtUpCursor(f, sub.CaughtUp)), sub.passed())
	if cursor == "" {
		return st.sendComment()
	}
	return st.writeFrames(func(out *writeBatch) { out.addFrame(sseFrame{id: cursor}.encode()) })
}

// sendComment sends a sign of life without content.
func (st *stream) sendComment() error {
	return st.writeFrames(func(out *writeBatch) { out.addFrame([]byte(":\n\n")) })
}

package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/api/resource"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// dcrfFlow is the flow of a socket that speaks like Django Channels REST Framework: it answers each
// request about the rows of resources once, and sends what happens to those rows.
//
// The reader works on one request of a socket at a time. Meanwhile events wait, so that the reply
// to a change always comes before its event. The reader reads the next request after the writer has
// taken the reply, so that a client that does not read has no work done.
type dcrfFlow struct {
	session  *session
	accounts *identity.Accounts
	streams  []*dcrfStream
	bare     bool // there is one stream, whose name frames do not contain

	wrote chan struct{} // holds a value after the writer has taken replies or events

	mu      sync.Mutex // guards what follows, and the rows of streams
	working bool       // the reader works on a request
	writing bool       // the writer takes events
	replies [][]byte
}

// dcrfStream is a resource on a socket, with what the socket follows of it.
type dcrfStream struct {
	*servedResource
	sub  subscription                 // nil: no events
	rows map[string][]rowSubscription // subscriptions of rows, by key
}

// openDCRF subscribes to the topics of those resources that the user may follow. The error is what
// the socket must be closed with.
func openDCRF(ctx context.Context, s *session, accounts *identity.Accounts, to *dcrfSocket, since string) (*dcrfFlow, error) {
	d := &dcrfFlow{session: s, accounts: accounts, bare: to.bare, wrote: make(chan struct{}, 1)}
	complete := false
	defer func() {
		if !complete { // also after a panic
			d.release()
		}
	}()
	meter := shareMeter(s.meter)
	for _, one := range to.streams {
		sub, err := subscribeStream(ctx, s, meter, one, since)
		if err != nil {
			return nil, err
		}
		d.streams = append(d.streams, &dcrfStream{servedResource: one, sub: sub, rows: map[string][]rowSubscription{}})
	}
	complete = true
	return d, nil
}

// subscribeStream returns no subscription for users who may not follow: their requests are refused
// one by one, and they receive no events.
func subscribeStream(ctx context.Context, s *session, meter notifier.Meter, one *servedResource, since string) (subscription, error) {
	if one.resource.Admits(s.identity) != nil {
		return nil, nil
	}
	name, _ := one.resource.Topic(s.identity) // the checks of the configuration require a topic
	sub, err := subscribeOne(ctx, s, meter, name, since)
	for _, refusal := range []error{problem.ErrUnauthorized, problem.ErrForbidden, problem.ErrNotFound} {
		if errors.Is(err, refusal) {
			return nil, nil
		}
	}
	return sub, err
}

// receive works on one request.
func (d *dcrfFlow) receive(ctx context.Context, kind int, message io.Reader) error {
	text, err := io.ReadAll(message)
	if err != nil {
		return nil // an error of the connection, which the reader meets again
	}
	asked, err := d.parseRequest(kind, text)
	if err != nil {
		return err
	}
	if !d.startWork(ctx) {
		return nil // the socket has ended
	}
	answer, err := d.answerRequest(ctx, asked)
	d.finishWork(answer)
	return err
}

// startWork waits until the writer has taken the last reply and is not taking events. It reports
// false if the socket ends before that.
func (d *dcrfFlow) startWork(ctx context.Context) bool {
	for {
		d.mu.Lock()
		d.working = !d.writing && len(d.replies) == 0
		working := d.working
		d.mu.Unlock()
		if working {
			return true
		}
		select {
		case <-d.wrote:
		case <-ctx.Done():
			return false
		}
	}
}

// finishWork queues the reply and lets the writer take events again.
func (d *dcrfFlow) finishWork(answer []byte) {
	d.mu.Lock()
	if answer != nil {
		d.replies = append(d.replies, answer)
	}
	d.working = false
	d.mu.Unlock()
	d.session.holder.Add(len(answer))
	d.session.wake()
}

// emit sends the reply that waits, and then events.
func (d *dcrfFlow) emit(out *writeBatch) (more bool) {
	replies, events := d.startWriting()
	var frames [][]byte
	var err error
	if events {
		frames, more, err = d.takeEventFrames()
		d.finishWriting()
	}
	for _, frame := range replies {
		out.addFrame(frame)
		d.session.holder.Add(-len(frame))
	}
	for _, frame := range frames {
		out.addFrame(frame)
	}
	if err != nil && !errors.Is(err, problem.ErrClosed) { // release has closed it
		d.session.endWith(err)
		more = true
	}
	return more || len(replies) > 0
}

// startWriting returns the replies that wait, and whether events may be taken now.
func (d *dcrfFlow) startWriting() (replies [][]byte, events bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	replies, d.replies = d.replies, nil
	d.writing = !d.working
	return replies, d.writing
}

func (d *dcrfFlow) finishWriting() {
	d.mu.Lock()
	d.writing = false
	d.mu.Unlock()
	select {
	case d.wrote <- struct{}{}:
	default:
	}
}

// takeEventFrames returns the frames of events that wait. There is no frame for a reset: the socket
// ends, and the client must come again and list anew.
func (d *dcrfFlow) takeEventFrames() (frames [][]byte, more bool, err error) {
	for _, one := range d.streams {
		if one.sub == nil {
			continue
		}
		taken, err := one.sub.Take(eventsPerTake)
		if taken.Reset != nil {
			err = problem.ErrCursorExpired
		}
		if err != nil {
			return frames, false, err
		}
		for _, e := range taken.Events {
			frames = append(frames, d.eventFrames(one, e)...)
		}
		more = more || len(taken.Events) > 0
	}
	return frames, more, nil
}

func (d *dcrfFlow) start() {}

func (d *dcrfFlow) heartbeatDue() {}

func (d *dcrfFlow) subscriptions() []subscription {
	var open []subscription
	for _, one := range d.streams {
		if one.sub != nil {
			open = append(open, one.sub)
		}
	}
	return open
}

func (d *dcrfFlow) release() {
	for _, one := range d.streams {
		if one.sub != nil {
			one.sub.Close()
		}
	}
}

// dcrfSocket is a compiled rule of a socket that serves resources.
type dcrfSocket struct {
	path    topic.Pattern
	bare    bool // there is one resource, whose name frames do not contain
	streams []*servedResource
}

// servedResource is a resource as a socket serves it. It is the key of its encodings.
type servedResource struct {
	name     string // empty on a bare socket
	resource *resource.Resource
}

// compileDCRFSocket compiles a rule that has passed the checks.
func compileDCRFSocket(source rules.Socket, resources *resource.Resources) *dcrfSocket {
	if source.Resource != "" {
		only := &servedResource{resource: resources.Named(source.Resource)}
		return &dcrfSocket{path: source.PathPattern(), bare: true, streams: []*servedResource{only}}
	}
	s := &dcrfSocket{path: source.PathPattern()}
	for _, name := range source.Streams {
		s.streams = append(s.streams, &servedResource{name, resources.Named(name)})
	}
	return s
}

// dcrfProtocol is the protocol of a socket that serves resources.
type dcrfProtocol struct {
	socket   *dcrfSocket
	accounts *identity.Accounts
}

func (dcrfProtocol) kind() sessionKind { return sessionDCRF }

// refuses lets everybody open a socket. Users who are not logged in have their requests refused and
// receive no events.
func (dcrfProtocol) refuses(*admission) error { return nil }

func (p dcrfProtocol) open(r *http.Request, in *admission, s *session) (flow, error) {
	if in.unknown != nil && !errors.Is(in.unknown, problem.ErrUnauthorized) {
		return nil, in.unknown
	}
	opened, err := openDCRF(r.Context(), s, p.accounts, p.socket, sinceOf(r))
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// sharedMeter lets the replays of one socket share one place of the user's quota. The subscriptions
// of the socket are all made before one of them is read; without sharing, each would wait for a
// place that an earlier one gives back only when it is read.
type sharedMeter struct {
	meter notifier.Meter

	mu      sync.Mutex // guards what follows
	replays int        // replays that share the place
	done    func()     // gives the place back
}

// shareMeter returns nil for a nil meter.
func shareMeter(meter notifier.Meter) notifier.Meter {
	if meter == nil {
		return nil
	}
	return &sharedMeter{meter: meter}
}

// BeginReplay takes a place, unless another replay of the socket has one. It is called for one
// subscription after the other.
func (m *sharedMeter) BeginReplay(ctx context.Context) (done func(), err error) {
	if !m.joinReplay() {
		leave, err := m.meter.BeginReplay(ctx)
		if err != nil {
			return nil, err
		}
		m.mu.Lock()
		m.replays, m.done = 1, leave
		m.mu.Unlock()
	}
	return sync.OnceFunc(m.leaveReplay), nil
}

// joinReplay joins the place of another replay. It reports false if there is none.
func (m *sharedMeter) joinReplay() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.replays == 0 {
		return false
	}
	m.replays++
	return true
}

// leaveReplay gives the place back with the last replay.
func (m *sharedMeter) leaveReplay() {
	m.mu.Lock()
	m.replays--
	last, leave := m.replays == 0, m.done
	m.mu.Unlock()
	if last {
		leave()
	}
}

// Spend counts each replay by itself.
func (m *sharedMeter) Spend(bytes int) time.Duration { return m.meter.Spend(bytes) }

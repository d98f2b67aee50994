package api

import (
	"context"
	"errors"
	"io"
	"sync"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
)

// dcrf is the flow of a socket that speaks as Django Channels REST Framework does: requests about the
// rows of resources, each answered once, and what happens to those rows.
//
// Requests of one socket are worked on one after the other, by the session's reader. While one is worked on,
// events wait, so that the reply to a change always comes before its event. The next request is not read
// before the writer has taken the reply: who does not read gets nothing done.
type dcrf struct {
	session  *session
	accounts *identity.Accounts
	streams  []*dcrfStream
	bare     bool // one stream, whose name does not stand in frames

	turn chan struct{} // the writer has had its turn; holds one

	mu      sync.Mutex // guards what follows, and the watchers of streams
	working bool       // the reader works on a request
	taking  bool       // the writer takes events
	replies [][]byte
}

// dcrfStream is a resource on a socket, with what the socket follows of it.
type dcrfStream struct {
	*servedResource
	sub      subscription         // nil: no events
	watchers map[string][]watcher // who subscribed to a row, by its key
}

// openDCRF subscribes to the topics of the resources, where the user may follow them. The error is what
// the socket must be closed with.
func openDCRF(ctx context.Context, s *session, accounts *identity.Accounts, to *dcrfSocket, since string) (*dcrf, error) {
	d := &dcrf{session: s, accounts: accounts, bare: to.bare, turn: make(chan struct{}, 1)}
	complete := false
	defer func() {
		if !complete { // also where a fault of ours ends it
			d.end()
		}
	}()
	meter := shareMeter(s.meter)
	for _, one := range to.streams {
		sub, err := followStream(ctx, s, meter, one, since)
		if err != nil {
			return nil, err
		}
		d.streams = append(d.streams, &dcrfStream{servedResource: one, sub: sub, watchers: map[string][]watcher{}})
	}
	complete = true
	return d, nil
}

// followStream returns no subscription for those who may not follow: their requests are refused one by
// one, and there are no events for them.
func followStream(ctx context.Context, s *session, meter notifier.Meter, one *servedResource, since string) (subscription, error) {
	if one.resource.Admits(s.identity) != nil {
		return nil, nil
	}
	name, _ := one.resource.Topic(s.identity) // the checks of the configuration require a topic
	sub, err := followOne(ctx, s, meter, name, since)
	for _, refusal := range []error{problem.ErrUnauthorized, problem.ErrForbidden, problem.ErrNotFound} {
		if errors.Is(err, refusal) {
			return nil, nil
		}
	}
	return sub, err
}

// receive works on one request.
func (d *dcrf) receive(ctx context.Context, kind int, message io.Reader) error {
	text, err := io.ReadAll(message)
	if err != nil {
		return nil // the connection's error, which the reader meets again
	}
	asked, err := d.parse(kind, text)
	if err != nil {
		return err
	}
	if !d.begin(ctx) {
		return nil // nobody is there to be answered
	}
	answer, err := d.answer(ctx, asked)
	d.finish(answer)
	return err
}

// begin waits for the writer's turn to be over, and for it to have taken the last reply. It reports false when
// there will be no other turn.
func (d *dcrf) begin(ctx context.Context) bool {
	for {
		d.mu.Lock()
		d.working = !d.taking && len(d.replies) == 0
		working := d.working
		d.mu.Unlock()
		if working {
			return true
		}
		select {
		case <-d.turn:
		case <-ctx.Done():
			return false
		}
	}
}

// finish queues the reply and lets events through again.
func (d *dcrf) finish(answer []byte) {
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
func (d *dcrf) emit(out *batch) (more bool) {
	replies, events := d.beginTurn()
	var frames [][]byte
	var err error
	if events {
		frames, more, err = d.takeEvents()
		d.endTurn()
	}
	for _, frame := range replies {
		out.add(frame)
		d.session.holder.Add(-len(frame))
	}
	for _, frame := range frames {
		out.add(frame)
	}
	if err != nil && !errors.Is(err, problem.ErrClosed) { // closed by end
		d.session.endWith(err)
		more = true
	}
	return more || len(replies) > 0
}

// beginTurn says whether events may be taken now.
func (d *dcrf) beginTurn() (replies [][]byte, events bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	replies, d.replies = d.replies, nil
	d.taking = !d.working
	return replies, d.taking
}

func (d *dcrf) endTurn() {
	d.mu.Lock()
	d.taking = false
	d.mu.Unlock()
	select {
	case d.turn <- struct{}{}:
	default:
	}
}

// takeEvents makes frames of what has happened. There is no frame for a reset: the client must come
// again and list anew.
func (d *dcrf) takeEvents() (frames [][]byte, more bool, err error) {
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
			frames = append(frames, d.framesOf(one, e)...)
		}
		more = more || len(taken.Events) > 0
	}
	return frames, more, nil
}

func (d *dcrf) start() {}

func (d *dcrf) beat() {}

func (d *dcrf) follows() []subscription {
	var open []subscription
	for _, one := range d.streams {
		if one.sub != nil {
			open = append(open, one.sub)
		}
	}
	return open
}

func (d *dcrf) end() {
	for _, one := range d.streams {
		if one.sub != nil {
			one.sub.Close()
		}
	}
}

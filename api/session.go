package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
)

// closeWait is how long the client may take to answer a goodbye.
const closeWait = 2 * time.Second

// flow is what a session carries: the frames of one protocol.
type flow interface {
	// receive takes a message of the client. It is called from the session's one reader; ctx ends when
	// no more can be sent. An error ends the session with the close code that the error stands for.
	receive(ctx context.Context, kind int, message io.Reader) error
	// start is called once, before the first call of receive and emit.
	start()
	// emit adds waiting frames to a batch and reports whether more may wait. It is called from the
	// session's one writer.
	emit(out *batch) (more bool)
	// beat notes that a heartbeat is due.
	beat()
	// follows is what it is subscribed to at present. It is called from anywhere.
	follows() []subscription
	// end frees what the flow holds and waits for its goroutines.
	end()
}

// silent is the flow of a socket that is only there to be closed: a browser sees the code of a close
// frame, but not why a handshake is refused.
type silent struct{}

func (silent) receive(context.Context, int, io.Reader) error { return nil }
func (silent) emit(*batch) bool                              { return false }
func (silent) start()                                        {}
func (silent) beat()                                         {}
func (silent) follows() []subscription                       { return nil }
func (silent) end()                                          {}

// session is one connected WebSocket with its identity. It costs one goroutine while it is idle,
// the reader; a writer exists only while something waits to be sent.
//
// newSession sets the fields of the first group, which nobody changes later.
type session struct {
	identity identity.Identity
	presence presence
	terse    bool // close frames carry no text, as those of the seeds do
	feed     feed
	meter    notifier.Meter   // of its replays; nil: nobody counts them
	holder   *notifier.Holder // of all that waits for the client
	limits   Limits
	batches  *batches
	metrics  *Metrics
	log      *slog.Logger
	inbound  *rate.Limiter // of frames from the client
	flow     flow
	refusal  error // why the socket is closed as soon as it is open; nil: it stays open

	conn    *conn // set by upgrade
	ws      *websocket.Conn
	watched *watched // set before run

	writer sync.WaitGroup
	stop   context.CancelFunc // ends what the flow does for requests, when no more can be sent

	mu      sync.Mutex // guards what follows
	writing bool       // a writer is at work, or none may start yet
	again   bool       // something has come for the writer since its last look
	over    bool       // no other writer may start
	open    bool       // the connection is there
	shed    bool       // the node must get rid of it
}

// upgrade makes the request a WebSocket. Where it cannot, the client has been answered.
func (s *session) upgrade(u *websocket.Upgrader, w http.ResponseWriter, r *http.Request) error {
	hijacker := &hijacker{ResponseWriter: w, wake: s.wake, holder: s.holder}
	ws, err := u.Upgrade(hijacker, r, nil)
	if err != nil {
		return err
	}
	s.ws, s.conn = ws, hijacker.conn
	ws.SetReadLimit(int64(s.limits.FrameBytes))
	ws.SetPongHandler(func(string) error { s.conn.expect(s.limits.PongTimeout); return nil })
	ws.SetCloseHandler(func(code int, _ string) error { s.close(code, ""); return nil })
	return nil
}

// run serves an upgraded session until it is over on both sides.
func (s *session) run(ctx context.Context) {
	s.flow.start()
	if s.refusal != nil {
		s.endWith(s.refusal)
	}
	if s.begin() {
		s.unload()
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	s.stop = stop
	s.writer.Go(s.write)
	err := s.read(ctx, work)
	if errors.Is(err, websocket.ErrReadLimit) {
		s.close(websocket.CloseMessageTooBig, "")
	}
	s.flow.end()
	s.metrics.close(s.presence.kind, s.conn.goodbye())
	s.finish(err)
}

// read takes what the client sends until nothing more can come, and has it worked on within work.
// Each sign of life gives it another pong timeout; one that sends faster than it may is left waiting.
func (s *session) read(ctx, work context.Context) error {
	s.ws.SetPingHandler(func(payload string) error { return s.pong(ctx, payload) })
	for {
		s.conn.expect(s.limits.PongTimeout)
		kind, message, err := s.ws.NextReader()
		if err != nil {
			return err
		}
		if err := s.inbound.Wait(ctx); err != nil {
			return err
		}
		if s.conn.saidGoodbye() {
			continue
		}
		if err := s.flow.receive(work, kind, message); err != nil {
			s.endWith(err)
		}
	}
}

// pong answers a ping. That nothing may follow a goodbye is no error of the client's.
func (s *session) pong(ctx context.Context, payload string) error {
	s.conn.expect(s.limits.PongTimeout)
	if err := s.inbound.Wait(ctx); err != nil {
		return err
	}
	_, err := s.conn.Write(controlFrame(websocket.PongMessage, []byte(payload)))
	if errors.Is(err, errClosing) {
		return nil
	}
	return err
}

// finish closes the connection when the goodbye, if there is one, has had a chance to arrive.
func (s *session) finish(err error) {
	said, _ := errors.AsType[*websocket.CloseError](err)
	_, broken := errors.AsType[net.Error](err)
	if broken || said != nil && said.Code == websocket.CloseAbnormalClosure {
		s.abort()
	}
	giveUp := time.AfterFunc(closeWait, s.abort)
	defer giveUp.Stop()
	s.lastWriter()
	if said == nil {
		s.drain()
	}
	s.abort()
}

// drain reads on for a moment what a client is still sending: closing a TCP connection with bytes
// unread would destroy the close frame that is on its way. That nothing more is coming tells the
// client to close its side, which ends this early.
func (s *session) drain() {
	_ = s.conn.SetReadDeadline(time.Now().Add(closeWait))
	if half, ok := s.conn.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, s.conn.Conn)
}

// endWith says goodbye with the close code that an error stands for.
func (s *session) endWith(err error) {
	f := s.fault(err)
	text := f.Code
	if s.terse {
		text = ""
	}
	s.close(f.Close, text)
}

// fault looks an error up, and logs one that no client can have caused.
func (s *session) fault(err error) problem.Fault {
	f := problem.FaultOf(err)
	if f.Code == problem.Internal {
		s.log.Error("socket not served as asked", "err", err)
	}
	return f
}

// goodbye ends the session because the node stops.
func (s *session) goodbye() { s.endWith(problem.ErrClosed) }

// close queues a close frame. Of several the first counts.
func (s *session) close(code int, text string) {
	_, _ = s.conn.Write(controlFrame(websocket.CloseMessage, websocket.FormatCloseMessage(code, text)))
}

// abort closes the connection, whatever waits.
func (s *session) abort() { _ = s.conn.Close() }

// begin notes that the connection is there, and reports whether the session was shed before that.
func (s *session) begin() (shed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = true
	return s.shed
}

// unload ends the session because more waits on the node than may, and most of it here. A client that reads hears why.
// One that has left a write waiting is cut off soon, for what is being written takes room as well.
func (s *session) unload() {
	s.mu.Lock()
	s.shed = true
	open := s.open
	s.mu.Unlock()
	if open {
		s.endWith(notifier.ErrSlow)
		time.AfterFunc(closeWait, s.abort)
	}
}

// giveUp frees what the session holds, which is nothing more unless a fault has stopped it half-way.
func (s *session) giveUp() {
	s.abort()
	s.flow.end()
	s.lastWriter()
}

// protect calls work, and keeps a panic of it from the other sessions, as net/http does with requests:
// the session ends.
func (s *session) protect(work func()) {
	defer func() {
		if fault := recover(); fault != nil {
			s.log.Error("socket ended by a fault of ours", "err", fault, "stack", string(debug.Stack()))
			s.abort()
		}
	}()
	work()
}

// beat sends a ping, and what else the flow sends as a heartbeat. A client that leaves no room for
// it is found out by the writer.
func (s *session) beat() {
	s.flow.beat()
	_, _ = s.conn.Write(controlFrame(websocket.PingMessage, nil))
}

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

// closeWait is how long the client may take to answer a close frame.
const closeWait = 2 * time.Second

// flow is the part of a session that speaks its protocol.
type flow interface {
	// receive handles a message of the client. The session's reader calls it; ctx ends when no
	// more can be sent. An error ends the session with the close code of the error.
	receive(ctx context.Context, kind int, message io.Reader) error
	// start is called once, before the first call of receive and emit.
	start()
	// emit adds waiting frames to a batch, and reports whether more may wait. The session's writer
	// calls it.
	emit(out *writeBatch) (more bool)
	// heartbeatDue notes that a heartbeat is due.
	heartbeatDue()
	// subscriptions returns what the flow is subscribed to at present. Any goroutine may call it.
	subscriptions() []subscription
	// release frees what the flow holds, and waits for its goroutines.
	release()
}

// silentFlow is the flow of a socket that is opened only to be closed: a page can read the code of
// a close frame, but not why a handshake is refused.
type silentFlow struct{}

func (silentFlow) receive(context.Context, int, io.Reader) error { return nil }
func (silentFlow) emit(*writeBatch) bool                         { return false }
func (silentFlow) start()                                        {}
func (silentFlow) heartbeatDue()                                 {}
func (silentFlow) subscriptions() []subscription                 { return nil }
func (silentFlow) release()                                      {}

// session is an open WebSocket with its identity. An idle session costs one goroutine, its reader.
// It has a writer only while something waits to be sent; see writeLine.
//
// newSession sets the fields of the first group, which never change.
type session struct {
	identity identity.Identity
	presence presence
	terse    bool // close frames carry no text, as those of the seeds do
	feed     feed
	meter    notifier.Meter   // of its replays; nil: they are not limited
	holder   *notifier.Holder // of all that waits for the client
	limits   Limits
	buffers  *writeBuffers
	line     *writeLine
	metrics  *Metrics
	log      *slog.Logger
	inbound  *rate.Limiter // of frames from the client
	flow     flow
	refusal  error // why the socket is closed as soon as it is open; nil: it stays open

	conn       *queueConn // set by upgrade
	ws         *websocket.Conn
	vigilEntry *vigilEntry // set before run

	writer   sync.WaitGroup
	stopWork context.CancelFunc // ends the work of the flow when no more can be sent

	mu            sync.Mutex // guards what follows
	writing       bool       // a writer is at work, or may not start yet
	moreToWrite   bool       // something was queued since the writer last looked
	writerStopped bool       // no writer may start any more
	connected     bool       // the connection exists
	unloaded      bool       // unload was called
}

// upgrade makes the request a WebSocket. After an error the client has been answered.
func (s *session) upgrade(u *websocket.Upgrader, w http.ResponseWriter, r *http.Request) error {
	hijacker := &connHijacker{ResponseWriter: w, wake: s.wake, holder: s.holder}
	ws, err := u.Upgrade(hijacker, r, subprotocolHeader(s.presence.kind, r))
	if err != nil {
		return err
	}
	s.ws, s.conn = ws, hijacker.conn
	ws.SetReadLimit(int64(s.limits.FrameBytes))
	ws.SetPongHandler(func(string) error { s.conn.extendReadDeadline(s.limits.PongTimeout); return nil })
	ws.SetCloseHandler(func(code int, _ string) error { s.queueClose(code, ""); return nil })
	return nil
}

// run serves an upgraded session until both sides have ended it.
func (s *session) run(ctx context.Context) {
	s.flow.start()
	if s.refusal != nil {
		s.endWith(s.refusal)
	}
	if s.markConnected() {
		s.unload()
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	s.stopWork = stop
	s.startWriter()
	err := s.read(ctx, work)
	if errors.Is(err, websocket.ErrReadLimit) {
		s.queueClose(websocket.CloseMessageTooBig, "")
	}
	s.flow.release()
	s.metrics.countClose(s.presence.kind, s.conn.closeCode())
	s.closeConn(err)
}

// read reads what the client sends until nothing more can come; the flow works on it within work.
// Each sign of life moves the read deadline by a pong timeout. A client that sends faster than it
// may is left waiting.
func (s *session) read(ctx, work context.Context) error {
	s.ws.SetPingHandler(func(payload string) error { return s.pong(ctx, payload) })
	for {
		s.conn.extendReadDeadline(s.limits.PongTimeout)
		kind, message, err := s.ws.NextReader()
		if err != nil {
			return err
		}
		if err := s.inbound.Wait(ctx); err != nil {
			return err
		}
		if s.conn.hasQueuedClose() {
			continue
		}
		if err := s.flow.receive(work, kind, message); err != nil {
			s.endWith(err)
		}
	}
}

// pong answers a ping. A ping after our close frame is no error of the client.
func (s *session) pong(ctx context.Context, payload string) error {
	s.conn.extendReadDeadline(s.limits.PongTimeout)
	if err := s.inbound.Wait(ctx); err != nil {
		return err
	}
	_, err := s.conn.Write(encodeControlFrame(websocket.PongMessage, []byte(payload)))
	if errors.Is(err, errCloseQueued) {
		return nil
	}
	return err
}

// closeConn closes the connection after our close frame, if there is one, has had a chance to
// arrive.
func (s *session) closeConn(err error) {
	said, _ := errors.AsType[*websocket.CloseError](err)
	_, broken := errors.AsType[net.Error](err)
	if broken || said != nil && said.Code == websocket.CloseAbnormalClosure {
		s.abort()
	}
	giveUp := time.AfterFunc(closeWait, s.abort)
	defer giveUp.Stop()
	s.stopWriter()
	if said == nil {
		s.drainInput()
	}
	s.abort()
}

// drainInput reads on for a moment: closing a TCP connection with unread bytes would destroy the
// close frame on its way. It closes our side first, at which most clients close theirs, so that
// drainInput ends early.
func (s *session) drainInput() {
	_ = s.conn.SetReadDeadline(time.Now().Add(closeWait))
	if half, ok := s.conn.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, s.conn.Conn)
}

// endWith closes the socket with the close code of an error.
func (s *session) endWith(err error) {
	f := s.logFault(err)
	text := f.Code
	if s.terse {
		text = ""
	}
	s.queueClose(f.Close, text)
}

// logFault returns the fault of an error, and logs an error that no client can have caused.
func (s *session) logFault(err error) problem.Fault {
	f := problem.FaultOf(err)
	if f.Code == problem.Internal {
		s.log.Error("socket not served as asked", "err", err)
	}
	return f
}

// sayGoodbye ends the session because the node stops.
func (s *session) sayGoodbye() { s.endWith(problem.ErrClosed) }

// queueClose queues a close frame. The first one counts.
func (s *session) queueClose(code int, text string) {
	_, _ = s.conn.Write(encodeControlFrame(websocket.CloseMessage, websocket.FormatCloseMessage(code, text)))
}

// abort closes the connection, whatever waits.
func (s *session) abort() { _ = s.conn.Close() }

// markConnected notes that the connection exists, and reports whether unload was called before.
func (s *session) markConnected() (shed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = true
	return s.unloaded
}

// unload ends the session because more waits on the node than may, and most of it here. A client
// that reads learns why. A client that does not read is cut off after closeWait, because what is
// being written takes memory as well.
func (s *session) unload() {
	s.mu.Lock()
	s.unloaded = true
	open := s.connected
	s.mu.Unlock()
	if open {
		s.endWith(notifier.ErrSlow)
		time.AfterFunc(closeWait, s.abort)
	}
}

// cleanUp frees what a panic of run has left. After a regular end nothing is left.
func (s *session) cleanUp() {
	s.abort()
	s.flow.release()
	s.stopWriter()
}

// protect calls work. A panic of it ends this session and no other, as net/http does with requests.
func (s *session) protect(work func()) {
	defer func() {
		if fault := recover(); fault != nil {
			s.log.Error("socket ended by a fault of ours", "err", fault, "stack", string(debug.Stack()))
			s.abort()
		}
	}()
	work()
}

// sendHeartbeat sends a ping, and what the flow sends as a heartbeat. If the client leaves no room
// for it, the writer's deadline ends the session.
func (s *session) sendHeartbeat() {
	s.flow.heartbeatDue()
	_, _ = s.conn.Write(encodeControlFrame(websocket.PingMessage, nil))
}

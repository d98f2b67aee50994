package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"rowcall/api/access"
	"rowcall/api/door"
	"rowcall/api/identity"
	"rowcall/api/resource"
	"rowcall/api/upkeep"
	"rowcall/config/rules"
	"rowcall/notifier"
)

// Options are the optional parts of a server.
type Options struct {
	Sockets   []rules.Socket
	Resources *resource.Resources // at /api/{name}, and on sockets of protocol dcrf; nil: none
	Functions *resource.Functions // at /api/functions/{name}; nil: none
	Limits    Limits
	Health    *Health        // answers /healthz and /readyz; nil: not found
	Upkeep    *upkeep.Keeper // what the console shows of settings that do not fit the database; nil: nothing
	Metrics   *Metrics       // nil: metrics that nobody reads
	Pages     http.Handler   // answers all other addresses; nil: not found
	Site      Site           // for GET /api/session
	Tables    ListTables     // the declared tables, for staff; nil: there are none
	Shutdown  time.Duration  // how long sockets and requests may take to end; 10 s
	Logger    *slog.Logger   // slog.Default()
}

// Server serves the sockets, streams, logins, resources and pages of one node.
type Server struct {
	handlers  *handlers
	handler   http.Handler
	registry  *sessionRegistry
	line      *writeLine
	vigil     *vigil
	console   *console
	limits    Limits
	deadlines *deadlines
	shutdown  time.Duration
	log       *slog.Logger
}

// New prepares a server. The error is a rules.Problems if the rules of sockets are wrong.
func New(f *notifier.Feed, topics *access.Rules, accounts *identity.Accounts, door *door.Door, o Options) (*Server, error) {
	return newServer(liveFeed{f, topics, newFilterTable(topics)}, topics, accounts, door, o)
}

func newServer(f feed, topics *access.Rules, accounts *identity.Accounts, entry *door.Door, o Options) (*Server, error) {
	plain, dcrf, err := compileSockets(o.Sockets, topics, o.Resources)
	if err != nil {
		return nil, err
	}
	log := cmp.Or(o.Logger, slog.Default())
	metrics := o.Metrics
	if metrics == nil {
		metrics = NewMetrics()
	}
	s := &Server{
		registry:  newSessionRegistry(),
		line:      newWriteLine(),
		vigil:     newVigil(accounts.Current, log),
		limits:    o.Limits.withDefaults(),
		deadlines: defaultDeadlines(),
		shutdown:  cmp.Or(o.Shutdown, 10*time.Second),
		log:       log,
	}
	s.console = newConsole(f, s.registry, accounts)
	s.console.upkeep = o.Upkeep
	metrics.observe(s.registry, f)
	table := &socketTable{native: nativeProtocol{topics, accounts}, plain: plain, dcrf: dcrf}
	s.handlers = newHandlers(s, &handshakes{entry, accounts, s.registry, metrics, log}, f, topics, table)
	s.handler = metrics.countRequests(entry.Guard(s.handlers.routes(o)))
	return s, nil
}

// newHandlers gives each handler what it needs.
func newHandlers(s *Server, h *handshakes, f feed, topics *access.Rules, table *socketTable) *handlers {
	buffers, names := &writeBuffers{}, &sessionNames{}
	requests := &topicRequests{handshakes: h, feed: f, topics: topics, limits: s.limits, buffers: buffers}
	return &handlers{
		accounts: h.accounts,
		vigil:    s.vigil,
		requests: &requestLimits{h.door, s.deadlines, s.log},
		sockets: &socketServer{
			handshakes: h,
			feed:       f,
			vigil:      s.vigil,
			limits:     s.limits,
			buffers:    buffers,
			line:       s.line,
			names:      names,
			upgrader:   newUpgrader(s.log),
		},
		table:   table,
		topics:  requests,
		streams: &streamHandler{requests, s.vigil, names},
		console: s.console,
		log:     s.log,
	}
}

// Handler answers all requests. Sessions receive heartbeats, and end with their identity, only
// while Serve runs.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers requests of the listener until ctx ends. Then it lets no new session in, closes
// every socket, waits for them as long as Options.Shutdown allows, and aborts the rest. It returns
// nil after ctx has ended, else why it cannot serve.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := s.httpServer()
	beats, stop := context.WithCancel(context.WithoutCancel(ctx)) // heartbeats go on while sockets end
	var beating sync.WaitGroup
	beating.Go(func() { s.registry.sendHeartbeats(beats, s.limits.PingInterval) })
	beating.Go(func() { s.vigil.run(beats) })
	beating.Go(func() { s.console.sampleCounts(beats) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		failed <- http.ErrServerClosed
	}
	s.shutDown(context.WithoutCancel(ctx), server)
	stop()
	beating.Wait()
	s.line.wait()
	return errors.Join(err, unlessClosed(<-failed))
}

func unlessClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutDown ends sockets and requests, at the latest after Options.Shutdown.
func (s *Server) shutDown(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(ctx, s.shutdown)
	defer cancel()
	var requests sync.WaitGroup
	requests.Go(func() {
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // requests that are left have had their time
		}
	})
	s.registry.shutDown(ctx)
	requests.Wait()
}

// httpServer has deadlines for slow clients. Upgraded sockets have their own.
func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.deadlines.header,
		ReadTimeout:       s.deadlines.header + s.deadlines.body,
		WriteTimeout:      s.deadlines.answer,
		IdleTimeout:       s.deadlines.idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

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
	"rowcall/config/rules"
	"rowcall/notifier"
)

// Options are what a server may be given besides what it needs.
type Options struct {
	Sockets   []rules.Socket
	Resources *resource.Resources // served at /api/{name}, and by sockets of protocol dcrf; nil: none
	Functions *resource.Functions // called at /api/functions/{name}; nil: none
	Limits    Limits
	Health    *Health       // answers /healthz and /readyz; nil: they are not there
	Metrics   *Metrics      // counts what happens; nil: one of its own, which nobody reads
	Pages     http.Handler  // answers what nothing else does; nil: not found
	Site      Site          // what /api/session tells the pages of this server
	Shutdown  time.Duration // how long goodbyes may take; 10 s
	Logger    *slog.Logger  // slog.Default()
}

// Server brings events to people: it serves the WebSockets, logins and health of one node.
type Server struct {
	handlers  *handlers
	handler   http.Handler
	registry  *registry
	watch     *watch
	console   *console
	limits    Limits
	deadlines *deadlines
	shutdown  time.Duration
	log       *slog.Logger
}

// New prepares a server. The error is a rules.Problems if the rules of sockets are wrong.
func New(f *notifier.Feed, topics *access.Rules, accounts *identity.Accounts, door *door.Door, o Options) (*Server, error) {
	return newServer(liveFeed{f, topics}, topics, accounts, door, o)
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
		registry:  newRegistry(),
		watch:     newWatch(accounts.Current, log),
		limits:    o.Limits.withDefaults(),
		deadlines: usualDeadlines(),
		shutdown:  cmp.Or(o.Shutdown, 10*time.Second),
		log:       log,
	}
	s.console = newConsole(f, s.registry, accounts)
	metrics.observe(s.registry, f)
	table := &socketTable{native: nativeProtocol{topics, accounts}, plain: plain, dcrf: dcrf}
	s.handlers = newHandlers(s, &handshakes{entry, accounts, s.registry, metrics, log}, f, topics, table)
	s.handler = metrics.counting(entry.Guard(s.handlers.routes(o)))
	return s, nil
}

// newHandlers gives each handler what it needs.
func newHandlers(s *Server, h *handshakes, f feed, topics *access.Rules, table *socketTable) *handlers {
	buffers, names := &batches{}, &sessionNames{}
	requests := &topicRequests{handshakes: h, feed: f, topics: topics, limits: s.limits, batches: buffers}
	return &handlers{
		accounts: h.accounts,
		watch:    s.watch,
		requests: &requestLimits{h.door, s.deadlines, s.log},
		sockets: &socketServer{
			handshakes:     h,
			feed:           f,
			watch:          s.watch,
			limits:         s.limits,
			batches:        buffers,
			names:          names,
			nativeUpgrader: newUpgrader(s.log, nativeSubprotocol),
			plainUpgrader:  newUpgrader(s.log),
		},
		table:   table,
		topics:  requests,
		streams: &streamHandler{requests, s.watch, names},
		console: s.console,
		log:     s.log,
	}
}

// Handler answers all requests. Sessions get heartbeats, and end with their identity, only while
// Serve runs.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers requests of the listener until ctx ends. Then it lets nobody in any more, says
// goodbye to every socket, waits for them as long as Options.Shutdown allows, and cuts off the
// rest. It returns nil after ctx has ended, else why it cannot serve.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := s.httpServer()
	beats, stop := context.WithCancel(context.WithoutCancel(ctx)) // they go on during goodbyes
	var beating sync.WaitGroup
	beating.Go(func() { s.registry.run(beats, s.limits.PingInterval) })
	beating.Go(func() { s.watch.run(beats) })
	beating.Go(func() { s.console.measure(beats) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		failed <- http.ErrServerClosed
	}
	s.stop(context.WithoutCancel(ctx), server)
	stop()
	beating.Wait()
	return errors.Join(err, served(<-failed))
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// stop ends sockets and requests, at the latest after the time for goodbyes.
func (s *Server) stop(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(ctx, s.shutdown)
	defer cancel()
	var requests sync.WaitGroup
	requests.Go(func() {
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // what is left has had its time
		}
	})
	s.registry.close(ctx)
	requests.Wait()
}

// httpServer has the time limits for clients that dawdle. Sockets, once upgraded, have their own.
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

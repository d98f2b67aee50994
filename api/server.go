package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

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
	feed     feed
	topics   *access.Rules
	accounts *identity.Accounts
	door     *door.Door
	sockets  []*socket
	dcrf     []*dcrfSocket
	limits   Limits
	shutdown time.Duration
	log      *slog.Logger

	deadlines      deadlines
	handler        http.Handler
	registry       *registry
	watch          *watch
	metrics        *Metrics
	console        *console
	batches        batches
	nativeUpgrader *websocket.Upgrader
	plainUpgrader  *websocket.Upgrader
	names          atomic.Uint64 // of native sessions
}

// New prepares a server. The error is a rules.Problems if the rules of sockets are wrong.
func New(f *notifier.Feed, topics *access.Rules, accounts *identity.Accounts, door *door.Door, o Options) (*Server, error) {
	return newServer(liveFeed{f, topics}, topics, accounts, door, o)
}

func newServer(f feed, topics *access.Rules, accounts *identity.Accounts, door *door.Door, o Options) (*Server, error) {
	sockets, dcrf, err := compileSockets(o.Sockets, topics, o.Resources)
	if err != nil {
		return nil, err
	}
	s := &Server{
		feed:     f,
		topics:   topics,
		accounts: accounts,
		door:     door,
		sockets:  sockets,
		dcrf:     dcrf,
		limits:   o.Limits.withDefaults(),
		shutdown: cmp.Or(o.Shutdown, 10*time.Second),
		log:      cmp.Or(o.Logger, slog.Default()),
		registry: newRegistry(),
		metrics:  o.Metrics,

		deadlines: usualDeadlines(),
	}
	if s.metrics == nil {
		s.metrics = NewMetrics()
	}
	s.metrics.watch(s)
	s.console = newConsole(s)
	s.watch = newWatch(accounts.Current, s.log)
	s.nativeUpgrader, s.plainUpgrader = upgrader(s.log, nativeProtocol), upgrader(s.log)
	s.handler = s.metrics.counting(door.Guard(s.routes(o)))
	return s, nil
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

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"syscall"
	"time"

	"rowcall/api/door"
	"rowcall/api/problem"
)

const (
	// profileTimeout is how long a profile may take: go tool pprof asks for 30 seconds by default.
	profileTimeout = 3 * time.Minute

	// opsShutdownWait is how long running requests may take when the node stops.
	opsShutdownWait = time.Second
)

// Ops serves metrics, profiles and health to operators. It has a listener of its own, which belongs
// on loopback or in a network that only operators reach.
type Ops struct {
	handler http.Handler
	log     *slog.Logger
}

// NewOps prepares the answers. A nil Health leaves out /healthz and /readyz. hosts are the names by
// which operators know the machine, besides its addresses and localhost.
func NewOps(m *Metrics, h *Health, hosts []string, log *slog.Logger) (*Ops, error) {
	door, err := door.New(door.Options{Logger: log}) // allows no page of another site
	if err != nil {
		return nil, err
	}
	o := &Ops{log: log}
	mux := http.NewServeMux()
	o.handle(mux, "/metrics", m.handler(log).ServeHTTP)
	if h != nil {
		o.handle(mux, "/healthz", h.Alive)
		o.handle(mux, "/readyz", h.Ready)
	}
	// The command line is left out, because it may contain a connection string.
	o.handle(mux, "/debug/pprof/", o.refuseOtherSites(serveProfiles))
	o.handle(mux, "/debug/pprof/profile", o.refuseOtherSites(pprof.Profile))
	o.handle(mux, "/debug/pprof/symbol", o.refuseOtherSites(pprof.Symbol))
	o.handle(mux, "/debug/pprof/trace", o.refuseOtherSites(pprof.Trace))
	mux.HandleFunc("/", o.notFound)
	o.handler = door.GuardOperators(mux, hosts)
	return o, nil
}

// serveProfiles lists the profiles, or answers with the one that the request names.
func serveProfiles(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/debug/pprof/cmdline" {
		problem.Write(w, problem.ErrNotFound)
		return
	}
	pprof.Index(w, r)
}

// refuseOtherSites refuses requests that a page of another site has caused, for example as the
// source of an image. The page could not read the answer, but making a profile is expensive.
func (o *Ops) refuseOtherSites(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "none", "same-origin": // no browser, an address that the user typed, or a page of Ops
			answer(w, r)
		default:
			problem.Refuse(w, r, o.log, problem.ErrOrigin)
		}
	}
}

// handle has GET and HEAD at a path answered, and refuses other methods.
func (o *Ops) handle(mux *http.ServeMux, path string, answer http.HandlerFunc) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			answer(w, r)
		default:
			problem.Refuse(w, r, o.log, problem.NotAllowed(w, "GET, HEAD"))
		}
	})
}

func (o *Ops) notFound(w http.ResponseWriter, r *http.Request) {
	problem.Refuse(w, r, o.log, problem.Explain(problem.ErrNotFound, "there is nothing at this address"))
}

// ListenOps opens the listener for operators. It accepts addresses that other machines reach, and
// logs a warning.
func ListenOps(ctx context.Context, addr string, log *slog.Logger) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("ops.addr: the address %s is in use by another program: stop that, or give another", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("ops.addr: %w", err)
	}
	if !door.IsLoopbackAddr(listener.Addr()) {
		log.Warn("the ops listener can be reached from other machines, and asks nobody who they are: see that only operators reach it", "address", listener.Addr())
	}
	return listener, nil
}

// Serve answers requests of the listener until ctx ends; then it returns nil. Any other error says
// why it cannot serve.
func (o *Ops) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           o.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      profileTimeout,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving operators: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), opsShutdownWait)
	defer cancel()
	if server.Shutdown(ending) != nil {
		_ = server.Close() // requests that are left have had their time
	}
	return unlessClosed(<-failed)
}

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
	// profilePatience is how long a profile may take: go tool pprof asks for 30 seconds unless told otherwise.
	profilePatience = 3 * time.Minute

	// opsGoodbye is how long requests that are under way have when the node stops.
	opsGoodbye = time.Second
)

// Ops is what operators look at and nobody else should: the numbers, profiles, and health. It has a listener of
// its own, which belongs on loopback or into a network of the operators'.
type Ops struct {
	handler http.Handler
	log     *slog.Logger
}

// NewOps prepares the answers. A nil Health leaves /healthz and /readyz out. hosts are the names that operators know
// the machine by, besides its addresses and localhost.
func NewOps(m *Metrics, h *Health, hosts []string, log *slog.Logger) (*Ops, error) {
	door, err := door.New(door.Options{}) // no page of another site
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
	// The command line is left out: it may hold a connection string.
	o.handle(mux, "/debug/pprof/", o.ownPages(profiles))
	o.handle(mux, "/debug/pprof/profile", o.ownPages(pprof.Profile))
	o.handle(mux, "/debug/pprof/symbol", o.ownPages(pprof.Symbol))
	o.handle(mux, "/debug/pprof/trace", o.ownPages(pprof.Trace))
	mux.HandleFunc("/", o.notFound)
	o.handler = door.GuardOperators(mux, hosts)
	return o, nil
}

// profiles lists the profiles there are, and answers with the one that is named.
func profiles(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/debug/pprof/cmdline" {
		problem.Write(w, problem.ErrNotFound)
		return
	}
	pprof.Index(w, r)
}

// ownPages refuses what a page of another site has made a browser ask for, such as the source of an image. It could
// not read the answer, but to make a profile costs what an operator alone may spend.
func (o *Ops) ownPages(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "none", "same-origin": // no browser, its address line, or a page of these
			answer(w, r)
		default:
			problem.Refuse(w, r, o.log, problem.ErrOrigin)
		}
	}
}

// handle answers GET at a path, and tells other methods so.
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

// ListenOps opens the address for operators. Another than a loopback address is taken, for networks in which
// only operators are, and the log says what that means.
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

// Serve answers requests of the listener until ctx ends. It returns nil after that, else why it cannot serve.
func (o *Ops) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           o.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      profilePatience,
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
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), opsGoodbye)
	defer cancel()
	if server.Shutdown(ending) != nil {
		_ = server.Close() // what is left has had its time
	}
	return served(<-failed)
}

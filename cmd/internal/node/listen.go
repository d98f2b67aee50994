package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"syscall"

	"rowcall/api"
	"rowcall/config"
)

// Listeners are the open addresses that a node serves.
type Listeners struct {
	Pages net.Listener // for users: pages, sockets and the HTTP API
	Ops   net.Listener // for operators: metrics and health; nil if the configuration names no address
}

// OpenListeners opens the addresses of the configuration.
func OpenListeners(ctx context.Context, c *config.Config, log *slog.Logger) (*Listeners, error) {
	pages, err := listen(ctx, c.HTTP)
	if err != nil {
		return nil, err
	}
	at := &Listeners{Pages: pages}
	if c.Ops.Addr == "" {
		return at, nil
	}
	if at.Ops, err = api.ListenOps(ctx, c.Ops.Addr, log); err != nil {
		at.Close()
		return nil, err
	}
	return at, nil
}

// Close closes the addresses. A node closes the addresses that it serves by itself, and a second
// Close does nothing.
func (l *Listeners) Close() {
	_ = l.Pages.Close()
	if l.Ops != nil {
		_ = l.Ops.Close()
	}
}

// MetricsURL returns the address of the metrics. Ops must not be nil.
func (l *Listeners) MetricsURL() string {
	address := url.URL{Scheme: "http", Host: l.Ops.Addr().String(), Path: "/metrics"}
	return address.String()
}

// listen opens the address for users. The usual mistakes become one sentence each that says what to
// do.
func listen(ctx context.Context, h config.HTTP) (net.Listener, error) {
	listener, err := api.Listen(ctx, h.Addr, api.ListenOptions{Cert: h.TLSCert, Key: h.TLSKey, Plain: h.Plain})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the address %s is in use by another program: stop that, or give another with --addr, such as --addr %s", h.Addr, beside(h.Addr))
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("the address %s may not be used by this user: give a port above 1023 with --addr", h.Addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("the address %s is none of this machine's: give another with --addr", h.Addr)
	}
	return listener, err
}

// beside returns an address to try instead: the same host, any free port.
func beside(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort(host, "0")
}

// PagesURL returns the address of the pages for a browser on this machine.
func (l *Listeners) PagesURL(h config.HTTP) string {
	host, port, _ := net.SplitHostPort(l.Pages.Addr().String()) // a listener's own address has both
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	pages := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}
	if h.TLSCert != "" {
		pages.Scheme = "https"
	}
	return pages.String()
}

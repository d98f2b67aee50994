package main

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

// listeners are where a node serves.
type listeners struct {
	pages net.Listener
	ops   net.Listener // for operators; nil: nowhere
}

// openListeners opens the addresses of the configuration.
func openListeners(ctx context.Context, c *config.Config, log *slog.Logger) (*listeners, error) {
	pages, err := listen(ctx, c.HTTP)
	if err != nil {
		return nil, err
	}
	at := &listeners{pages: pages}
	if c.Ops.Addr == "" {
		return at, nil
	}
	if at.ops, err = api.ListenOps(ctx, c.Ops.Addr, log); err != nil {
		at.close()
		return nil, err
	}
	return at, nil
}

// close is for addresses that are not served any more, or never were.
func (l *listeners) close() {
	_ = l.pages.Close()
	if l.ops != nil {
		_ = l.ops.Close()
	}
}

// metricsURL is where the numbers are.
func (l *listeners) metricsURL() string {
	address := url.URL{Scheme: "http", Host: l.ops.Addr().String(), Path: "/metrics"}
	return address.String()
}

// listen opens the address to serve on. What usually goes wrong is told in one sentence.
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

// beside is an address to try instead: the same host, any free port.
func beside(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort(host, "0")
}

// pagesURL is where a browser finds the pages.
func pagesURL(addr net.Addr, h config.HTTP) string {
	host, port, _ := net.SplitHostPort(addr.String()) // a listener's own address has both
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	pages := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}
	if h.TLSCert != "" {
		pages.Scheme = "https"
	}
	return pages.String()
}

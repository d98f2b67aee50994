package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"

	"rowcall/api"
	"rowcall/config"
)

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

package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"rowcall/api/door"
)

// ListenOptions say how a listener is protected.
type ListenOptions struct {
	Cert, Key string // PEM files for https, TLS 1.2 or newer; empty: plain http
	Plain     bool   // allow plain http on addresses other than loopback, behind a proxy or in a private network
}

// errUnprotected is the error for a listener on which passwords and cookies would cross a network
// unencrypted.
var errUnprotected = errors.New("plain http is for loopback addresses: " +
	"give http.tls_cert and http.tls_key, or say http.plain: true when a proxy or a private network is in front")

// Listen opens the listener of a server. Port 0 takes a free port.
func Listen(ctx context.Context, addr string, o ListenOptions) (net.Listener, error) {
	protect, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	listener = abandonUnacknowledged(listener)
	if protect != nil {
		return tls.NewListener(listener, protect), nil
	}
	if !o.Plain && !door.IsLoopbackAddr(listener.Addr()) {
		return nil, errors.Join(fmt.Errorf("listening on %s: %w", addr, errUnprotected), listener.Close())
	}
	return listener, nil
}

// tlsConfig returns nil for plain http.
func tlsConfig(o ListenOptions) (*tls.Config, error) {
	if o.Cert == "" && o.Key == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
	if err != nil {
		return nil, fmt.Errorf("reading http.tls_cert and http.tls_key: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/config/rules"
)

// runningNode is a whole Rowcall in this process. It serves the rooms of the example configuration.
type runningNode struct {
	*node.Node
	addr   string
	writes *atomic.Int64 // calls of Write on its sockets, since the start
	stop   func() error
}

// startNode serves a database on a free port of the loopback, with the rooms and further topics.
func startNode(ctx context.Context, url string, further ...rules.Topic) (*runningNode, error) {
	c, err := example(url)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	roomsOnly(c)
	c.Topics = append(c.Topics, further...)
	opened, err := node.Open(ctx, c, node.Options{}, silent())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	n := &runningNode{Node: opened, addr: listener.Addr().String(), writes: new(atomic.Int64)}
	n.serve(ctx, &countingListener{listener, n.writes})
	select {
	case <-n.Ready():
		return n, nil
	case <-time.After(patience):
		return nil, errors.Join(errors.New("the node is not ready"), n.Health().Err, n.stop())
	}
}

// example is the example configuration for a database. Sockets of this machine are not counted.
func example(url string) (*config.Config, error) {
	env := map[string]string{"ROWCALL_DATABASE_URL": url, "ROWCALL_LIMITS_EXEMPT": "127.0.0.0/8"}
	return config.Load(config.Sources{Default: config.Example, Environment: env})
}

// roomsOnly removes all but the rooms from the example configuration, and raises the limits that
// the measurements would reach.
func roomsOnly(c *config.Config) {
	c.Apps = false // no job is worked on during a measurement
	c.Limits.Sockets = 1 << 20
	c.Limits.PingInterval, c.Limits.PongTimeout = time.Hour, 2*time.Hour // readers only count
	c.Topics = slices.DeleteFunc(c.Topics, func(t rules.Topic) bool { return !strings.HasPrefix(t.Topic, "room/") })
	c.Sockets = slices.DeleteFunc(c.Sockets, func(s rules.Socket) bool { return !strings.HasPrefix(s.Topic, "room/") })
	c.Resources, c.Functions = nil, nil
}

// serve runs the node until stop is called.
func (n *runningNode) serve(ctx context.Context, listener net.Listener) {
	serving, end := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- n.Run(serving, &node.Listeners{Pages: listener}) }()
	n.stop = func() error {
		end()
		if err := <-served; err != nil {
			return fmt.Errorf("stopping the node: %w", err)
		}
		return nil
	}
}

// countingListener counts the writes of the connections it accepts.
type countingListener struct {
	net.Listener
	writes *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("not a TCP connection"), conn.Close())
	}
	return &countingConn{tcp, l.writes}, nil
}

type countingConn struct {
	*net.TCPConn
	writes *atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// SyscallConn returns the connection as the kernel sees it, for writes past Write.
func (c *countingConn) SyscallConn() (syscall.RawConn, error) {
	raw, err := c.TCPConn.SyscallConn()
	return countingRawConn{raw, c.writes}, err
}

type countingRawConn struct {
	syscall.RawConn
	writes *atomic.Int64
}

func (c countingRawConn) Write(write func(fd uintptr) (done bool)) error {
	c.writes.Add(1)
	return c.RawConn.Write(write)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api"
	"rowcall/config"
	"rowcall/notifier"
)

// node is a whole Rowcall in this process, with the rooms of the shipped example.
type node struct {
	feed   *notifier.Feed
	server *api.Server
	pool   *pgxpool.Pool
	addr   string
	writes *atomic.Int64 // that its sockets have made
	stop   func() error
}

// startNode serves a database on a free port of the loopback.
func startNode(ctx context.Context, url string) (*node, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	n := &node{pool: pool, writes: new(atomic.Int64)}
	if err := n.assemble(ctx, url); err != nil {
		pool.Close()
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		pool.Close()
		return nil, err
	}
	n.addr = listener.Addr().String()
	n.serve(ctx, &countingListener{listener, n.writes})
	select {
	case <-n.feed.Ready():
		return n, nil
	case <-time.After(20 * time.Second):
		return nil, errors.Join(errors.New("the node is not ready"), n.feed.Health().Err, n.stop())
	}
}

// assemble does what the command does, with limits that are not in the way.
func (n *node) assemble(ctx context.Context, url string) error {
	c, err := config.Load(config.Sources{Default: config.Example})
	if err != nil {
		return err
	}
	direct, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	door, err := api.NewDoor(api.DoorOptions{Sockets: 1 << 20, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		return err
	}
	accounts, err := api.NewAccounts(ctx, n.pool, door, api.AccountOptions{Users: api.UsersTable(c.Auth.Users), Logger: silent()})
	if err != nil {
		return err
	}
	rules, err := api.CompileRules(ctx, n.pool, accounts, topicRules(c))
	if err != nil {
		return err
	}
	n.feed = notifier.New(direct, n.pool, rules, notifier.Options{Logger: silent()})
	n.server, err = api.New(n.feed, rules, accounts, door, api.Options{
		Sockets: socketRules(c),
		Limits:  api.Limits{PingInterval: time.Hour, PongTimeout: 2 * time.Hour}, // readers only count
		Logger:  silent(),
	})
	return err
}

// topicRules are those of the rooms.
func topicRules(c *config.Config) []api.TopicRule {
	var rules []api.TopicRule
	for _, t := range c.Topics {
		if strings.HasPrefix(t.Topic, "room/") {
			rules = append(rules, api.TopicRule{Topic: t.Topic, Allow: t.Allow, Access: t.Access, Snapshot: t.Snapshot})
		}
	}
	return rules
}

// socketRules are those of the rooms.
func socketRules(c *config.Config) []api.SocketRule {
	var rules []api.SocketRule
	for _, s := range c.Sockets {
		if !strings.HasPrefix(s.Topic, "room/") {
			continue
		}
		rule := api.SocketRule{Path: s.Path, Topic: s.Topic, Frame: s.Frame, Anonymous: s.Anonymous}
		for _, f := range s.Forward {
			rule.Forward = append(rule.Forward, api.Forward{Type: f.Type, Fields: f.Fields})
		}
		rules = append(rules, rule)
	}
	return rules
}

// serve runs feed and server until stop is called.
func (n *node) serve(ctx context.Context, listener net.Listener) {
	serving, endServing := context.WithCancel(ctx)
	feeding, endFeeding := context.WithCancel(context.WithoutCancel(ctx))
	served, fed := make(chan error, 1), make(chan error, 1)
	go func() { served <- n.server.Serve(serving, listener) }()
	go func() { fed <- n.feed.Run(feeding) }()
	n.stop = func() error {
		endServing()
		err := <-served
		endFeeding()
		err = errors.Join(err, <-fed)
		n.pool.Close()
		if err != nil {
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

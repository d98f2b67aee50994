package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/errgroup"

	"rowcall/api"
	"rowcall/config"
	"rowcall/notifier"
	"rowcall/schema"
	"rowcall/web"
)

// node is everything that serves one database: the feed that reads its log, and the server that
// brings events to people.
type node struct {
	pool     *pgxpool.Pool
	feed     *notifier.Feed
	accounts *api.Accounts
	server   *api.Server
	metrics  *api.Metrics
	ops      *api.Ops
	apps     bool // the example applications are kept
	log      *slog.Logger
}

// openNode prepares a node for a database that is migrated. All configured SQL is checked against
// it. demo is what the pages tell of a demo, nil for any other node. The node is to be served, once.
func openNode(ctx context.Context, c *config.Config, demo *api.Demo, log *slog.Logger) (*node, error) {
	pool, err := openPool(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	n := &node{pool: pool, apps: c.Apps, log: log, metrics: api.NewMetrics()}
	n.metrics.WatchPool(pool)
	if err := n.assemble(ctx, c, demo); err != nil {
		pool.Close()
		return nil, err
	}
	return n, nil
}

func (n *node) assemble(ctx context.Context, c *config.Config, demo *api.Demo) error {
	direct, err := parseDSN(c.Database.Direct())
	if err != nil {
		return err
	}
	door, err := api.NewDoor(doorOptions(c))
	if err != nil {
		return err
	}
	if n.accounts, err = api.NewAccounts(ctx, n.pool, door, accountOptions(c, n.log)); err != nil {
		return err
	}
	rules, err := api.CompileRules(ctx, n.pool, n.accounts, topicRules(c))
	if err != nil {
		return err
	}
	n.feed = notifier.New(direct, n.pool, n.metrics.Timed(rules), feedOptions(c, n.log))
	resources, err := api.CompileResources(ctx, n.pool, rules, resourceRules(c), n.log)
	if err != nil {
		return err
	}
	functions, err := api.CompileFunctions(ctx, n.pool, functionRules(c))
	if err != nil {
		return err
	}
	health := n.health(c)
	if n.ops, err = api.NewOps(n.metrics, health, c.Ops.Hosts, n.log); err != nil {
		return err
	}
	n.server, err = api.New(n.feed, rules, n.accounts, door, api.Options{
		Sockets:   socketRules(c),
		Resources: resources,
		Functions: functions,
		Limits:    socketLimits(c),
		Health:    health,
		Metrics:   n.metrics,
		Pages:     web.Handler(pageOptions(c.Web)),
		Site:      api.Site{Apps: c.Apps, Demo: demo, Tiles: mapTiles(c.Web)},
		Shutdown:  c.HTTP.Shutdown,
		Logger:    n.log,
	})
	return err
}

// openPool prepares the connections for access, snapshots and replays.
func openPool(ctx context.Context, d config.Database) (*pgxpool.Pool, error) {
	if _, err := parseDSN(d.URL); err != nil {
		return nil, err
	}
	c, err := pgxpool.ParseConfig(string(d.URL))
	if err != nil {
		return nil, errors.New("the database's connection string has a pool_ parameter that cannot be read")
	}
	c.MaxConns = int32(d.PoolSize)
	c.ConnConfig.ConnectTimeout = connectPatience
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "rowcall"
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the pool of connections: %w", err)
	}
	return pool, nil
}

func (n *node) health(c *config.Config) *api.Health {
	return api.NewHealth(api.HealthOptions{
		Feed:    n.feed.Health,
		Pending: func(ctx context.Context) (bool, error) { return n.pending(ctx, c.Apps) },
		Polling: c.Log.Ring == string(notifier.RingNever),
	})
}

// pending asks on a connection of the pool whether migrations wait to be applied.
func (n *node) pending(ctx context.Context, apps bool) (bool, error) {
	db := stdlib.OpenDBFromPool(n.pool)
	defer db.Close()
	return schema.Pending(ctx, db, apps)
}

// serve serves until ctx ends, and calls ready when events flow. At the end the sockets hear a
// goodbye first, while their events still come; then the feed stops. Whoever asks for the end a
// second time does not have to wait for that.
func (n *node) serve(ctx context.Context, at *listeners, ready func()) error {
	done := make(chan error, 1)
	go func() { done <- n.work(ctx, at, ready) }()
	select {
	case err := <-done:
		n.pool.Close()
		return err
	case <-ctx.Done():
	}
	n.log.Info("stopping: saying goodbye to sockets")
	hurry, release := hurried(ctx)
	defer release()
	select {
	case err := <-done:
		n.pool.Close()
		return err
	case <-hurry.Done():
		return nil // the end of the process cuts what is left
	}
}

// work runs the node's parts until ctx ends or one of them cannot go on.
func (n *node) work(ctx context.Context, at *listeners, ready func()) error {
	feeding, stopFeed := context.WithCancel(context.WithoutCancel(ctx)) // it outlasts the goodbyes
	defer stopFeed()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return n.feed.Run(feeding) })
	parts.Go(func() error { return n.accounts.Run(ctx) })
	if at.ops != nil {
		parts.Go(func() error { return n.ops.Serve(feeding, at.ops) })
	}
	if n.apps {
		parts.Go(func() error { return n.workJobs(ctx) })
	}
	parts.Go(func() error {
		defer stopFeed()
		return n.server.Serve(ctx, at.pages)
	})
	parts.Go(func() error {
		select {
		case <-n.feed.Ready():
			ready()
		case <-ctx.Done():
		}
		return nil
	})
	return parts.Wait()
}

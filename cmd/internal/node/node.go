// Package node is one node of Rowcall: the connections to the database, the feed that reads its
// log, and the servers for users and operators. The commands serve and demo run one; the
// measurements of cmd/bench run the same.
//
// Every error that this package returns for a wrong configuration or database is one sentence for
// the operator.
package node

import (
	"context"
	"log/slog"
	"slices"

	"golang.org/x/sync/errgroup"

	"rowcall/api"
	"rowcall/api/access"
	"rowcall/api/door"
	"rowcall/api/identity"
	"rowcall/api/resource"
	"rowcall/api/upkeep"
	"rowcall/config"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema"
	"rowcall/web"
)

// Node serves one database. Open makes one; Run serves it, once.
type Node struct {
	pool     *dbconn.Pool
	feed     *notifier.Feed
	accounts *identity.Accounts
	server   *api.Server
	metrics  *api.Metrics
	upkeep   *upkeep.Keeper
	ops      *api.Ops
	operator *identity.Operator // nil for any node but that of rowcall watch
	declared *declaredTables
	apps     bool // the example applications are installed
	log      *slog.Logger
}

// Options are what a command has to say of its node besides the configuration.
type Options struct {
	Demo     *api.Demo          // is shown on the pages of the demo; nil for any other node
	Operator *identity.Operator // whoever shows its one-time code is staff, where there are no accounts; nil: nobody
}

// Open prepares a node for a database that is migrated. It checks all configured SQL against the
// database. Call Run afterwards: it also closes the node's connections.
func Open(ctx context.Context, c *config.Config, o Options, log *slog.Logger) (*Node, error) {
	direct, err := findDirect(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	pool, err := openPool(ctx, c.Database, log)
	if err != nil {
		return nil, err
	}
	n := &Node{pool: pool, operator: o.Operator, apps: c.Apps, log: log, metrics: api.NewMetrics()}
	n.metrics.ObservePool(pool)
	if err := n.assemble(ctx, c, direct, o.Demo); err != nil {
		pool.Close()
		return nil, err
	}
	return n, nil
}

// assemble makes the parts of the node, each from the parts that it needs.
func (n *Node) assemble(ctx context.Context, c *config.Config, direct *dbconn.Server, demo *api.Demo) error {
	door, err := door.New(doorOptions(c, n.log))
	if err != nil {
		return err
	}
	topics, err := n.compileAccess(ctx, c, door)
	if err != nil {
		return err
	}
	options := feedOptions(c, n.log)
	options.CanFollow = topics.CanFollow
	n.feed = notifier.New(direct, n.pool, n.metrics.Timed(topics), options)
	resources, err := resource.Compile(ctx, n.pool, topics, c.Resources, n.log)
	if err != nil {
		return err
	}
	functions, err := resource.CompileFunctions(ctx, n.pool, c.Functions)
	if err != nil {
		return err
	}
	if err := n.warnOfSilentTriggers(ctx); err != nil {
		return err
	}
	n.upkeep = upkeep.New(n.pool, n.log, slices.Concat(n.rightsItems(c, direct), n.tablesItems(c), n.accounts.Items(), topics.Items(), resources.Items(), functions.Items())...)
	n.metrics.ObserveSettings(n.upkeep)
	health := n.health(c)
	if n.ops, err = api.NewOps(n.metrics, health, c.Ops.Hosts, n.log); err != nil {
		return err
	}
	n.server, err = api.New(n.feed, topics, n.accounts, door, api.Options{
		Sockets:   c.Sockets,
		Resources: resources,
		Functions: functions,
		Limits:    socketLimits(c),
		Health:    health,
		Upkeep:    n.upkeep,
		Metrics:   n.metrics,
		Pages:     web.Handler(pageOptions(c.Web)),
		Site:      api.Site{Apps: c.Apps, Demo: demo, Tiles: mapTiles(c.Web), Watch: n.accounts.HasOperator()},
		Tables:    n.declared.list,
		Shutdown:  c.HTTP.Shutdown,
		Logger:    n.log,
	})
	return err
}

// compileAccess makes the accounts and the rules of topics.
func (n *Node) compileAccess(ctx context.Context, c *config.Config, door *door.Door) (*access.Rules, error) {
	var err error
	if n.accounts, err = identity.New(ctx, n.pool, door, accountOptions(c, n.operator, n.log)); err != nil {
		return nil, err
	}
	n.declared = &declaredTables{config: c, pool: n.pool}
	ofTables, err := n.declared.topics(ctx)
	if err != nil {
		return nil, err
	}
	topics, err := access.Compile(ctx, n.pool, n.accounts, slices.Concat(c.Topics, ofTables), api.ConsoleTopic)
	if err != nil {
		return nil, err
	}
	topics.Log, topics.Renew = n.log, n.declared.renew
	return topics, nil
}

func (n *Node) health(c *config.Config) *api.Health {
	return api.NewHealth(api.HealthOptions{
		Feed:    n.feed.Health,
		Pending: func(ctx context.Context) (bool, error) { return n.pending(ctx, c.Apps) },
		Unfit:   n.upkeep.Unfit,
		Polling: c.Log.Ring == string(notifier.RingNever),
	})
}

// pending reports whether migrations are still to be applied.
func (n *Node) pending(ctx context.Context, apps bool) (bool, error) {
	db := n.pool.SQL()
	defer db.Close()
	return schema.Pending(ctx, db, apps)
}

// Ready is closed when events flow for the first time. Health says later whether they still do.
func (n *Node) Ready() <-chan struct{} { return n.feed.Ready() }

// Health reports the present state of the node's feed.
func (n *Node) Health() notifier.Health { return n.feed.Health() }

// Run serves the listeners until ctx ends or a part of the node cannot go on, and then closes the
// node's connections. When ctx ends, open sockets are closed first while their events still come,
// then the feed stops. That may take as long as http.shutdown allows.
func (n *Node) Run(ctx context.Context, at *Listeners) error {
	defer n.pool.Close()
	feeding, stopFeed := context.WithCancel(context.WithoutCancel(ctx)) // it outlasts the goodbyes
	defer stopFeed()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return n.feed.Run(feeding) })
	parts.Go(func() error { return n.accounts.Run(ctx) })
	parts.Go(func() error { return n.upkeep.Run(ctx) })
	if at.Ops != nil {
		parts.Go(func() error { return n.ops.Serve(feeding, at.Ops) })
	}
	if n.apps {
		parts.Go(func() error { return n.workJobs(ctx) })
	}
	parts.Go(func() error {
		defer stopFeed()
		return n.server.Serve(ctx, at.Pages)
	})
	return parts.Wait()
}

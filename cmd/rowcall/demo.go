package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"

	"github.com/spf13/cobra"

	"rowcall/api"
	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/schema/cluster"
)

// demoOptions are the flags of demo alone.
type demoOptions struct {
	dir   string
	fresh bool
}

func (p *program) demo() *cobra.Command {
	o := demoOptions{dir: defaultDataDir(p.environment)}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything at once: a private PostgreSQL with sample rows, and the pages",
		Long: "Demo starts a private PostgreSQL from the binaries of this machine (or downloads them), loads\n" +
			"sample rows and serves the four example applications. Its data is found again at the next start.\n" +
			"With --database-url it uses a server that is there: the example tables are created in that database.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.settings(cmd, config.Example)
			if err != nil {
				return err
			}
			welcomeLocal(c)
			c.Ops.Addr = cmp.Or(c.Ops.Addr, "127.0.0.1:0")
			return p.runDemo(cmd.Context(), c, o, log)
		},
	}
	cmd.Flags().StringVar(&o.dir, "data-dir", o.dir, "`folder` of the private PostgreSQL; also ROWCALL_DATA_DIR")
	cmd.Flags().BoolVar(&o.fresh, "fresh", false, "throw the data of earlier demos away")
	return cmd
}

// welcomeLocal accepts pages of localhost on any port, such as a frontend under development, and
// counts no limits for this machine.
func welcomeLocal(c *config.Config) {
	c.HTTP.Origins = append(c.HTTP.Origins, "http://localhost:*", "http://127.0.0.1:*")
	c.Limits.Exempt = append(c.Limits.Exempt, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
}

// runDemo opens the addresses first: a busy port is reported before a PostgreSQL is started.
func (p *program) runDemo(ctx context.Context, c *config.Config, o demoOptions, log *slog.Logger) error {
	at, err := node.OpenListeners(ctx, c, log)
	if err != nil {
		return err
	}
	defer at.Close()
	if c.Database.URL != "" {
		if o.fresh {
			return errors.New("--fresh is for the demo's own PostgreSQL: leave it out, or leave out the database's URL")
		}
		return p.demoOn(ctx, c, at, log)
	}
	return p.demoPrivate(ctx, c, o, at, log)
}

// demoOn runs the demo on an existing server, as the user of its URL.
func (p *program) demoOn(ctx context.Context, c *config.Config, at *node.Listeners, log *slog.Logger) error {
	if err := p.readyDemo(ctx, c, log); err != nil {
		return err
	}
	psql, err := psqlFor(c.Database.URL)
	if err != nil {
		return err
	}
	return p.serveDemo(ctx, c, at, greeting{psql: psql}, log)
}

// psqlFor returns a command that opens an existing database, or nothing where the machine has no
// psql. The command has no password: psql asks for it or finds it.
func psqlFor(dsn config.DSN) (string, error) {
	c, err := node.ParseDSN(dsn)
	if err != nil {
		return "", err
	}
	if _, err := exec.LookPath("psql"); err != nil {
		return "", nil
	}
	return fmt.Sprintf("psql -h %s -p %d -U %s %s", cluster.Quote(c.Host), c.Port, cluster.Quote(c.User), cluster.Quote(c.Database)), nil
}

// demoPrivate runs the demo on a private PostgreSQL, and always stops that PostgreSQL at the end.
func (p *program) demoPrivate(ctx context.Context, c *config.Config, o demoOptions, at *node.Listeners, log *slog.Logger) error {
	own, err := startPrivate(ctx, o, log)
	if err != nil {
		return err
	}
	ctx, cancel := own.watch(ctx)
	defer cancel(nil)
	err = p.demoWithin(ctx, c, own, at, log)
	if cause := context.Cause(ctx); errors.Is(cause, errServerGone) {
		err = cause
	}
	return errors.Join(err, own.stop(ctx))
}

// demoWithin migrates as the superuser, and then serves as a role that may do no more than serve.
func (p *program) demoWithin(ctx context.Context, c *config.Config, own *private, at *node.Listeners, log *slog.Logger) error {
	url, err := own.createDatabase(ctx)
	if err != nil {
		return err
	}
	c.Database = config.Database{URL: url, PoolSize: c.Database.PoolSize}
	if err := p.readyDemo(ctx, c, log); err != nil {
		return err
	}
	if c.Database.URL, err = own.createRole(ctx, url); err != nil {
		return err
	}
	return p.serveDemo(ctx, c, at, greeting{psql: own.psql(), dir: own.dir}, log)
}

// readyDemo brings schema, triggers and sample rows up to date. It logs warnings only, because a
// person who tries Rowcall out need not read about migrations.
func (p *program) readyDemo(ctx context.Context, c *config.Config, log *slog.Logger) error {
	if err := node.AwaitDatabase(ctx, c.Database.Migrate(), 0, log); err != nil {
		return err
	}
	quiet := *c
	quiet.LogLevel += slog.LevelWarn - slog.LevelInfo
	return node.Migrate(ctx, c, true, p.logger(&quiet))
}

func (p *program) serveDemo(ctx context.Context, c *config.Config, at *node.Listeners, g greeting, log *slog.Logger) error {
	n, err := node.Open(ctx, c, node.Options{Demo: &api.Demo{Accounts: sampleAccounts(), Psql: g.psql}}, log)
	if err != nil {
		return fmt.Errorf("prepare to serve: %w", err)
	}
	g.pages, g.metrics = at.PagesURL(c.HTTP), at.MetricsURL()
	return runNode(ctx, n, at, func() { p.greet(g) }, log)
}

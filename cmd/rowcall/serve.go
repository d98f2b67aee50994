package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rowcall/config"
)

// serveOptions are what serve's own flags say.
type serveOptions struct {
	migrate bool
	wait    time.Duration
}

func (p *program) serve() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the events of a PostgreSQL database",
		Long: "Serve brings the database's schema up to date and then serves its events until it is told to stop.\n" +
			"Any number of nodes may serve one database.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.settings(cmd, nil)
			if err != nil {
				return err
			}
			return p.runServe(cmd.Context(), c, o, log)
		},
	}
	cmd.Flags().BoolVar(&o.migrate, "migrate", true, "bring the database up to date first; with false it must be so already")
	addWait(cmd, &o.wait)
	return cmd
}

// runServe listens first: a busy port is found before anything else is done, and a proxy in front
// sees a node that starts as slow rather than as gone.
func (p *program) runServe(ctx context.Context, c *config.Config, o serveOptions, log *slog.Logger) error {
	at, err := openListeners(ctx, c, log)
	if err != nil {
		return err
	}
	defer at.close()
	if err := readyDatabase(ctx, c, o, log); err != nil {
		return err
	}
	n, err := openNode(ctx, c, nil, log)
	if err != nil {
		return err
	}
	return n.serve(ctx, at, func() {
		p.say("Rowcall serves %s", pagesURL(at.pages.Addr(), c.HTTP))
		if at.ops != nil {
			p.say("Operators find %s", at.metricsURL())
		}
	})
}

// readyDatabase waits for the database, by every way that the configuration names, and brings it up
// to date or sees that it is.
func readyDatabase(ctx context.Context, c *config.Config, o serveOptions, log *slog.Logger) error {
	ways := []config.DSN{c.Database.URL, c.Database.Direct()}
	if o.migrate {
		ways = append(ways, c.Database.Migrate())
	}
	for _, dsn := range slices.Compact(ways) {
		if err := awaitDatabase(ctx, dsn, o.wait, log); err != nil {
			return err
		}
	}
	if !o.migrate {
		return requireMigrated(ctx, c)
	}
	return migrateDatabase(ctx, c, false, log)
}

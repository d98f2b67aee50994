package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
	"rowcall/config"
)

// serveOptions are the flags of serve alone.
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
		Args: noArguments,
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

// runServe opens the addresses before it asks the database: a busy port is reported before anything else happens, and a
// proxy in front sees a starting node as slow, not as absent.
func (p *program) runServe(ctx context.Context, c *config.Config, o serveOptions, log *slog.Logger) error {
	at, err := node.OpenListeners(ctx, c, log)
	if err != nil {
		return err
	}
	defer at.Close()
	if err := readyDatabase(ctx, c, o, log); err != nil {
		return err
	}
	if err := node.ReadyTables(ctx, c, log); err != nil {
		return err
	}
	n, err := node.Open(ctx, c, node.Options{}, log)
	if err != nil {
		return err
	}
	return runNode(ctx, n, at, func() {
		p.say("Rowcall serves %s", at.PagesURL(c.HTTP))
		if at.Ops != nil {
			p.say("Operators find %s", at.MetricsURL())
		}
	}, log)
}

// runNode runs the node until ctx ends, and calls ready when events flow. A second signal of the
// operator ends it without waiting for the sockets.
func runNode(ctx context.Context, n *node.Node, at *node.Listeners, ready func(), log *slog.Logger) error {
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx, at) }()
	select {
	case <-n.Ready():
		ready()
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: saying goodbye to sockets")
	hurry, release := hurried(ctx)
	defer release()
	select {
	case err := <-done:
		return err
	case <-hurry.Done():
		return nil // the end of the process closes what is still open
	}
}

// readyDatabase waits for the database on every address that the configuration names, and brings it
// up to date, or checks that it is where o.migrate is false.
func readyDatabase(ctx context.Context, c *config.Config, o serveOptions, log *slog.Logger) error {
	ways := []config.DSN{c.Database.URL, c.Database.Direct()}
	if o.migrate {
		ways = append(ways, c.Database.Migrate())
	}
	for _, dsn := range slices.Compact(ways) {
		if err := node.AwaitDatabase(ctx, dsn, o.wait, log); err != nil {
			return err
		}
	}
	if !o.migrate {
		return node.RequireMigrated(ctx, c)
	}
	return node.Migrate(ctx, c, false, log)
}

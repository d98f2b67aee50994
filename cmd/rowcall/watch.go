package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
	"rowcall/cmd/internal/watch"
	"rowcall/config"
)

// watchOptions are the flags of watch alone.
type watchOptions struct {
	topic                string
	public, detach, json bool
	wait                 time.Duration
}

func (p *program) watch() *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use:   "watch TABLE...",
		Short: "Make tables live at once, and show their changes here and on a page",
		Long: "Watch needs no configuration file. It installs schema rowcall where it is not there, gives each table a function\n" +
			"and two triggers, serves on a free port of this machine, and prints the address of the live page. The code in that\n" +
			"address works once, within ten minutes. Changes of rows are printed here, one line each, until Ctrl-C.\n" +
			"\n" +
			"Tables are named as in SQL: orders, sales.orders, '\"Order Items\"', or sales.* for all tables of a schema.\n" +
			"The database is that of --database-url, ROWCALL_DATABASE_URL, DATABASE_URL, or of PGHOST and the like.",
		Example: "  rowcall watch orders\n  rowcall watch orders customers --detach\n  rowcall watch orders --topic 'orders/{customer_id}'\n  rowcall watch --detach     # removes what earlier watches have left",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !o.detach {
				return errors.New("name the tables to watch, such as rowcall watch orders, or all of a schema: rowcall watch 'public.*'")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error { return p.runWatch(cmd, names, o) },
	}
	cmd.Flags().StringVar(&o.topic, "topic", "", "`pattern` of the topics of the only table, such as orders/{customer_id}; by default the table's name")
	cmd.Flags().BoolVar(&o.public, "public", false, "let everybody on this machine read the tables, without the code")
	cmd.Flags().BoolVar(&o.detach, "detach", false, "at the end remove what rowcall watch has made; without a table, do only that")
	cmd.Flags().BoolVar(&o.json, "json", false, "print changes as JSON, one object a line")
	addWait(cmd, &o.wait)
	return cmd
}

// runWatch follows tables until ctx ends, or whoever reads standard output has gone. With o.detach it then removes what it
// has made.
func (p *program) runWatch(cmd *cobra.Command, names []string, o watchOptions) error {
	c, log, err := p.watchSettings(cmd)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE) // a closed pipe is an error of a write then, and does not kill
	defer signal.Reset(syscall.SIGPIPE)
	ctx := cmd.Context()
	for _, dsn := range []config.DSN{c.Database.URL, c.Database.Migrate()} {
		if err := node.AwaitDatabase(ctx, dsn, o.wait, log); err != nil {
			return err
		}
	}
	w, err := watch.Open(ctx, c, watch.Options{Topic: o.topic, Public: o.public, JSON: o.json, Lookup: p.environment, Out: p.stdout, Note: p.note})
	if err != nil {
		return err
	}
	defer w.Close()
	if len(names) > 0 {
		err = p.followTables(ctx, c, w, names)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	if o.detach && (len(names) == 0 || w.Began()) {
		hurry, release := hurried(ctx)
		defer release()
		detachErr := w.Detach(hurry)
		if detachErr != nil && hurry.Err() != nil {
			detachErr = errors.New("stopped before everything was removed: rowcall watch --detach removes the rest")
		}
		return errors.Join(err, detachErr)
	}
	if w.Began() {
		p.note("The triggers stay: rowcall watch --detach removes them.")
	}
	return err
}

// watchSettings returns the settings of the node.
func (p *program) watchSettings(cmd *cobra.Command) (*config.Config, *slog.Logger, error) {
	given, log, err := p.settings(cmd, nil)
	if err != nil {
		return nil, nil, err
	}
	addr := ""
	if cmd.Flags().Changed("addr") || p.environment["ROWCALL_HTTP_ADDR"] != "" {
		addr = given.HTTP.Addr // not that of a file, where another node serves
	}
	given.Database.URL = p.watchDatabase(given.Database.URL)
	c, err := watch.Settings(given, addr)
	return c, log, err
}

// watchDatabase returns the connection string of the database: the configured one, or that of DATABASE_URL, or one that
// leaves everything to PGHOST and the other variables that psql knows.
func (p *program) watchDatabase(configured config.DSN) config.DSN {
	found := cmp.Or(configured, config.DSN(p.environment["DATABASE_URL"]))
	for _, name := range []string{"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"} {
		if found == "" && p.environment[name] != "" {
			found = "postgres://"
		}
	}
	return found
}

// followTables makes tables live, serves them, and prints their changes.
func (p *program) followTables(ctx context.Context, c *config.Config, w *watch.Watch, names []string) error {
	quiet := *c
	quiet.LogLevel += slog.LevelWarn - slog.LevelInfo // show warnings only: the terminal is for rows
	log := p.logger(&quiet)
	at, err := node.OpenListeners(ctx, c, log)
	if err != nil {
		return err
	}
	defer at.Close()
	n, err := w.Prepare(ctx, names, log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	err = runNode(ctx, n, at, func() { w.Start(ctx, stop, at.PagesURL(c.HTTP)) }, log)
	w.Wait()
	return err
}

// note prints a line for the person in front of the terminal. Standard output of watch is for changes alone, which another
// program may read.
func (p *program) note(line string) { _, _ = fmt.Fprintln(p.stderr, line) }

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"rowcall/config"
)

// program is what all commands share.
type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
}

// run is the whole program. It returns nil after ctx has ended and everything has stopped; any
// other error is one sentence for the operator.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	p := &program{getenv, stdout, stderr}
	root := p.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "rowcall",
		Short:         "Committed row changes in PostgreSQL, as real-time events for the people entitled to see them",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	config.AddFlags(root.PersistentFlags())
	root.AddCommand(p.demo(), p.init(), p.serve(), p.migrate(), p.version())
	return root
}

// settings loads the configuration of a command and makes its logger. fallback is the YAML that
// counts when no file is named.
func (p *program) settings(cmd *cobra.Command, fallback []byte) (*config.Config, *slog.Logger, error) {
	c, err := config.Load(config.Sources{Flags: cmd.Flags(), Getenv: p.getenv, Default: fallback})
	if err != nil {
		return nil, nil, err
	}
	return c, p.logger(c), nil
}

// logger returns a logger to stderr: stdout is for the output of a command.
func (p *program) logger(c *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, options))
	}
	return slog.New(slog.NewTextHandler(p.stderr, options))
}

// say prints a line of a command's output. It ignores errors: a closed terminal is no reason to
// stop.
func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stdout, format+"\n", args...)
}

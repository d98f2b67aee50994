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

// program is what every command has in common.
type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
}

// run is the whole program. It returns when ctx ends, after an orderly stop, and then nil; any
// other error is one sentence for the person at the terminal.
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
	root.AddCommand(p.demo(), p.serve(), p.migrate(), p.version())
	return root
}

// settings loads the configuration of a command, and makes the logger it asks for. fallback is the
// YAML to go by when no file is named.
func (p *program) settings(cmd *cobra.Command, fallback []byte) (*config.Config, *slog.Logger, error) {
	c, err := config.Load(config.Sources{Flags: cmd.Flags(), Getenv: p.getenv, Default: fallback})
	if err != nil {
		return nil, nil, err
	}
	return c, p.logger(c), nil
}

// logger writes to stderr: stdout is for what a command was asked to print.
func (p *program) logger(c *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, options))
	}
	return slog.New(slog.NewTextHandler(p.stderr, options))
}

// say prints lines of a command's output. A terminal that is gone is no reason to stop.
func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stdout, format+"\n", args...)
}

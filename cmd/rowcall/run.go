package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"rowcall/config"
)

// program is what all commands share.
type program struct {
	environment    map[string]string
	stdout, stderr io.Writer
}

// run is the whole program. The environment holds entries of the form NAME=value. run returns nil after
// ctx has ended and everything has stopped; any other error is one sentence for the operator.
func run(ctx context.Context, args, environment []string, stdout, stderr io.Writer) error {
	p := &program{map[string]string{}, stdout, stderr}
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		p.environment[name] = value
	}
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
	root.Version = buildVersion()
	root.SetVersionTemplate("rowcall {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; %s --help lists the flags", err, cmd.CommandPath())
	})
	root.Args = knownCommand
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.CompletionOptions.HiddenDefaultCmd = true
	config.AddFlags(root.PersistentFlags())
	root.AddCommand(p.demo(), p.init(), p.serve(), p.migrate(), p.doctor(), p.explain(), p.grants(), p.newHistory(), p.plan(), p.apply(), p.watch(), p.gen(), p.uninstall(), p.version())
	return root
}

// knownCommand refuses a command that does not exist, and names those with a similar name.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	similar := ""
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		similar = "did you mean " + strings.Join(names, " or ") + "? "
	}
	return fmt.Errorf("there is no command %q; %srowcall --help lists the commands", args[0], similar)
}

// noArguments refuses arguments that are no flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes flags only, not %q; %[1]s --help lists the flags", cmd.CommandPath(), args[0])
}

// settings loads the configuration of a command and makes its logger. fallback is the YAML that
// counts when no file is named.
func (p *program) settings(cmd *cobra.Command, fallback []byte) (*config.Config, *slog.Logger, error) {
	c, err := config.Load(config.Sources{Flags: cmd.Flags(), Environment: p.environment, Default: fallback})
	if err != nil {
		return nil, nil, err
	}
	log := p.logger(c)
	for _, name := range config.UnknownVariables(p.environment) {
		log.Warn("environment variable sets nothing: there is no such setting", "name", name, "nearest", config.NearestVariable(name))
	}
	return c, log, nil
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

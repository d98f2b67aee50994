package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/firstconfig"
	"rowcall/cmd/internal/node"
	"rowcall/config"
)

// stdoutName is the name of a file that stands for stdout.
const stdoutName = "-"

// initOptions are the flags of init alone.
type initOptions struct {
	output  string
	origins []string
}

func (p *program) init() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first configuration file for an existing database",
		Long: "Init looks at the database of --database-url or ROWCALL_DATABASE_URL, and writes a configuration file\n" +
			"with comments: the table of users that it found, or that there is none, who may connect, and examples\n" +
			"of tokens, declared tables and topics. It changes nothing in the database, and replaces no file. The tables of the\n" +
			"example applications are not part of it.",
		Example: "  rowcall init --database-url postgres://me@localhost/shop\n  rowcall plan --config rowcall.yaml\n  rowcall serve --config rowcall.yaml",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.initSettings(cmd, o)
			if err != nil {
				return err
			}
			return p.runInit(cmd.Context(), c, o)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "rowcall.yaml", "`file` to write; - is standard output")
	cmd.Flags().StringArrayVar(&o.origins, "origin", nil, "`origin` of a page that may connect, such as https://app.example.org; may be given several times")
	return cmd
}

// initSettings loads the settings that flags and the environment give. A configuration file is what
// init writes, so none is read.
func (p *program) initSettings(cmd *cobra.Command, o initOptions) (*config.Config, error) {
	if cmd.Flags().Changed("config") {
		return nil, errors.New("--config names a file to read: name the file that init writes with --output")
	}
	if err := refuseExisting(o.output); err != nil {
		return nil, err
	}
	withoutFile := maps.Clone(p.environment)
	delete(withoutFile, "ROWCALL_CONFIG")
	return config.Load(config.Sources{Flags: cmd.Flags(), Environment: withoutFile})
}

func (p *program) runInit(ctx context.Context, c *config.Config, o initOptions) error {
	conn, err := node.Connect(ctx, c.Database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	found, err := firstconfig.Read(ctx, conn)
	if err != nil {
		return err
	}
	text, err := found.File(firstconfig.Options{
		Addr: c.HTTP.Addr, Plain: c.HTTP.Plain, Origins: append(c.HTTP.Origins, o.origins...),
		Migrates: c.Database.Migrate() == c.Database.URL,
	})
	if err != nil {
		return err
	}
	if o.output == stdoutName {
		_, err := p.stdout.Write(text)
		return err
	}
	if err := writeNew(o.output, text); err != nil {
		return err
	}
	p.say("%s is written. %s", o.output, found.Summary())
	p.sayNextSteps(o.output, found.Examples())
	return nil
}

// sayNextSteps says what to do with a new configuration file.
func (p *program) sayNextSteps(file string, examples int) {
	if examples > 0 {
		p.say("Read it through. Tables that can be declared are in it as examples (tables): %d. Take the # away from those whose changes you want. Then:", examples)
	} else {
		p.say("Read it through, and declare the tables whose changes you want (tables). Then:")
	}
	p.say("  rowcall plan --config %s     # prints what makes the tables live; changes nothing", file)
	p.say("  rowcall apply --config %s    # does it", file)
	p.say("  rowcall serve --config %s    # starts a node", file)
}

// refuseExisting returns an error if there is a file of this name.
func refuseExisting(name string) error {
	if name == stdoutName {
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s is there already: move it away, or name another file with --output", name)
	}
	return nil
}

// writeNew writes a file that must not exist. It leaves no file that is half written.
func writeNew(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return refuseExisting(name)
	}
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(name)
		return fmt.Errorf("writing the configuration: %w", err)
	}
	return nil
}

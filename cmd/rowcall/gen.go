package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
	"rowcall/cmd/internal/typescript"
)

// genDrift is the exit status of gen ts --check where the file is not up to date.
const genDrift = 2

// genOptions are the flags of gen ts alone.
type genOptions struct {
	check, output string
	wait          time.Duration
}

func (p *program) gen() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gen",
		Short: "Write code for programs that follow the topics of a configuration",
		Args:  knownLanguage,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.genTS())
	return cmd
}

// knownLanguage refuses a language that there is no code for.
func knownLanguage(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("there is no code for %q: the only command is rowcall gen ts", args[0])
}

func (p *program) genTS() *cobra.Command {
	var o genOptions
	cmd := &cobra.Command{
		Use:   "ts",
		Short: "Print the types of all topics for the npm package",
		Long: "Gen ts prints a file of TypeScript with the rows, keys and events of all topics of the configuration, for the npm\n" +
			"package rowcall. It reads the catalog of the database and changes nothing. Equal declarations and catalogs give equal\n" +
			"files. With --check it prints what differs from a file: the exit status is 0 if nothing does, 2 if something does, and\n" +
			"1 after an error.",
		Example: "  rowcall gen ts --config rowcall.yaml --output src/rowcall.ts\n  rowcall gen ts --config rowcall.yaml --check src/rowcall.ts",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.runGenTS(cmd, o) },
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", stdoutName, "`file` to write or replace; - is standard output")
	cmd.Flags().StringVar(&o.check, "check", "", "`file` to compare with; nothing is written")
	cmd.MarkFlagsMutuallyExclusive("output", "check")
	addWait(cmd, &o.wait)
	return cmd
}

func (p *program) runGenTS(cmd *cobra.Command, o genOptions) error {
	c, log, err := p.settings(cmd, nil)
	if err != nil {
		return err
	}
	if len(c.Tables) == 0 && len(c.Topics) == 0 {
		return errors.New("the configuration has no topics: name a file with --config, and declare tables or topics in it")
	}
	if err := node.AwaitDatabase(cmd.Context(), c.Database.URL, o.wait, log); err != nil {
		return err
	}
	model, err := node.DescribeTopics(cmd.Context(), c, log)
	if err != nil {
		return err
	}
	text := model.File()
	switch {
	case o.check != "":
		return p.checkTypes(o.check, text)
	case o.output != stdoutName:
		return replaceFile(o.output, text)
	}
	_, err = p.stdout.Write([]byte(text))
	return err
}

// checkTypes compares a file with what it should hold, and prints what differs. Line breaks of either form are the same.
func (p *program) checkTypes(name, want string) error {
	there, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there: write it with rowcall gen ts --output %[1]s", name)
	}
	if err != nil {
		return fmt.Errorf("reading the file to check: %w", err)
	}
	difference := typescript.Difference(strings.ReplaceAll(string(there), "\r\n", "\n"), want)
	if difference == "" {
		p.say("%s is up to date.", name)
		return nil
	}
	p.say("%s is not what the configuration and the database say (- in the file, + as it should be):\n%s", name, difference)
	p.say("Write it again with rowcall gen ts --output %s", name)
	return exitStatus{code: genDrift}
}

// replaceFile writes a file as a whole: a reader never finds half of it.
func replaceFile(name, text string) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("writing the types: %w", err)
	}
	_, err = temporary.WriteString(text)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("writing the types: %w", err)
	}
	return nil
}

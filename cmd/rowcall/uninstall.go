package main

import (
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
	"rowcall/config"
)

func (p *program) uninstall() *cobra.Command {
	var yes bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove every object of Rowcall from a database",
		Long: "Uninstall prints the SQL that removes triggers, functions, schema rowcall with the event log, grants,\n" +
			"roles that no other database uses, and the tables of the example applications where Rowcall has made\n" +
			"them. With --yes it runs that SQL. Stop all nodes before. Where nothing is left to remove, it does nothing.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.settings(cmd, nil)
			if err != nil {
				return err
			}
			if err := node.AwaitDatabase(cmd.Context(), c.Database.Migrate(), wait, log); err != nil {
				return err
			}
			if !yes {
				return p.printRemoval(cmd, c)
			}
			return p.runRemoval(cmd, c)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it; without this flag the SQL is only printed")
	addWait(cmd, &wait)
	return cmd
}

// nothingToRemove is what uninstall prints where Rowcall has left nothing.
const nothingToRemove = "-- nothing of Rowcall is in this database"

// runRemoval removes Rowcall, and prints each statement when it has run.
func (p *program) runRemoval(cmd *cobra.Command, c *config.Config) error {
	nothing := true
	err := node.Uninstall(cmd.Context(), c, func(statement string, stays error) {
		nothing = false
		if stays != nil {
			p.say("-- stays: %v", stays)
			return
		}
		p.say("%s;", statement)
	})
	if err == nil && nothing {
		p.say(nothingToRemove)
	}
	return err
}

// printRemoval prints what uninstall would do.
func (p *program) printRemoval(cmd *cobra.Command, c *config.Config) error {
	r, err := node.PlanRemoval(cmd.Context(), c)
	if err != nil {
		return err
	}
	for _, obstacle := range r.Obstacles {
		p.say("-- first: %s", obstacle)
	}
	for _, statement := range r.Statements {
		p.say("%s;", statement)
	}
	for _, kept := range r.Kept {
		p.say("-- %s", kept)
	}
	switch {
	case len(r.Obstacles) > 0:
		p.say(`-- nothing was changed. rowcall uninstall --yes refuses until what is named under "first" is changed`)
	case len(r.Statements) == 0:
		p.say(nothingToRemove)
	default:
		p.say("-- nothing was changed: rowcall uninstall --yes runs this")
	}
	return nil
}

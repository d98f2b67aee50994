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
			return node.Uninstall(cmd.Context(), c, func(statement string, stays error) {
				if stays != nil {
					p.say("-- stays: %v", stays)
					return
				}
				p.say("%s;", statement)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it; without this flag the SQL is only printed")
	addWait(cmd, &wait)
	return cmd
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
	if len(r.Statements) == 0 {
		p.say("-- nothing of Rowcall is in this database")
		return nil
	}
	p.say("-- nothing was changed: rowcall uninstall --yes runs this")
	return nil
}

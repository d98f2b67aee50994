package main

import (
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/triggers/tables"
)

func (p *program) uninstall() *cobra.Command {
	var yes, cascade bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove every object of Rowcall from a database",
		Long: "Uninstall prints the SQL that removes triggers, functions, schema rowcall with the event log, grants,\n" +
			"roles that no other database uses, and the tables of the example applications where Rowcall has made\n" +
			"them. With --yes it runs that SQL. Stop all nodes before. Where nothing is left to remove, it does nothing.\n\n" +
			"It refuses while something of yours depends on schema rowcall and would be dropped with it, such as a view, a\n" +
			"column of a type of Rowcall's or a trigger with a condition, and lists it. With --cascade that is dropped too.",
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
				return p.printRemoval(cmd, c, cascade)
			}
			return p.runRemoval(cmd, c, cascade)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it; without this flag the SQL is only printed")
	cmd.Flags().BoolVar(&cascade, "cascade", false, "drop also what is not Rowcall's and depends on schema rowcall")
	addWait(cmd, &wait)
	return cmd
}

// nothingToRemove is what uninstall prints where Rowcall has left nothing.
const nothingToRemove = "-- nothing of Rowcall is in this database"

// runRemoval removes Rowcall, and prints each statement when it has run.
func (p *program) runRemoval(cmd *cobra.Command, c *config.Config, cascade bool) error {
	nothing := true
	err := node.Uninstall(cmd.Context(), c, cascade, func(statement string, stays error) {
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
func (p *program) printRemoval(cmd *cobra.Command, c *config.Config, cascade bool) error {
	r, err := node.PlanRemoval(cmd.Context(), c)
	if err != nil {
		return err
	}
	for _, obstacle := range r.Obstacles {
		p.say("-- first: %s", obstacle)
	}
	for _, dependent := range r.Dependents {
		if cascade {
			p.say("-- drops too: %s", dependent)
		} else {
			p.say("-- first: %s", tables.DependentNote(dependent))
		}
	}
	for _, statement := range r.Statements {
		p.say("%s;", statement)
	}
	for _, kept := range r.Kept {
		p.say("-- %s", kept)
	}
	switch {
	case r.Refusal(cascade) != nil:
		p.say(`-- nothing was changed. rowcall uninstall --yes refuses until what is named under "first" is changed`)
	case len(r.Statements) == 0:
		p.say(nothingToRemove)
	default:
		p.say("-- nothing was changed: rowcall uninstall --yes runs this")
	}
	return nil
}

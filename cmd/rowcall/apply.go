package main

import (
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
	"rowcall/triggers/tables"
)

// applyOptions are the flags of apply alone.
type applyOptions struct {
	json, prune bool
	wait        time.Duration
}

func (p *program) apply() *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Make the tables that the configuration declares live",
		Long: "Apply installs or updates schema rowcall, and gives each declared table its function and its triggers.\n" +
			"It may be run at any time: what is right already is left alone, and a writer waits 100 ms for it at most.\n" +
			"rowcall plan prints what it would do.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runApply(cmd, o) },
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.prune, "prune", false, "also drop the triggers of tables that are not declared any more")
	addWait(cmd, &o.wait)
	return cmd
}

func (p *program) runApply(cmd *cobra.Command, o applyOptions) error {
	c, log, err := p.settings(cmd, nil)
	if err != nil {
		return err
	}
	if err := node.AwaitDatabase(cmd.Context(), c.Database.Migrate(), o.wait, log); err != nil {
		return err
	}
	made := []tables.Change{}
	progress := node.ApplyProgress{
		Waits: func(change tables.Change) {
			log.Info("waiting for a moment in which nobody holds the table", "table", change.Table)
		},
		Done: func(change tables.Change) {
			made = append(made, change)
			for _, what := range change.What {
				if !o.json {
					p.say("%s: done: %s", change.Table, what)
				}
			}
		},
	}
	err = node.ApplyTables(cmd.Context(), c, o.prune, progress, log)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(p.stdout, map[string][]tables.Change{"changes": made})
	}
	if len(made) == 0 {
		p.say("Nothing to change: the database is as declared.")
	}
	return nil
}

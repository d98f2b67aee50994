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
	c, log, err := p.tablesSettings(cmd, o.prune)
	if err != nil {
		return err
	}
	if err := node.AwaitDatabase(cmd.Context(), c.Database.Migrate(), o.wait, log); err != nil {
		return err
	}
	if p.configFile(cmd) == "" {
		p.sayUnlessJSON(o, noConfigFile+".")
	}
	done := applied{Changes: []tables.Change{}}
	progress := node.ApplyProgress{
		Migrated: func() {
			done.Migrated = true
			p.sayUnlessJSON(o, "Schema rowcall was installed or brought up to date.")
		},
		Waits: func(change tables.Change) { log.Info(node.WaitsForLock, "table", change.Table) },
		Done: func(change tables.Change) {
			done.Changes = append(done.Changes, change)
			for _, d := range change.Differences {
				p.sayUnlessJSON(o, change.Table+": "+d.Done())
			}
		},
	}
	if err := node.ApplyTables(cmd.Context(), c, o.prune, progress, log); err != nil {
		return err
	}
	if o.json {
		return writeJSON(p.stdout, done)
	}
	p.sayUnchanged(done)
	return nil
}

// applied is what apply has done, as it prints it with --json.
type applied struct {
	Migrated bool            `json:"migrated"` // schema rowcall was installed or brought up to date
	Changes  []tables.Change `json:"changes"`
}

// sayUnchanged says that no table had to be changed, if that is so.
func (p *program) sayUnchanged(done applied) {
	switch {
	case len(done.Changes) > 0:
	case done.Migrated:
		p.say("The declared tables needed no change.")
	default:
		p.say("Nothing to change: the database is as declared.")
	}
}

// sayUnlessJSON prints a line where the output of apply is words.
func (p *program) sayUnlessJSON(o applyOptions, line string) {
	if !o.json {
		p.say("%s", line)
	}
}

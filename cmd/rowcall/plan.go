package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/triggers/tables"
)

// planChanges is the exit status of a plan with changes.
const planChanges = 2

// planOptions are the flags of plan alone.
type planOptions struct {
	json, prune bool
	wait        time.Duration
}

func (p *program) plan() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Print what apply would change, in words and as SQL",
		Long: "Plan compares the database with the tables that the configuration declares. It changes nothing. The exit\n" +
			"status is 0 if there is nothing to change, 2 if there is, and 1 after an error.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runPlan(cmd, o) },
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.prune, "prune", false, "also what apply --prune would remove: tables that are not declared any more")
	addWait(cmd, &o.wait)
	return cmd
}

func (p *program) runPlan(cmd *cobra.Command, o planOptions) error {
	c, log, err := p.tablesSettings(cmd, o.prune)
	if err != nil {
		return err
	}
	if err := node.AwaitDatabase(cmd.Context(), c.Database.Migrate(), o.wait, log); err != nil {
		return err
	}
	plan, err := node.PlanTables(cmd.Context(), c)
	if err != nil {
		return err
	}
	if o.prune {
		plan.Changes = plan.Prune()
	}
	if p.configFile(cmd) == "" {
		plan.Notes = append(plan.Notes, noConfigFile)
	}
	if o.json {
		err = writeJSON(p.stdout, plan)
	} else {
		p.printPlan(plan)
	}
	if err == nil && !plan.Empty() {
		return exitStatus{code: planChanges}
	}
	return err
}

// noConfigFile is said where plan and apply read no configuration file, and so know of no declared table.
const noConfigFile = "No configuration file was read: name it with --config rowcall.yaml"

// tablesSettings loads the configuration of plan and apply. It refuses to prune without a configuration file.
func (p *program) tablesSettings(cmd *cobra.Command, prune bool) (*config.Config, *slog.Logger, error) {
	if prune && p.configFile(cmd) == "" {
		return nil, nil, errors.New("--prune needs a configuration: name it with --config or ROWCALL_CONFIG, because every table that it does not declare loses its triggers")
	}
	return p.settings(cmd, nil)
}

// configFile returns the name of the configuration file; empty if none is named.
func (p *program) configFile(cmd *cobra.Command) string {
	return config.Sources{Flags: cmd.Flags(), Environment: p.environment}.Path()
}

// printPlan prints a plan so that the whole of it is SQL: words are comments.
func (p *program) printPlan(plan node.TablePlan) {
	if plan.Migrate {
		p.say("-- Schema rowcall is not there, or not up to date: apply installs it, as rowcall migrate does.\n")
	}
	for _, c := range plan.Changes.Changes {
		p.printWhat(c)
		for _, step := range c.Steps {
			p.say("BEGIN;")
			for _, statement := range step {
				p.say("%s;", statement)
			}
			p.say("COMMIT;\n")
		}
	}
	for _, note := range plan.Notes {
		p.say("-- Note: %s.", note)
	}
	for _, c := range plan.Undeclared {
		if c.Has(tables.LiveByWatch) {
			p.say("-- %s was made live by rowcall watch: rowcall watch --detach removes that.", c.Table)
			continue
		}
		p.say("-- %s is not declared any more: rowcall apply --prune drops its triggers.", c.Table)
	}
	if plan.Empty() {
		p.say("-- Nothing to change: the database is as declared.")
	}
}

// printWhat prints what a change is for, as comments.
func (p *program) printWhat(c tables.Change) {
	for _, what := range c.What() {
		p.say("-- %s %s.", c.Table, what)
	}
	switch {
	case c.Reset != "" && c.Has(tables.NotLive):
		p.say("-- Followers that it had before are told to read their state again (reset, reason %s).", c.Reset)
	case c.Reset != "":
		p.say("-- Its followers are told to read their state again (reset, reason %s).", c.Reset)
	}
}

// writeJSON prints a value as indented JSON.
func writeJSON(to io.Writer, value any) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

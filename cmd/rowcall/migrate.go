package main

import (
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
)

func (p *program) migrate() *cobra.Command {
	var samples bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring a database's schema and triggers up to date",
		Long: "Migrate creates or updates the schema rowcall and its functions, and the tables and triggers\n" +
			"of the four example applications where the configuration says apps: true.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.settings(cmd, nil)
			if err != nil {
				return err
			}
			if err := node.AwaitDatabase(cmd.Context(), c.Database.Migrate(), wait, log); err != nil {
				return err
			}
			return node.Migrate(cmd.Context(), c, samples, log)
		},
	}
	cmd.Flags().BoolVar(&samples, "samples", false, "load the sample rows of the example applications, where there are none")
	addWait(cmd, &wait)
	return cmd
}

// addWait adds the flag for the patience of node.AwaitDatabase.
func addWait(cmd *cobra.Command, wait *time.Duration) {
	cmd.Flags().DurationVar(wait, "wait", time.Minute, "how long to try a database that cannot be reached")
}

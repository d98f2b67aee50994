package main

import (
	"time"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/node"
)

func (p *program) newHistory() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "new-history",
		Short: "Make every client read its state again, after files of an earlier state were put back",
		Long: "New-history begins a new history of the event log: every client gets a reset and reads its state\n" +
			"again. Run it after the files of an earlier state of the database were put in place, once the server\n" +
			"is up, because the database itself cannot notice that. Rowcall notices other restores itself.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.settings(cmd, nil)
			if err != nil {
				return err
			}
			if err := node.AwaitDatabase(cmd.Context(), c.Database.Direct(), wait, log); err != nil {
				return err
			}
			epoch, err := node.NewHistory(cmd.Context(), c)
			if err != nil {
				return err
			}
			p.say("A new history has begun: epoch %s", epoch)
			return nil
		},
	}
	addWait(cmd, &wait)
	return cmd
}

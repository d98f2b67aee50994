package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/explain"
)

// notReceived is the exit status of explain if the user does not receive the event.
const notReceived = 2

func (p *program) explain() *cobra.Command {
	var user string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain EVENT --for USER",
		Short: "Say why a user receives an event, or does not",
		Long: "Explain looks an event up in the log, and says line by line what lets a user receive it or keeps it from the\n" +
			"user: whether it was filed, whether its topic is listed, what access says now, which access events were filed\n" +
			"since, and for which role the event is. It changes nothing, and connects as the role that serves.\n\n" +
			"EVENT is the id of an event, as in its frame, or the cursor of its frame. USER is the id of a user; with\n" +
			"--for \"\" it is an anonymous user.\n\n" +
			"The exit status is 0 if the user receives the event, 2 if not, and 1 if the question could not be answered.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%s needs the id of one event, and --for with the id of a user; %[1]s --help tells more", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("for") {
				return errors.New(`say whose event it is about: --for with the id of a user, or --for "" for an anonymous user`)
			}
			c, _, err := p.settings(cmd, nil)
			if err != nil {
				return err
			}
			answer, err := explain.Why(cmd.Context(), c, args[0], user)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(p.stdout, answer)
			} else {
				p.printAnswer(answer)
			}
			if err == nil && !answer.Receives {
				return exitStatus{code: notReceived}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&user, "for", "", "the id of the user")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printAnswer prints a line for each fact, and the verdict.
func (p *program) printAnswer(a explain.Answer) {
	for _, line := range a.Lines {
		mark := "-"
		if line.Ok != nil {
			mark = map[bool]string{true: "yes", false: "no"}[*line.Ok]
		}
		p.say("%-4s %-10s %s", mark, line.About, line.Text)
	}
	who := "The user " + a.User
	if a.User == "" {
		who = "An anonymous user"
	}
	if a.Receives {
		p.say("%s receives the event.", who)
	} else {
		p.say("%s does not receive the event.", who)
	}
}

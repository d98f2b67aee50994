package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"rowcall/cmd/internal/doctor"
	"rowcall/config"
)

// The statuses that doctor ends with.
const (
	doctorWarnings = 1
	doctorErrors   = 2
	doctorBlind    = 3 // it could not look
)

// doctorOptions are the flags of doctor alone.
type doctorOptions struct {
	fix  bool
	json bool
}

func (p *program) doctor() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what makes events missing, late or wrong, and say how to repair it",
		Long: "Doctor looks at the server, the database and the configuration, and names each thing that makes events\n" +
			"missing, late or wrong, with the SQL, the command or the setting that repairs it. It changes nothing\n" +
			"unless --fix is given, and its locks hold up no writer. A role with few rights will do: doctor says what\n" +
			"that role may not see.\n\n" +
			"It ends with 0 if nothing is wrong, 1 after warnings, 2 after errors, and 3 if it could not look.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.settings(cmd, nil)
			if err != nil {
				return exitStatus{doctorBlind, err}
			}
			report := doctorReport{}
			if report.Findings, err = doctor.Examine(cmd.Context(), c, doctor.Options{}); err != nil {
				return p.cannotLook(cmd.Context(), o, err)
			}
			if o.fix {
				if report.Fixed, err = doctor.Fix(cmd.Context(), c, report.Findings, log); err != nil {
					return p.cannotLook(cmd.Context(), o, err)
				}
				if report.Findings, err = p.examineAgain(cmd.Context(), c, report); err != nil {
					return p.cannotLook(cmd.Context(), o, err)
				}
			}
			return p.tellFindings(report, o)
		},
	}
	cmd.Flags().BoolVar(&o.fix, "fix", false, "repair what needs no decision, and say what was done")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the findings as JSON")
	return cmd
}

// doctorReport is what doctor prints as JSON.
type doctorReport struct {
	Findings []doctor.Finding `json:"findings"`
	Fixed    []string         `json:"fixed,omitempty"` // what --fix did, or could not do
	Error    string           `json:"error,omitempty"` // why doctor could not look
}

// examineAgain returns what is left after repairs.
func (p *program) examineAgain(ctx context.Context, c *config.Config, before doctorReport) ([]doctor.Finding, error) {
	if len(before.Fixed) == 0 {
		return before.Findings, nil
	}
	return doctor.Examine(ctx, c, doctor.Options{})
}

// cannotLook ends doctor with a sentence. A Ctrl-C is no error.
func (p *program) cannotLook(ctx context.Context, o doctorOptions, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if o.json {
		if err := p.tellJSON(doctorReport{Error: err.Error()}); err != nil {
			return err
		}
	}
	return exitStatus{doctorBlind, err}
}

// tellFindings prints the report. The error holds the status of the process.
func (p *program) tellFindings(report doctorReport, o doctorOptions) error {
	if o.json {
		if err := p.tellJSON(report); err != nil {
			return err
		}
	} else {
		p.tellText(report)
	}
	switch doctor.Worst(report.Findings) {
	case doctor.Warning:
		return exitStatus{code: doctorWarnings}
	case doctor.Error:
		return exitStatus{code: doctorErrors}
	}
	return nil
}

func (p *program) tellJSON(report doctorReport) error {
	if report.Findings == nil {
		report.Findings = []doctor.Finding{}
	}
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(report)
}

func (p *program) tellText(report doctorReport) {
	for _, did := range report.Fixed {
		p.say("fixed: %s", did)
	}
	for _, f := range report.Findings {
		p.say("%s", strings.TrimSpace(string(f.Severity)+" "+f.Code+"  "+strings.TrimSpace(f.Table+" "+f.Object)))
		p.say("    %s", f.Message)
		if f.Remedy != "" {
			p.say("    remedy: %s", f.Remedy)
		}
	}
	if len(report.Findings) == 0 {
		p.say("Nothing was found that makes events missing, late or wrong.")
	}
}

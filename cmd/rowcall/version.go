package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  noArguments,
		Run: func(*cobra.Command, []string) {
			p.say("rowcall %s", buildVersion())
		},
	}
}

// buildVersion returns what the linker has noted: the module's version or the commit, and the
// compiler.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown origin"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "in development"
	}
	return version + ", built with " + info.GoVersion
}

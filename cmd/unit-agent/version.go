package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/uniter/runner"
)

// version is set by the linker in releases.
var version = ""

func agentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

func (p *program) versionCommand() *cobra.Command {
	var out formatFlag
	var all bool
	command := &cobra.Command{
		Use:     "version",
		GroupID: groupSee,
		Short:   "Show the version of this program",
		Example: `  unit-agent version
  unit-agent version --all --format json`,
		Args: cobra.NoArgs,
	}
	out.add(command, "tabular", "tabular", "json", "yaml")
	command.Flags().BoolVar(&all, "all", false, "show also what it was built with and what charms are told")
	command.RunE = func(*cobra.Command, []string) error {
		if !all {
			if out.name == "tabular" {
				fmt.Fprintln(p.stdout, agentVersion())
				return nil
			}
			return out.write(p.stdout, agentVersion(), nil)
		}
		shown := struct {
			Version     string `json:"version" yaml:"version"`
			JujuVersion string `json:"juju-version" yaml:"juju-version"`
			Go          string `json:"go" yaml:"go"`
			Platform    string `json:"platform" yaml:"platform"`
		}{agentVersion(), runner.JujuVersion, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
		if out.name == "tabular" {
			out.name = "yaml"
		}
		return out.write(p.stdout, shown, nil)
	}
	return command
}

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// completionShells are the shells that completion can be generated for.
var completionShells = map[string]func(root *cobra.Command, w io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
	"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
}

func (p *program) completionCommand() *cobra.Command {
	shells := slices.Sorted(maps.Keys(completionShells))
	return &cobra.Command{
		Use:     "completion SHELL",
		GroupID: groupHelp,
		Short:   "Print the script that completes commands in a shell",
		Long: `Print the script that has a shell complete commands, flags, and the names of units
and applications of this machine. SHELL is bash, fish, powershell or zsh.`,
		Example: `  source <(unit-agent completion bash)
  unit-agent completion bash >/etc/bash_completion.d/unit-agent
  unit-agent completion zsh >"${fpath[1]}/_unit-agent"
  unit-agent completion fish >~/.config/fish/completions/unit-agent.fish`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			generate, ok := completionShells[args[0]]
			if !ok {
				return usagef("unknown shell %q, expected one of %s", args[0], strings.Join(shells, ", "))
			}
			if err := generate(cmd.Root(), p.stdout); err != nil {
				return fmt.Errorf("cannot print the completion script: %w", err)
			}
			return nil
		},
	}
}

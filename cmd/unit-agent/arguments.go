package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usageArgs makes a usage error of a refusal of arguments, which says what the
// command takes.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		takes := strings.TrimSpace(cmd.Parent().CommandPath() + " " + cmd.Use)
		return usagef("got %s, expected '%s': see '%s --help'", countOf(len(args), "argument"), takes, cmd.CommandPath())
	}
}

func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// knownCommand refuses the first word of a command line that is no command.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if meant := root.SuggestionsFor(args[0]); len(meant) > 0 {
		return usagef("unknown command %q, did you mean '%s'? See '%s --help'", args[0], strings.Join(meant, "' or '"), root.Name())
	}
	return usagef("unknown command %q: see '%s --help'", args[0], root.Name())
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		GroupID: groupHelp,
		Short:   "Show help about a command",
		Example: `  unit-agent help
  unit-agent help deploy`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			for _, command := range cmd.Root().Commands() {
				if len(args) == 0 && !command.Hidden {
					names = append(names, cobra.CompletionWithDesc(command.Name(), command.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			command, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return knownCommand(cmd.Root(), args)
			}
			command.InitDefaultHelpFlag()
			return command.Help()
		},
	}
}

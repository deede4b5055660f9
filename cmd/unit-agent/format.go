package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

// formatFlag is the flag --format of a command that shows something.
type formatFlag struct {
	name    string
	allowed []string
}

var _ interface {
	Set(string) error
	String() string
	Type() string
} = (*formatFlag)(nil)

func (f *formatFlag) add(command *cobra.Command, standard string, allowed ...string) {
	f.name, f.allowed = standard, allowed
	command.Flags().Var(f, "format", strings.Join(allowed, ", ")+" (default "+standard+")")
	command.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
}

// Set is part of the interface of flags.
func (f *formatFlag) Set(name string) error {
	if !slices.Contains(f.allowed, name) {
		return fmt.Errorf("unknown format %q, expected one of %s", name, strings.Join(f.allowed, ", "))
	}
	f.name = name
	return nil
}

// String is part of the interface of flags. It is empty so that help does not
// print the default twice.
func (f *formatFlag) String() string { return "" }

// Type is part of the interface of flags.
func (f *formatFlag) Type() string { return "FORMAT" }

// separator is what stands between two values that are printed one after the
// other.
func (f *formatFlag) separator() string {
	switch f.name {
	case "json":
		return ""
	case "yaml":
		return "---\n"
	}
	return "\n"
}

// write prints value; tabular prints it for people.
func (f *formatFlag) write(w io.Writer, value any, tabular func(io.Writer) error) error {
	switch f.name {
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	case "yaml":
		encoder := yaml.NewEncoder(w)
		encoder.SetIndent(2)
		if err := encoder.Encode(value); err != nil {
			return err
		}
		return encoder.Close()
	}
	return tabular(w)
}

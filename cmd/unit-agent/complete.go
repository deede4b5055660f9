package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/uniter"
)

// What completion offers comes from the units that have a home in the data
// directory: to press a key must not start a store.

// completer is what cobra calls to complete an argument or a flag.
type completer = func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective)

// completeUnits offers units of this machine that are not given already, as many
// as the command takes; 0 means any number.
func (p *program) completeUnits(most int) completer {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return without(p.unitsToComplete(), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeApplications is completeUnits for applications.
func (p *program) completeApplications(most int) completer {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return without(p.applicationsToComplete(), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeAny offers applications and units.
func (p *program) completeAny(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return without(append(p.applicationsToComplete(), p.unitsToComplete()...), args), cobra.ShellCompDirectiveNoFileComp
}

// completeConfig offers an application, then the keys of its charm.
func (p *program) completeConfig(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return p.applicationsToComplete(), cobra.ShellCompDirectiveNoFileComp
	}
	var settings []cobra.Completion
	for _, key := range p.keysToComplete(args[0]) {
		settings = append(settings, key+"=")
	}
	return settings, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeKeys offers the keys of the charm of the application that is given.
func (p *program) completeKeys(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return p.keysToComplete(args[0]), cobra.ShellCompDirectiveNoFileComp
}

// unitsToComplete returns the units of this machine, or none if they cannot be
// told: completion has nowhere to say why.
func (p *program) unitsToComplete() []string {
	if p.prepare() != nil {
		return nil
	}
	units, err := p.localUnits(nil)
	if err != nil {
		return nil
	}
	return units
}

func (p *program) applicationsToComplete() []string {
	applications := map[string]bool{}
	for _, unit := range p.unitsToComplete() {
		application, _, _ := strings.Cut(unit, "/")
		applications[application] = true
	}
	return slices.Sorted(maps.Keys(applications))
}

func (p *program) keysToComplete(application string) []string {
	for _, unit := range p.unitsToComplete() {
		if !strings.HasPrefix(unit, application+"/") {
			continue
		}
		if read, err := charm.Read(uniter.HomeOf(p.dataDir, unit).CharmDir()); err == nil {
			return slices.Sorted(maps.Keys(read.Config.Options))
		}
	}
	return nil
}

func without(words, given []string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return slices.Contains(given, word) })
}

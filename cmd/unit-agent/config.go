package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/model"
)

func (p *program) configCommand() *cobra.Command {
	var reset []string
	var out formatFlag
	command := &cobra.Command{
		Use:     "config APPLICATION [KEY[=VALUE]...]",
		GroupID: groupModel,
		Short:   "Show or change the configuration of an application",
		Long: `Show the configuration of an application, or the value of one key; or set and
reset keys. Values are checked against what the charm declares, and either all
changes are made or none.`,
		Example: `  unit-agent config mysql
  unit-agent config mysql tuning
  unit-agent config mysql tuning=fast flavor=@flavor.txt
  unit-agent config mysql --reset tuning,flavor`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.completeConfig,
	}
	command.Flags().StringSliceVar(&reset, "reset", nil, "keys to set back to the charm's defaults")
	command.RegisterFlagCompletionFunc("reset", p.completeKeys)
	out.add(command, "yaml", "json", "yaml")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		application, keys := args[0], args[1:]
		if len(reset) == 0 && !anySetting(keys) {
			if len(keys) > 1 {
				return usagef("cannot show %d keys at once: name one or none", len(keys))
			}
			return p.with(cmd.Context(), func(s *session) error {
				view, err := s.ApplicationConfig(cmd.Context(), application)
				if err != nil {
					return err
				}
				if len(keys) == 1 {
					return p.showSetting(view, keys[0])
				}
				return out.write(p.stdout, describeConfig(view), nil)
			})
		}
		set, err := parseSettings(keys)
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(s *session) error {
			return s.SetConfig(cmd.Context(), application, set, reset)
		})
	}
	return command
}

func anySetting(words []string) bool {
	for _, word := range words {
		if strings.Contains(word, "=") {
			return true
		}
	}
	return false
}

func (p *program) showSetting(view model.ConfigView, key string) error {
	option, ok := view.Options[key]
	if !ok {
		return fmt.Errorf("application %q has no setting %q: see 'unit-agent config %s'", view.Application, key, view.Application)
	}
	if option.Value != nil {
		fmt.Fprintln(p.stdout, option.Value)
	}
	return nil
}

// shownConfig is an application's configuration with the keys that juju uses.
type shownConfig struct {
	Application string                 `json:"application" yaml:"application"`
	Charm       string                 `json:"charm" yaml:"charm"`
	Settings    map[string]shownOption `json:"settings" yaml:"settings"`
}

type shownOption struct {
	Default     any    `json:"default,omitempty" yaml:"default,omitempty"`
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
	Source      string `json:"source" yaml:"source"`
	Type        string `json:"type" yaml:"type"`
	Value       any    `json:"value,omitempty" yaml:"value,omitempty"`
}

func describeConfig(view model.ConfigView) shownConfig {
	shown := shownConfig{
		Application: view.Application,
		Charm:       view.Charm,
		Settings:    make(map[string]shownOption, len(view.Options)),
	}
	for name, option := range view.Options {
		shown.Settings[name] = shownOption{
			Default:     option.Default,
			Description: option.Description,
			Source:      option.Source,
			Type:        option.Type,
			Value:       option.Value,
		}
	}
	return shown
}

package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/model"
)

func (p *program) deployCommand() *cobra.Command {
	var units int
	var settings []string
	var to string
	var trust bool
	command := &cobra.Command{
		Use:     "deploy CHARM [APPLICATION]",
		GroupID: groupModel,
		Short:   "Add an application that runs a charm",
		Long: `Add an application to the model. CHARM is the path of a charm's directory; the
application is called what the charm is called unless another name is given. Its
units run on this machine, by 'unit-agent up', or on the machine given with --to.`,
		Example: `  unit-agent deploy ./mysql
  unit-agent deploy ./mysql database -n 2 --config tuning=fast`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := parseSettings(settings)
			if err != nil {
				return err
			}
			if units < 0 {
				return usagef("--num-units must not be negative, got %d", units)
			}
			deployment := deployment{charm: args[0], units: units, config: config, machine: to, trust: trust}
			if len(args) == 2 {
				deployment.application = args[1]
			}
			return p.with(cmd.Context(), func(s *session) error {
				added, err := p.deploy(cmd.Context(), s, deployment)
				if err != nil {
					return err
				}
				fmt.Fprintf(p.stderr, "Deployed %s: %s\n", added.application, listOr(added.units, "no units yet"))
				return nil
			})
		},
	}
	flags := command.Flags()
	flags.IntVarP(&units, "num-units", "n", 1, "number of units")
	flags.StringArrayVar(&settings, "config", nil, "setting of the charm as KEY=VALUE, or KEY=@FILE for a file's content; may be repeated")
	flags.StringVar(&to, "to", "", "id of the machine to place the units on (default this one)")
	flags.BoolVar(&trust, "trust", false, "let the charm use the machine's credentials")
	return command
}

// deployment is an application to be.
type deployment struct {
	charm       string
	application string
	units       int
	config      map[string]string
	machine     string
	trust       bool
}

type deployed struct {
	application string
	units       []string
}

// deploy adds an application to the model.
func (p *program) deploy(ctx context.Context, s *session, d deployment) (deployed, error) {
	if !strings.ContainsAny(d.charm, "/") {
		if _, err := os.Stat(d.charm); err != nil {
			return deployed{}, fmt.Errorf("cannot find the charm %q: there is no store of charms to fetch it from; give the path of its directory", d.charm)
		}
	}
	kept, err := p.keepCharm(d.charm)
	if err != nil {
		return deployed{}, err
	}
	if d.application == "" {
		d.application = kept.Name
	}
	machine, err := p.placement(ctx, s, d.machine)
	if err != nil {
		return deployed{}, err
	}
	units, err := s.Deploy(ctx, model.DeployArgs{
		Application: d.application,
		Charm:       kept,
		Config:      d.config,
		NumUnits:    d.units,
		Machine:     machine,
		Trust:       d.trust,
	})
	return deployed{application: d.application, units: units}, err
}

// placement returns the machine to place units on: this one, if none is given.
func (p *program) placement(ctx context.Context, s *session, machine string) (string, error) {
	if machine == "" {
		return p.machineId(ctx, s.Model)
	}
	if _, err := s.Machine(ctx, machine); err != nil {
		return "", err
	}
	return machine, nil
}

// parseSettings reads KEY=VALUE and KEY=@FILE.
func parseSettings(settings []string) (map[string]string, error) {
	parsed := make(map[string]string, len(settings))
	for _, setting := range settings {
		key, value, ok := strings.Cut(setting, "=")
		if !ok || key == "" {
			return nil, usagef("expected KEY=VALUE, got %q", setting)
		}
		if _, twice := parsed[key]; twice {
			return nil, usagef("key %q is given more than once", key)
		}
		if path, isFile := strings.CutPrefix(value, "@"); isFile {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("cannot read the value of %q: %w", key, err)
			}
			value = string(content)
		}
		parsed[key] = value
	}
	return parsed, nil
}

// listOr joins words, or says that there are none.
func listOr(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}

package main

import (
	"cmp"
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
			d := deployment{charm: args[0], units: units, config: config, machine: to, trust: trust}
			if len(args) == 2 {
				d.application = args[1]
			}
			return p.with(cmd.Context(), func(s *session) error {
				snapshot, err := s.Status(cmd.Context())
				if err != nil {
					return err
				}
				added, err := p.deployAll(cmd.Context(), s, snapshot, []deployment{d}, nil)
				if err != nil {
					return err
				}
				fmt.Fprintf(p.stderr, "Deployed %s: %s\n", added[0].application, listOr(added[0].units, "no units yet"))
				return nil
			})
		},
	}
	command.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
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

// read reads the charm of a deployment and says what is to be deployed.
func (d deployment) read() (model.DeployArgs, error) {
	if !strings.ContainsAny(d.charm, "/") {
		if _, err := os.Stat(d.charm); err != nil {
			return model.DeployArgs{}, fmt.Errorf("cannot find the charm %q: there is no store of charms to fetch it from; give the path of its directory", d.charm)
		}
	}
	c, err := readCharm(d.charm)
	return model.DeployArgs{
		Application: cmp.Or(d.application, c.Name),
		Charm:       c,
		Config:      d.config,
		NumUnits:    d.units,
		Machine:     d.machine,
		Trust:       d.trust,
	}, err
}

// deployAll adds applications, and then relations that are not there, to the
// model. It looks at all of them before it writes anything.
func (p *program) deployAll(ctx context.Context, s *session, now *model.Snapshot, deployments []deployment, relations [][2]string) ([]deployed, error) {
	applications := make([]model.DeployArgs, len(deployments))
	for i, d := range deployments {
		var err error
		if applications[i], err = d.read(); err != nil {
			return nil, err
		}
	}
	if err := now.Rehearse(applications, relations); err != nil {
		return nil, err
	}
	var done []deployed
	for i, args := range applications {
		var err error
		if args.Machine, err = p.placement(ctx, s, args.Machine); err != nil {
			return nil, err
		}
		if args.Charm.Path, err = p.keepCharm(deployments[i].charm, args.Charm); err != nil {
			return nil, err
		}
		units, err := s.Deploy(ctx, args)
		if err != nil {
			return nil, err
		}
		done = append(done, deployed{args.Application, units})
	}
	for _, pair := range relations {
		if _, err := s.AddRelation(ctx, pair[0], pair[1]); err != nil && !model.IsAlreadyExists(err) {
			return nil, err
		}
	}
	return done, nil
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

package main

import (
	"context"
	"fmt"

	"github.com/juju/names/v4"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/model"
)

func (p *program) addUnitCommand() *cobra.Command {
	var n int
	var to string
	command := &cobra.Command{
		Use:     "add-unit APPLICATION",
		GroupID: groupModel,
		Short:   "Add units to an application",
		Example: `  unit-agent add-unit mysql
  unit-agent add-unit mysql -n 2 --to 1`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeApplications(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 {
				return usagef("--num-units must be positive, got %d", n)
			}
			return p.with(cmd.Context(), func(s *session) error {
				// A word that names nothing must not make this a machine of the model.
				if _, err := s.Application(cmd.Context(), args[0]); err != nil {
					return err
				}
				machine, err := p.placement(cmd.Context(), s, to)
				if err != nil {
					return err
				}
				units, err := s.AddUnits(cmd.Context(), args[0], n, machine)
				if err != nil {
					return err
				}
				fmt.Fprintf(p.stderr, "Added %s\n", listOr(units, "nothing"))
				return nil
			})
		},
	}
	command.Flags().IntVarP(&n, "num-units", "n", 1, "number of units to add")
	command.Flags().StringVar(&to, "to", "", "id of the machine to place them on (default this one)")
	return command
}

func (p *program) removeUnitCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove-unit UNIT...",
		GroupID: groupModel,
		Short:   "Remove units",
		Long: `Remove units. A unit runs the hooks that end its relations, then stop and remove,
and is gone when they are done. A unit whose hook fails waits for that first: see
'unit-agent resolved --help'.`,
		Example:           `  unit-agent remove-unit mysql/1`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.completeUnits(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkUnitNames(args); err != nil {
				return err
			}
			return p.with(cmd.Context(), func(s *session) error {
				// All are looked up before the first is touched.
				for _, unit := range args {
					if _, err := s.Unit(cmd.Context(), unit); err != nil {
						return err
					}
				}
				for _, unit := range args {
					if err := s.RemoveUnit(cmd.Context(), unit); err != nil && !model.IsNotFound(err) {
						return err
					}
					fmt.Fprintf(p.stderr, "Removing unit %s\n", unit)
				}
				return nil
			})
		},
	}
}

func (p *program) removeApplicationCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "remove-application APPLICATION...",
		GroupID:           groupModel,
		Short:             "Remove applications with their units and relations",
		Example:           `  unit-agent remove-application wordpress`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.completeApplications(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(s *session) error {
				for _, application := range args {
					if _, err := s.Application(cmd.Context(), application); err != nil {
						return err
					}
				}
				for _, application := range args {
					if err := s.RemoveApplication(cmd.Context(), application); err != nil && !model.IsNotFound(err) {
						return err
					}
					fmt.Fprintf(p.stderr, "Removing application %s\n", application)
				}
				return nil
			})
		},
	}
}

func (p *program) resolvedCommand() *cobra.Command {
	var noRetry bool
	command := &cobra.Command{
		Use:     "resolved UNIT...",
		Aliases: []string{"resolve"},
		GroupID: groupModel,
		Short:   "Have units go on from a failed hook",
		Long: `Have units whose hook failed run it again at once; or, with --no-retry, count it
as run and go on with the next.`,
		Example: `  unit-agent resolved mysql/0
  unit-agent resolved mysql/0 --no-retry`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.completeUnits(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkUnitNames(args); err != nil {
				return err
			}
			mode := model.ResolvedRetry
			if noRetry {
				mode = model.ResolvedSkip
			}
			return p.with(cmd.Context(), func(s *session) error {
				for _, unit := range args {
					if err := checkInError(cmd.Context(), s, unit); err != nil {
						return err
					}
				}
				for _, unit := range args {
					if err := s.Resolve(cmd.Context(), unit, mode); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	command.Flags().BoolVar(&noRetry, "no-retry", false, "count the failed hook as run")
	return command
}

// checkInError refuses a unit that has nothing to resolve.
func checkInError(ctx context.Context, s *session, name string) error {
	unit, err := s.Unit(ctx, name)
	if err != nil {
		return err
	}
	if unit.Agent.Status != model.StatusError {
		return fmt.Errorf("unit %q is not in an error state", name)
	}
	return nil
}

// checkUnitNames refuses names that cannot be units' before the model is asked.
func checkUnitNames(units []string) error {
	for _, unit := range units {
		if !names.IsValidUnit(unit) {
			return usagef("%q is not a unit name: it should look like mysql/0", unit)
		}
	}
	return nil
}

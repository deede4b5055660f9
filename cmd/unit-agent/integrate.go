package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) integrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "integrate APPLICATION[:ENDPOINT] APPLICATION[:ENDPOINT]",
		Aliases: []string{"relate", "add-relation"},
		GroupID: groupModel,
		Short:   "Relate two applications",
		Long: `Relate two applications. An endpoint need not be named where only one pair of
endpoints fits.`,
		Example: `  unit-agent integrate wordpress mysql
  unit-agent integrate wordpress:db mysql:server`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: p.completeApplications(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(s *session) error {
				relation, err := s.AddRelation(cmd.Context(), args[0], args[1])
				if err != nil {
					return err
				}
				fmt.Fprintf(p.stderr, "Added relation %d: %s\n", relation.Id, relation)
				return nil
			})
		},
	}
}

func (p *program) removeRelationCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove-relation APPLICATION[:ENDPOINT] APPLICATION[:ENDPOINT]",
		GroupID: groupModel,
		Short:   "End the relation of two applications",
		Long: `End the relation of two applications. Their units run relation-departed and
relation-broken, and the relation is gone when they are done.`,
		Example:           `  unit-agent remove-relation wordpress mysql`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: p.completeApplications(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(s *session) error {
				if err := s.RemoveRelation(cmd.Context(), args[0], args[1]); err != nil {
					return err
				}
				fmt.Fprintf(p.stderr, "Removing relation %s %s\n", args[0], args[1])
				return nil
			})
		},
	}
}

package main

import (
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// defaultLeaderLease is how long a unit that is told that it leads goes on to.
const defaultLeaderLease = 30 * time.Second

// agentFlags are the flags of the commands that run units.
type agentFlags struct {
	updateStatusInterval time.Duration
	stopTimeout          time.Duration
	leaderLease          time.Duration
}

func (f *agentFlags) add(command *cobra.Command) {
	flags := command.Flags()
	flags.DurationVar(&f.updateStatusInterval, "update-status-interval", uniter.DefaultUpdateStatusInterval,
		"mean time between update-status hooks")
	flags.DurationVar(&f.stopTimeout, "stop-timeout", uniter.DefaultStopTimeout,
		"how long a running hook may go on when the agent stops")
	flags.DurationVar(&f.leaderLease, "leader-lease", defaultLeaderLease,
		"how long is-leader guarantees leadership; claims are for twice that")
}

func (f *agentFlags) validate() error {
	for _, flag := range []struct {
		name  string
		value time.Duration
	}{
		{"--update-status-interval", f.updateStatusInterval},
		{"--stop-timeout", f.stopTimeout},
		{"--leader-lease", f.leaderLease},
	} {
		if flag.value <= 0 {
			return usagef("%s must be positive, got %v", flag.name, flag.value)
		}
	}
	return nil
}

// agentsConfig returns what the agents of this process share.
func (p *program) agentsConfig(s *session, machineId string, flags agentFlags) (machine.Config, error) {
	hookTool, err := machine.HookToolBinary()
	if err != nil {
		return machine.Config{}, err
	}
	host, err := describeMachine()
	if err != nil {
		return machine.Config{}, err
	}
	leads := s.Leadership()
	return machine.Config{
		DataDir:              p.dataDir,
		Machine:              machineId,
		Address:              host.Addresses[0],
		Model:                s.Model,
		Clock:                clock.WallClock,
		Logger:               p.logger,
		HookTool:             hookTool,
		Claimer:              leadership.NewRetryingClaimer(leads, clock.WallClock),
		Checker:              leads,
		Release:              leads.Release,
		LeaderLease:          flags.leaderLease,
		UpdateStatusInterval: flags.updateStatusInterval,
		StopTimeout:          flags.stopTimeout,
	}, nil
}

func (p *program) agentCommand() *cobra.Command {
	var flags agentFlags
	var charmDir string
	command := &cobra.Command{
		Use:     "agent UNIT",
		GroupID: groupRun,
		Short:   "Run one unit in the foreground",
		Long: `Run the agent of one unit until it is stopped or the unit is gone. A unit that is
placed on another machine is run here all the same, if nobody runs it there.`,
		Example: `  unit-agent agent mysql/0
  unit-agent agent mysql/0 --charm ./mysql     give the charm at the first start`,
		Args: cobra.MaximumNArgs(1),
	}
	flags.add(command)
	command.Flags().StringVar(&charmDir, "charm", "", "directory to copy the charm from at the unit's first start")
	unitFlag := command.Flags().String("unit", "", "the unit, if it is not given as an argument")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		unit := *unitFlag
		if len(args) == 1 {
			unit = args[0]
		}
		if !names.IsValidUnit(unit) {
			return usagef("%q is not a unit name: it should look like mysql/0", unit)
		}
		if err := flags.validate(); err != nil {
			return err
		}
		return p.runAgent(cmd, unit, charmDir, flags)
	}
	return command
}

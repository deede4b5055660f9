package main

import (
	"errors"
	"os"
	"runtime/debug"
	"time"

	"github.com/juju/clock"
	"github.com/juju/worker/v3"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/uniter"
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
	if f.leaderLease < machine.MinLeaderLease || f.leaderLease > machine.MaxLeaderLease {
		return usagef("--leader-lease must be between %v and %v, got %v", machine.MinLeaderLease, machine.MaxLeaderLease, f.leaderLease)
	}
	return nil
}

// agentsConfig returns what the agents of this process share, and the leases
// among it, which the caller stops after the agents.
func (p *program) agentsConfig(s *session, machineId string, flags agentFlags) (machine.Config, *machine.Leases, error) {
	if os.Getenv("GOGC") == "" {
		// Agents wait most of the time: memory is worth more to them than the
		// collector's time.
		debug.SetGCPercent(50)
	}
	hookTool, err := machine.HookToolBinary()
	if err != nil {
		return machine.Config{}, nil, err
	}
	host, err := describeMachine()
	if err != nil {
		return machine.Config{}, nil, err
	}
	config := machine.Config{
		DataDir:              p.dataDir,
		Machine:              machineId,
		Address:              host.Addresses[0],
		Model:                s.Model,
		Clock:                clock.WallClock,
		Logger:               p.logger,
		HookTool:             hookTool,
		LeaderLease:          flags.leaderLease,
		UpdateStatusInterval: flags.updateStatusInterval,
		StopTimeout:          flags.stopTimeout,
	}
	leases, err := machine.NewLeases(s.Model, clock.WallClock, p.logger)
	if err != nil {
		return machine.Config{}, nil, err
	}
	if err := leases.Lead(&config); err != nil {
		return machine.Config{}, nil, errors.Join(err, worker.Stop(leases))
	}
	return config, leases, nil
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
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeUnits(1),
	}
	flags.add(command)
	command.Flags().StringVar(&charmDir, "charm", "", "directory to copy the charm from at the unit's first start")
	unitFlag := command.Flags().String("unit", "", "the unit, if it is not given as an argument")
	command.MarkFlagDirname("charm")
	command.RegisterFlagCompletionFunc("unit", p.completeUnits(0))
	command.RunE = func(cmd *cobra.Command, args []string) error {
		unit := *unitFlag
		switch {
		case len(args) == 1 && unit != "":
			return usagef("give the unit as --unit or as an argument, not both")
		case len(args) == 1:
			unit = args[0]
		case unit == "":
			return usagef("say which unit: see '%s --help'", cmd.CommandPath())
		}
		if err := checkUnitNames([]string{unit}); err != nil {
			return err
		}
		if err := flags.validate(); err != nil {
			return err
		}
		if charmDir != "" {
			if _, err := charm.Read(charmDir); err != nil {
				return err
			}
		}
		return p.runAgent(cmd, unit, charmDir, flags)
	}
	return command
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/juju/worker/v3"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/machine"
)

func (p *program) upCommand() *cobra.Command {
	var flags agentFlags
	var untilIdle bool
	var timeout time.Duration
	command := &cobra.Command{
		Use:     "up [BUNDLE]",
		GroupID: groupRun,
		Short:   "Run the store and all units of this machine",
		Long: `Run the store, unless another process does or --endpoints names a cluster, and the
agents of all units that are placed on this machine, until stopped. A bundle is
added to the model first, as far as it is not there. Units that are added to the
model later are picked up.

With --until-idle, exit once every unit has nothing to do: 0 if all is well, 1
with the reason if a unit is in error or the timeout passes. If another process
runs the units, wait for them without running any.`,
		Example: `  unit-agent up
  unit-agent up bundle.yaml --until-idle --timeout 2m`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags.add(command)
	command.Flags().BoolVar(&untilIdle, "until-idle", false, "exit once every unit has nothing to do")
	command.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long --until-idle waits")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if err := flags.validate(); err != nil {
			return err
		}
		if timeout <= 0 {
			return usagef("--timeout must be positive, got %v", timeout)
		}
		var b bundle
		if len(args) == 1 {
			var err error
			if b, err = readBundle(args[0]); err != nil {
				return err
			}
		}
		return p.up(cmd, b, flags, untilIdle, timeout)
	}
	return command
}

func (p *program) up(cmd *cobra.Command, b bundle, flags agentFlags, untilIdle bool, timeout time.Duration) (err error) {
	ctx := cmd.Context()
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	lock, holder, err := p.lockUnits()
	if err != nil {
		return err
	}
	defer lock.Close()
	if holder != "" && !untilIdle {
		return fmt.Errorf("the units of %s are already run by %s: stop that one first, or wait for them with --until-idle", p.dataDir, holder)
	}
	if err := p.addBundle(ctx, s, b); err != nil {
		return err
	}
	machineId, err := p.machineId(ctx, s.Model)
	if err != nil {
		return err
	}
	if holder != "" {
		fmt.Fprintf(p.stderr, "Waiting for the units of machine %s, which %s runs\n", machineId, holder)
		return p.untilIdle(ctx, s, machineId, nil, nil, timeout)
	}
	host, err := describeMachine()
	if err != nil {
		return err
	}
	host.Id = machineId
	if err := s.UpdateMachine(ctx, host); err != nil {
		return err
	}
	config, leases, err := p.agentsConfig(s, machineId, flags)
	if err != nil {
		return err
	}
	defer worker.Stop(leases)
	waiting := make(chan struct{}, 1)
	config.Waiting = func() {
		select {
		case waiting <- struct{}{}:
		default:
		}
	}
	agents, err := machine.New(config)
	if err != nil {
		return err
	}
	if !untilIdle {
		fmt.Fprintf(p.stderr, "Running the units of machine %s; stop with ctrl-C\n", machineId)
		return p.await(cmd, agents, s.store, leases)
	}
	ended := make(chan error, 1)
	go func() { ended <- agents.Wait() }()
	// The status is shown while the agents are still there to be seen.
	err = p.untilIdle(ctx, s, machineId, waiting, ended, timeout)
	agents.Kill()
	return errors.Join(err, <-ended)
}

// untilIdle waits until nothing is left to do, or for too long, and shows what
// came of it.
func (p *program) untilIdle(ctx context.Context, s *session, machineId string, waiting <-chan struct{}, ended chan error, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	err := p.awaitIdle(ctx, s, machineId, waiting, ended)
	return errors.Join(err, p.showFinalStatus(ctx, s))
}

// showFinalStatus shows what came of the wait, also when its time is over.
func (p *program) showFinalStatus(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	snapshot, err := s.Status(ctx)
	if err != nil {
		return err
	}
	return printStatus(p.stdout, snapshot, false)
}

var errTimeout = errors.New("timeout")

// lookPause is when awaitIdle looks again in any case: a unit that another
// process runs here may do its last step without a word in the model.
const lookPause = 500 * time.Millisecond

// awaitIdle looks again whenever a unit has done all that it could, or the model
// has changed, and returns nil once no unit has anything to do.
func (p *program) awaitIdle(ctx context.Context, s *session, machineId string, waiting <-chan struct{}, ended chan error) error {
	changes := s.WatchAll(ctx)
	busy := "no unit has begun"
	defer p.progress.clear()
	again := time.NewTicker(lookPause)
	defer again.Stop()
	for {
		progress, err := machine.Look(ctx, p.dataDir, machineId, s.Model)
		switch {
		case ctx.Err() != nil:
			if !errors.Is(context.Cause(ctx), errTimeout) {
				return errors.New("stopped before every unit was idle")
			}
			return fmt.Errorf("not idle in time: %s: see 'unit-agent status' and 'unit-agent debug-log'", busy)
		case err != nil:
			return err
		case progress.InError != "":
			return errors.New(progress.InError)
		case progress.Idle():
			return nil
		}
		busy = progress.Busy
		p.progress.show("waiting: " + busy)
		select {
		case <-ctx.Done():
		case <-waiting:
		case <-changes:
		case <-again.C:
		case err := <-ended:
			ended <- nil
			return errors.Join(errors.New("the agents ended"), err)
		}
	}
}

package main

import (
	"errors"
	"fmt"

	"github.com/juju/worker/v3"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/uniter"
)

// runAgent runs one unit until it is stopped or the unit is gone.
func (p *program) runAgent(cmd *cobra.Command, unit, charmDir string, flags agentFlags) error {
	ctx := cmd.Context()
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	// A name that is no unit's must not make this a machine of the model.
	if _, err := s.Unit(ctx, unit); err != nil {
		return err
	}
	machineId, err := p.machineId(ctx, s.Model)
	if err != nil {
		return err
	}
	config, leases, err := p.agentsConfig(s, machineId, flags)
	if err != nil {
		return err
	}
	defer worker.Stop(leases)
	agent, err := machine.NewUnitAgent(ctx, machine.UnitConfig{Config: config, Unit: unit, CharmSource: charmDir})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "Running %s on machine %s\n", unit, machineId)
	err = p.await(cmd, agent, s.store, leases)
	if errors.Is(err, uniter.ErrFinished) {
		fmt.Fprintf(p.stderr, "Unit %s is gone\n", unit)
		return nil
	}
	return err
}

// await waits until main ends, or is stopped because the command is or because
// something that it needs has ended.
func (p *program) await(cmd *cobra.Command, main worker.Worker, needed ...worker.Worker) error {
	ended := make(chan error, 1)
	go func() { ended <- main.Wait() }()
	lost := make(chan error, len(needed))
	for _, w := range needed {
		go func() { lost <- w.Wait() }()
	}
	select {
	case err := <-ended:
		return err
	case <-cmd.Context().Done():
		fmt.Fprintln(p.stderr, "Stopping: a hook that runs may end first")
		main.Kill()
		return <-ended
	case err := <-lost:
		main.Kill()
		return errors.Join(err, <-ended)
	}
}

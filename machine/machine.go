// Package machine runs the agents of the units that are placed on one machine.
package machine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/juju/clock"
	"github.com/juju/worker/v3"
	"github.com/juju/worker/v3/catacomb"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// restartDelay is how long a unit's agent that ended with an error waits before
// it is started again.
const restartDelay = 3 * time.Second

// Config is what the agents of one process share. None of it is theirs to end.
type Config struct {
	// DataDir is the data directory, an absolute path, and Machine the id of
	// the machine.
	DataDir string
	Machine string

	// Address is where this machine's units are reached.
	Address string

	Model  *model.Model
	Clock  clock.Clock
	Logger *slog.Logger

	// HookTool is the program that hook tools link to.
	HookTool string

	// Claimer and Checker make leadership; LeaderLease is how long a unit that
	// asks is guaranteed to lead. Release gives up what a unit holds; it may be
	// nil, and leadership then ends with its lease.
	Claimer     leadership.Claimer
	Checker     leadership.Checker
	Release     func(application, unit string) error
	LeaderLease time.Duration

	// UpdateStatusInterval and StopTimeout are those of uniter.Config.
	UpdateStatusInterval time.Duration
	StopTimeout          time.Duration

	// Waiting, if it is not nil, is called whenever a unit has done all that it
	// can for now. It must not block.
	Waiting func()
}

// Validate returns an error that names the field that is wrong.
func (c Config) Validate() error {
	switch {
	case c.DataDir == "":
		return errors.New("config: DataDir is empty")
	case c.Machine == "":
		return errors.New("config: Machine is empty")
	case c.Model == nil:
		return errors.New("config: Model is nil")
	case c.Clock == nil:
		return errors.New("config: Clock is nil")
	case c.Logger == nil:
		return errors.New("config: Logger is nil")
	case c.HookTool == "":
		return errors.New("config: HookTool is empty")
	case c.Claimer == nil:
		return errors.New("config: Claimer is nil")
	case c.Checker == nil:
		return errors.New("config: Checker is nil")
	case c.LeaderLease <= 0:
		return fmt.Errorf("config: LeaderLease %v is not positive", c.LeaderLease)
	case c.UpdateStatusInterval < 0:
		return fmt.Errorf("config: UpdateStatusInterval %v is negative", c.UpdateStatusInterval)
	case c.StopTimeout < 0:
		return fmt.Errorf("config: StopTimeout %v is negative", c.StopTimeout)
	}
	return nil
}

// Machine is a worker that runs the agent of every unit placed on the machine,
// and starts and ends agents as units come and go. An agent that fails is started
// again after a while; it does not hurt the others. Only where the disk fails to
// keep what was written, all of them stop, since the next process can read what
// is there and this one cannot.
type Machine struct {
	catacomb catacomb.Catacomb
	config   Config
	runner   *worker.Runner
}

// New starts the agents of the machine.
func New(config Config) (*Machine, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("cannot run a machine's units: %w", err)
	}
	m := &Machine{
		config: config,
		runner: worker.NewRunner(worker.RunnerParams{
			IsFatal: isFatal,
			// An agent that misses something else in the model, such as a relation
			// that was just removed, is started again.
			ShouldRestart: func(err error) bool { return !errors.Is(err, uniter.ErrFinished) },
			RestartDelay:  restartDelay,
			Clock:         config.Clock,
		}),
	}
	if err := catacomb.Invoke(catacomb.Plan{
		Site: &m.catacomb,
		Work: m.loop,
		Init: []worker.Worker{m.runner},
	}); err != nil {
		return nil, err
	}
	return m, nil
}

// isFatal tells whether all agents must stop: after a failed fsync this process
// must not write the file again.
func isFatal(err error) bool { return errors.Is(err, durable.ErrSync) }

// Kill asks all agents to stop.
func (m *Machine) Kill() { m.catacomb.Kill(nil) }

// Wait returns when they have stopped.
func (m *Machine) Wait() error { return m.catacomb.Wait() }

func (m *Machine) loop() error {
	ctx := m.catacomb.Context(context.Background())
	presence, err := m.config.Model.AnnounceMachine(ctx, m.config.Machine)
	if err != nil && ctx.Err() != nil {
		return m.catacomb.ErrDying()
	}
	if err != nil {
		return err
	}
	if err := m.catacomb.Add(presence); err != nil {
		return err
	}
	watcher, err := m.config.Model.WatchMachineUnits(m.config.Machine)
	if err != nil {
		return err
	}
	if err := m.catacomb.Add(watcher); err != nil {
		return err
	}
	running := map[string]bool{}
	for {
		select {
		case <-m.catacomb.Dying():
			return m.catacomb.ErrDying()
		case units, ok := <-watcher.Changes():
			if !ok {
				return watcher.Wait()
			}
			if err := m.adjust(running, units); err != nil {
				return err
			}
		}
	}
}

// adjust starts the agents of units that came. The agents of units that went end
// by themselves: they see it first.
func (m *Machine) adjust(running map[string]bool, units []string) error {
	for _, unit := range units {
		if running[unit] {
			continue
		}
		if err := m.runner.StartWorker(unit, m.starter(unit)); err != nil {
			return fmt.Errorf("cannot start the agent of %s: %w", unit, err)
		}
		running[unit] = true
	}
	for _, unit := range slices.Collect(maps.Keys(running)) {
		if !slices.Contains(units, unit) {
			delete(running, unit)
		}
	}
	return nil
}

func (m *Machine) starter(unit string) func() (worker.Worker, error) {
	return func() (worker.Worker, error) {
		ctx := m.catacomb.Context(context.Background())
		agent, err := NewUnitAgent(ctx, UnitConfig{Config: m.config, Unit: unit})
		if model.IsNotFound(err) {
			return nil, uniter.ErrFinished
		}
		if err != nil {
			if ctx.Err() == nil {
				m.config.Logger.Error("cannot start a unit's agent", "unit", unit, "error", err)
			}
			return nil, err
		}
		return &loggedAgent{UnitAgent: agent, logger: m.config.Logger.With("unit", unit)}, nil
	}
}

// loggedAgent says why an agent ended.
type loggedAgent struct {
	*UnitAgent
	logger *slog.Logger
}

func (a *loggedAgent) Wait() error {
	err := a.UnitAgent.Wait()
	switch {
	case err == nil:
	case errors.Is(err, uniter.ErrFinished):
		a.logger.Info("the unit is gone")
	case isFatal(err):
		a.logger.Error("a unit's agent ended, and with it all", "error", err)
	default:
		a.logger.Error("a unit's agent ended; it is started again", "error", err, "in", restartDelay.String())
	}
	return err
}

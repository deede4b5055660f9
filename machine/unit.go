package machine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/juju/names/v4"
	"github.com/juju/worker/v3"
	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/journal"
	"github.com/unit-agent/unit-agent/uniter/leadership"
	"github.com/unit-agent/unit-agent/unitlog"
)

// UnitAgent is a worker that runs one unit: it holds the unit's lock on this
// machine and its claim in the model, serves its hook tools, keeps its
// leadership, and runs its uniter. It ends all of them, the uniter first, so
// that a hook that still runs has all that it needs.
//
// It ends with uniter.ErrFinished once the unit is gone, and has then removed
// the unit's home.
type UnitAgent struct {
	tomb   tomb.Tomb
	config UnitConfig
}

// UnitConfig says which unit to run, beside what all units of a process share.
type UnitConfig struct {
	Config

	// Unit is the unit's name.
	Unit string

	// CharmSource is where to copy the charm from at the unit's first start;
	// empty means where the model says it is.
	CharmSource string
}

// NewUnitAgent starts the agent of one unit. It returns an error at once if
// somebody else runs the unit.
func NewUnitAgent(ctx context.Context, config UnitConfig) (*UnitAgent, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if !names.IsValidUnit(config.Unit) {
		return nil, fmt.Errorf("%q is not a unit name: it should look like mysql/0", config.Unit)
	}
	if _, err := config.Model.Unit(ctx, config.Unit); err != nil {
		return nil, err
	}
	home := uniter.HomeOf(config.DataDir, config.Unit)
	if err := durable.MkdirAll(home.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the home of %s: %w", config.Unit, err)
	}
	lock, err := lockHome(home, config.Unit)
	if err != nil {
		return nil, err
	}
	agent := &UnitAgent{config: config}
	rooms, err := agent.open(ctx, home)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("cannot run %s: %w", config.Unit, err)
	}
	agent.tomb.Go(func() error {
		defer lock.Close()
		return agent.run(home, rooms)
	})
	return agent, nil
}

// Kill asks the agent to stop.
func (a *UnitAgent) Kill() { a.tomb.Kill(nil) }

// Wait returns when the agent has stopped.
func (a *UnitAgent) Wait() error { return a.tomb.Wait() }

// parts are what a uniter works with, in the order in which they are made.
type parts struct {
	log     *unitlog.Writer
	journal *journal.Journal
	claim   *model.UnitClaim
	server  *hooktool.Server
	tracker *leadership.TrackerWorker
	uniter  *uniter.Uniter
}

// open makes the parts. What it made before an error it ends again.
func (a *UnitAgent) open(ctx context.Context, home uniter.Home) (_ *parts, err error) {
	p := &parts{
		log:     unitlog.NewWriter(home.LogFile()),
		journal: journal.Open(home.JournalFile()),
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err := linkTools(home, a.config.HookTool); err != nil {
		return nil, err
	}
	claim, err := a.config.Model.ClaimUnit(ctx, a.config.Unit, a.config.Machine)
	if err != nil {
		return nil, err
	}
	p.claim = claim
	if a.config.Address != "" {
		if err := a.config.Model.SetUnitAddresses(ctx, a.config.Unit, a.config.Address, a.config.Address); err != nil {
			return nil, err
		}
	}

	logger := a.logger(p.log)
	server, err := hooktool.NewServer(home.Socket(), logger)
	if err != nil {
		return nil, err
	}
	p.server = server
	p.tracker = leadership.NewTracker(names.NewUnitTag(a.config.Unit), a.config.Claimer, a.config.Clock, a.config.LeaderLease)

	p.uniter, err = uniter.New(uniter.Config{
		Unit:                 a.config.Unit,
		Machine:              a.config.Machine,
		Home:                 home,
		CharmSource:          a.config.CharmSource,
		Model:                a.config.Model,
		Claim:                claim,
		Leadership:           p.tracker,
		LeadershipChecker:    a.config.Checker,
		Tools:                server,
		Journal:              p.journal,
		Logger:               logger,
		Clock:                a.config.Clock,
		UpdateStatusInterval: a.config.UpdateStatusInterval,
		StopTimeout:          a.config.StopTimeout,
		Waiting:              a.config.Waiting,
	})
	return p, err
}

// logger logs to the unit's own log and to that of the process.
func (a *UnitAgent) logger(log *unitlog.Writer) *slog.Logger {
	return slog.New(slog.NewMultiHandler(
		log.Handler(slog.LevelDebug),
		a.config.Logger.Handler().WithAttrs([]slog.Attr{slog.String("unit", a.config.Unit)}),
	))
}

func (a *UnitAgent) run(home uniter.Home, p *parts) error {
	// The uniter ends when it must, when it is told to, or when something that
	// it works with ends.
	var lost worker.Worker
	select {
	case <-a.tomb.Dying():
	case <-p.uniter.Dead():
	case <-p.claim.Dead():
		lost = p.claim
	case <-p.server.Dead():
		lost = p.server
	case <-p.tracker.Dead():
		lost = p.tracker
	}
	p.uniter.Kill()
	err := p.uniter.Wait()
	if err == nil && lost != nil {
		err = lost.Wait()
	}
	a.release(p.tracker)
	p.close()
	if errors.Is(err, uniter.ErrFinished) {
		if err := os.RemoveAll(home.Dir); err != nil {
			return fmt.Errorf("cannot remove the home of %s: %w", a.config.Unit, err)
		}
	}
	return err
}

// release gives leadership up after the unit's last hook, so that another unit
// need not wait for the lease to end.
func (a *UnitAgent) release(tracker *leadership.TrackerWorker) {
	tracker.Kill()
	if err := tracker.Wait(); err != nil {
		a.config.Logger.Debug("leadership tracker ended", "unit", a.config.Unit, "error", err)
	}
	if a.config.Release == nil {
		return
	}
	application, err := names.UnitApplication(a.config.Unit)
	if err == nil {
		err = a.config.Release(application, a.config.Unit)
	}
	if err != nil {
		a.config.Logger.Warn("cannot give leadership up; it ends with its lease", "unit", a.config.Unit, "error", err)
	}
}

// close ends the parts in the reverse order of their making.
func (p *parts) close() {
	if p.tracker != nil {
		worker.Stop(p.tracker)
	}
	if p.server != nil {
		worker.Stop(p.server)
	}
	if p.claim != nil {
		worker.Stop(p.claim)
	}
	p.journal.Close()
	p.log.Close()
}

// Package uniter is the worker that runs one unit of an application. It compares
// what the model wants of the unit with what the unit has done, chooses the most
// urgent hook, and takes it through its steps.
//
// It promises what the operation and relation packages promise: a hook runs at
// least once, one at a time, in the order that a charm may rely on, across
// crashes of the agent and of the machine. It does not promise that hooks of
// different units run in any order, nor that a hook's effects outside the model
// happen once.
package uniter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/juju/charm/v12/hooks"
	"github.com/juju/clock"
	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/leadership"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

// ErrFinished is how a uniter ends once its unit's life is over and the unit is
// out of the model. Its home may be removed.
var ErrFinished = errors.New("the unit is gone")

// quiet is how long a unit has had no other hook to run when it runs an
// update-status that was due meanwhile.
const quiet = time.Second

// Uniter is the worker. It owns its goroutines and the watchers that it starts;
// none outlives Wait.
type Uniter struct {
	tomb   tomb.Tomb
	config Config
	logger *slog.Logger

	status    *statusWriter
	executor  *operation.Executor
	relations *unitRelations

	// The rest belongs to the loop.
	watcher *model.UnitWatcher
	state   model.UnitState
	remote  Remote

	// endpoints are the names that the charm has for its endpoints.
	endpoints []string

	// answered is when the resolved mark was set that was acted upon last.
	answered time.Time

	// leadership resolves when the unit's leadership turns; retry and
	// updateStatus are nil when they do not run.
	leadership   leadership.Ticket
	retry        clock.Timer
	updateStatus clock.Timer
}

// New starts a uniter. It returns an error if the config is not valid.
func New(config Config) (*Uniter, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("cannot run a unit: %w", err)
	}
	if config.UpdateStatusInterval == 0 {
		config.UpdateStatusInterval = DefaultUpdateStatusInterval
	}
	if config.StopTimeout == 0 {
		config.StopTimeout = DefaultStopTimeout
	}
	u := &Uniter{config: config, logger: config.Logger.With("module", "uniter")}
	u.status = newStatusWriter(config)
	u.tomb.Go(func() error {
		u.tomb.Go(func() error { return u.status.run(u.tomb.Context(context.Background())) })
		return u.loop()
	})
	return u, nil
}

// Kill asks the uniter to stop. A hook that runs may end first, within the
// config's StopTimeout.
func (u *Uniter) Kill() { u.tomb.Kill(nil) }

// Wait returns when the uniter has stopped, with ErrFinished if that is because
// the unit is gone.
func (u *Uniter) Wait() error { return u.tomb.Wait() }

// Dead is closed when Wait would return at once.
func (u *Uniter) Dead() <-chan struct{} { return u.tomb.Dead() }

func (u *Uniter) loop() error {
	ctx := u.tomb.Context(context.Background())
	defer u.close()
	if err := u.open(ctx); err != nil {
		return u.stopped(err)
	}
	for waited := false; ; {
		if err := u.relations.reconcile(u.remote, u.pendingHook()); err != nil {
			return u.stopped(err)
		}
		decision := Next(u.local(), u.remote)
		if decision.Hook.Kind == hooks.UpdateStatus && u.pendingHook() == nil && !waited {
			// It comes last, and relations that have a hook to run have not had
			// the time to say so.
			u.postponeUpdateStatus(quiet)
			decision = Decision{Step: Wait}
		}
		waited = decision.Step == Wait
		if waited {
			u.publishWaiting()
		} else {
			if err := u.carryOut(ctx, decision); err != nil {
				return u.stopped(err)
			}
			u.relations.rejectAll(u.pendingHook())
		}
		if err := u.takeIn(waited); err != nil {
			return u.stopped(err)
		}
	}
}

// local describes what the unit has done, for Next.
func (u *Uniter) local() Local {
	return Local{State: u.executor.State(), Relations: u.relations.snapshot()}
}

func (u *Uniter) pendingHook() *hook.Info {
	if pending := u.executor.State().Pending; pending != nil {
		return &pending.Hook
	}
	return nil
}

// leads asks whether the unit leads for a while to come. The answer may take as
// long as a claim does.
func (u *Uniter) leads() (bool, error) {
	ticket := u.config.Leadership.ClaimLeader()
	select {
	case <-u.tomb.Dying():
		return false, tomb.ErrDying
	case <-ticket.Ready():
		return ticket.Wait(), nil
	}
}

// stopped makes a clean stop of what an interrupted call returned.
func (u *Uniter) stopped(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, operation.ErrInterrupted) {
		select {
		case <-u.tomb.Dying():
			return tomb.ErrDying
		default:
		}
	}
	return err
}

// takeIn takes in all that has changed; if wait is true it waits for the first
// of it.
func (u *Uniter) takeIn(wait bool) (err error) {
	for err == nil {
		if !wait {
			select {
			case <-u.tomb.Dying():
				err = tomb.ErrDying
			case state, ok := <-u.watcher.Changes():
				err = u.takeState(state, ok)
			case offer := <-u.relations.offers:
				err = u.relations.accept(offer)
			case <-u.leadership.Ready():
				err = u.takeLeadership()
			case <-timeOf(u.retry):
				u.retry, u.remote.RetryDue = nil, true
			case <-timeOf(u.updateStatus):
				u.updateStatus, u.remote.UpdateStatusDue = nil, true
			default:
				return nil
			}
			continue
		}
		wait = false
		select {
		case <-u.tomb.Dying():
			err = tomb.ErrDying
		case state, ok := <-u.watcher.Changes():
			err = u.takeState(state, ok)
		case offer := <-u.relations.offers:
			err = u.relations.accept(offer)
		case <-u.leadership.Ready():
			err = u.takeLeadership()
		case <-timeOf(u.retry):
			u.retry, u.remote.RetryDue = nil, true
		case <-timeOf(u.updateStatus):
			u.updateStatus, u.remote.UpdateStatusDue = nil, true
		}
	}
	return err
}

// takeState takes in what the model now wants of the unit.
func (u *Uniter) takeState(state model.UnitState, ok bool) error {
	if !ok {
		if err := u.watcher.Wait(); err != nil {
			return err
		}
		// It ends without an error only because the uniter does.
		return tomb.ErrDying
	}
	u.state = state
	u.remote.Unit = state.Unit.Name
	u.remote.Life = state.Unit.Life
	u.remote.Leaving = state.ApplicationLife != model.Alive
	u.remote.ConfigHash = state.ConfigHash
	u.remote.LeaderSettings = state.LeaderSettings
	u.remote.Relations = state.Relations
	u.remote.Resolved = model.ResolvedNone
	if !state.Unit.ResolvedSince.Equal(u.answered) {
		u.remote.Resolved = state.Resolved
	}
	return nil
}

// takeLeadership takes in that the unit's leadership has turned.
func (u *Uniter) takeLeadership() error {
	u.remote.Leader = !u.remote.Leader && u.leadership.Wait()
	u.awaitLeadership()
	select {
	case <-u.leadership.Ready():
		if !u.remote.Leader && !u.leadership.Wait() {
			return errors.New("the leadership tracker has stopped")
		}
	default:
	}
	return nil
}

// awaitLeadership asks to be told when the unit's leadership turns.
func (u *Uniter) awaitLeadership() {
	if u.remote.Leader {
		u.leadership = u.config.Leadership.WaitMinion()
	} else {
		u.leadership = u.config.Leadership.WaitLeader()
	}
}

func timeOf(timer clock.Timer) <-chan time.Time {
	if timer == nil {
		return nil
	}
	return timer.Chan()
}

// startTimer replaces a timer that may be nil.
func (u *Uniter) startTimer(timer *clock.Timer, delay time.Duration) {
	stopTimer(*timer)
	*timer = u.config.Clock.NewTimer(delay)
}

func stopTimer(timer clock.Timer) {
	if timer != nil {
		timer.Stop()
	}
}

func (u *Uniter) close() {
	if u.relations != nil {
		u.relations.stop()
	}
	if u.watcher != nil {
		u.watcher.Kill()
		u.watcher.Wait()
	}
	stopTimer(u.retry)
	stopTimer(u.updateStatus)
}

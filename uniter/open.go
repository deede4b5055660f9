package uniter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/uniter/journal"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

// open reads what the unit has done, learns what is wanted of it, puts its charm
// in place, and clears up after a hook that was running when the agent died.
func (u *Uniter) open(ctx context.Context) error {
	if err := durable.MkdirAll(u.config.Home.RelationsDir(), 0o755); err != nil {
		return fmt.Errorf("cannot make the unit's state directory: %w", err)
	}
	if err := durable.SweepTemp(u.config.Home.StateDir()); err != nil {
		return fmt.Errorf("cannot clear the unit's state directory: %w", err)
	}
	var err error
	if u.relations, err = openRelations(u.config); err != nil {
		return err
	}
	if u.executor, err = operation.NewExecutor(u.config.Home.OperationFile(), (*callbacks)(u)); err != nil {
		return err
	}
	if err := u.awaitFirstState(); err != nil {
		return err
	}
	if err := u.installCharm(); err != nil {
		return err
	}
	installed, err := charm.Read(u.config.Home.CharmDir())
	if err != nil {
		return err
	}
	u.endpoints = installed.EndpointNames()
	// The order of the first hooks depends on who leads.
	if u.remote.Leader, err = u.leads(); err != nil {
		return err
	}
	u.awaitLeadership()
	u.startTimer(&u.updateStatus, updateStatusDelay(u.config.UpdateStatusInterval, jitter()))
	if err := u.recover(); err != nil {
		return err
	}
	return u.settle(ctx, u.state.Unit.Workload)
}

func (u *Uniter) awaitFirstState() error {
	watcher, err := u.config.Model.WatchUnit(u.config.Unit)
	if err != nil {
		return err
	}
	u.watcher = watcher
	select {
	case <-u.tomb.Dying():
		return tomb.ErrDying
	case state, ok := <-watcher.Changes():
		return u.takeState(state, ok)
	}
}

// installCharm puts the unit's own copy of its charm in place, if it is not
// there.
func (u *Uniter) installCharm() error {
	target := u.config.Home.CharmDir()
	if u.executor.State().CharmDigest != "" {
		if _, err := os.Stat(target); err == nil {
			return nil
		}
	}
	wanted := u.state.Charm
	source := u.config.CharmSource
	if source == "" {
		source = wanted.Path
	}
	if digest, err := charm.Digest(target); err == nil && digest == wanted.Digest {
		// The last agent died before it could say that it had put it there.
		source = target
	}
	digest, err := charm.Digest(source)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot find the charm of %s in %q on this machine: "+
			"start the agent with --charm DIR once", u.config.Unit, source)
	}
	if err != nil {
		return err
	}
	if wanted.Digest != "" && digest != wanted.Digest {
		return fmt.Errorf("the charm in %s is not the one that %s was deployed with: "+
			"its content differs; start the agent with --charm DIR, where DIR holds that charm", source, u.state.Unit.Application)
	}
	if err := charm.Install(source, target); err != nil {
		return err
	}
	return u.executor.Update(func(s *operation.State) { s.CharmDigest = digest })
}

// recover goes on from the hook that the last agent left pending: processes that
// outlived the agent are ended, and a commit that was cut short is finished. A
// hook that is then still pending is run again by the loop, at once or, if it
// failed, after a while.
func (u *Uniter) recover() error {
	pending := u.executor.State().Pending
	if pending == nil {
		return nil
	}
	if err := u.endOrphan(); err != nil {
		return err
	}
	committed, err := u.executor.Recover()
	if err != nil {
		return err
	}
	entry := u.describe(pending.Hook)
	entry.Start = pending.Began
	switch {
	case committed && pending.Failed:
		entry.Outcome = journal.Skipped
	case committed || pending.Interrupted:
		// The journal says so already.
		return nil
	case pending.Failed:
		u.startTimer(&u.retry, retryDelay(pending.Failures, jitter()))
		return nil
	default:
		entry.Outcome, entry.Reason = journal.Interrupted, "the agent ended while the hook ran"
		u.logger.Warn("a hook was interrupted and runs again", "hook", entry.Hook)
	}
	u.note(entry)
	return nil
}

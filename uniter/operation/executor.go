package operation

import (
	"context"
	"errors"
	"fmt"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// ErrInterrupted is what Callbacks.Execute returns, perhaps wrapped, when the
// agent itself ended the hook. The hook stays pending and runs again at the next
// start; it has not failed.
var ErrInterrupted = errors.New("hook interrupted")

// ErrAgain is what Callbacks.Execute returns, perhaps wrapped, when the hook did
// what was right when it began and is not any more, and nothing of it has landed:
// it stays pending and has to run again at once.
var ErrAgain = errors.New("hook has to run again")

// A FailedError is what Callbacks.Execute returns, perhaps wrapped, when the
// hook or its flush did not succeed, and nothing of it has landed.
type FailedError struct {
	// Reason says in one line what went wrong, such as "exit status 1".
	Reason string
}

func (e *FailedError) Error() string { return e.Reason }

// Callbacks are the steps of a hook that need more than the record: the
// relations' state, the charm's process and the shared model.
type Callbacks interface {
	// Check refuses a hook that would break the order guarantees.
	Check(hook.Info) error

	// Execute runs the hook and flushes what it buffered. It returns nil if
	// both succeeded, a *FailedError, ErrInterrupted, ErrAgain, or any other error if the
	// outcome is unknown and the agent must stop.
	Execute(context.Context, Pending) error

	// Commit writes the relation's state after the hook. It is idempotent.
	Commit(hook.Info) error

	// Reflected reports whether the relation's state already has the hook's
	// effect; false for hooks of no relation.
	Reflected(hook.Info) (bool, error)
}

// Executor takes hooks through their steps, one at a time.
type Executor struct {
	path      string
	state     State
	callbacks Callbacks
}

// NewExecutor returns an executor that keeps its record at path, and goes on
// from what is recorded there. The caller has synced the directory, as
// durable.MkdirAll of one below it does: the last write of an agent that was
// killed may be there to be read and not be on disk yet.
func NewExecutor(path string, callbacks Callbacks) (*Executor, error) {
	state, err := ReadState(path)
	if err != nil {
		return nil, err
	}
	return &Executor{path: path, state: state, callbacks: callbacks}, nil
}

// State returns the record as it is on disk.
func (e *Executor) State() State { return e.state }

// Update changes facts of the unit that no hook stands for, such as the charm
// that it runs. It must not touch Pending.
func (e *Executor) Update(change func(*State)) error {
	next := e.state
	change(&next)
	if next == e.state {
		return nil
	}
	return e.write(next)
}

// Run takes one hook from its check to its commit. It returns nil if the hook is
// committed, a *FailedError if it is now recorded as failed, an error that is
// ErrInterrupted if it is now recorded as interrupted because the agent is
// stopping; after any other error the executor's owner must stop, and the next
// start goes on from the record. run.Hook must be the pending hook if there is
// one.
func (e *Executor) Run(ctx context.Context, run Pending) error {
	if pending := e.state.Pending; pending != nil && pending.Hook != run.Hook {
		return fmt.Errorf("cannot run %q: %q is pending", run.Hook.Kind, pending.Hook.Kind)
	}
	if err := e.callbacks.Check(run.Hook); err != nil {
		return err
	}
	if err := e.write(e.state.Begin(run)); err != nil {
		return err
	}
	err := e.callbacks.Execute(ctx, run)
	var failed *FailedError
	if errors.As(err, &failed) {
		if err := e.write(e.state.Fail(failed.Reason)); err != nil {
			return err
		}
		return failed
	}
	if errors.Is(err, ErrInterrupted) {
		if err := e.write(e.state.Interrupt()); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return e.Commit()
}

// Commit records the pending hook as done without running it (again): when it
// succeeded, or when an operator wants it skipped.
func (e *Executor) Commit() error {
	if err := e.callbacks.Commit(e.state.Pending.Hook); err != nil {
		return err
	}
	return e.write(e.state.Commit())
}

// Recover finishes the commit of the pending hook, if there is one, when the
// last agent died after its effect was recorded and before this record was: be
// it that the hook had succeeded, or that it had failed and was skipped. It
// reports whether it did. A hook that is then still pending is to be run again
// unless it failed.
func (e *Executor) Recover() (committed bool, err error) {
	if e.state.Pending == nil {
		return false, nil
	}
	reflected, err := e.callbacks.Reflected(e.state.Pending.Hook)
	if err != nil || !reflected {
		return false, err
	}
	return true, e.Commit()
}

// Drop forgets the pending hook without committing it: its relation is gone.
func (e *Executor) Drop() error {
	next := e.state
	next.Pending = nil
	return e.write(next)
}

func (e *Executor) write(next State) error {
	if err := writeState(e.path, next); err != nil {
		return err
	}
	e.state = next
	return nil
}

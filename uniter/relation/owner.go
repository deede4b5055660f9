package relation

import (
	"errors"
	"fmt"
	"sync/atomic"

	"gopkg.in/tomb.v2"
)

// owner is the part that a HookSender and a Peeker have in common: one goroutine,
// which is the only user of a source. It implements Lifecycle.
type owner struct {
	tomb    tomb.Tomb
	source  HookSource
	changes <-chan RelationUnitsChange

	// killed is true from before dying is closed: a look at it costs less.
	killed atomic.Bool
	dying  <-chan struct{}
}

// run starts the goroutine, which runs loop, stops the source, and tells
// receivers of the end.
func (o *owner) run(source HookSource, loop func() error, end func()) {
	o.source = source
	o.dying = o.tomb.Dying()
	o.tomb.Go(func() error {
		defer end()
		o.changes = source.Changes()
		return stopSource(source, loop())
	})
}

// Kill implements Lifecycle.
func (o *owner) Kill() {
	o.killed.Store(true)
	o.tomb.Kill(nil)
}

// Wait implements Lifecycle.
func (o *owner) Wait() error {
	return o.tomb.Wait()
}

// Done implements Lifecycle.
func (o *owner) Done() <-chan struct{} {
	return o.tomb.Dead()
}

// awaitHook waits until the source has a hook scheduled, and applies the changes
// that come meanwhile. It returns false if there will be none: because the source is
// exhausted or failed, or the owner is killed.
//
// A change that is there already is applied first, so that what is handed out
// is the newest; but only one, so that an endless stream of changes does not
// keep the hooks back. What can be done without waiting is tried without
// a select over several channels, which costs as much as handing over a hook.
func (o *owner) awaitHook() (bool, error) {
	if o.killed.Load() {
		return false, nil
	}
	select {
	case change, ok := <-o.changes:
		if err := o.apply(change, ok); err != nil {
			return false, err
		}
	default:
	}
	for o.source.Empty() {
		if o.changes == nil {
			return false, nil
		}
		select {
		case <-o.dying:
			return false, nil
		case change, ok := <-o.changes:
			if err := o.apply(change, ok); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// apply passes on what was received from the source's Changes channel.
func (o *owner) apply(change RelationUnitsChange, ok bool) error {
	if !ok {
		return errChangesClosed
	}
	return o.source.Update(change)
}

// errChangesClosed ends the owner of a source whose Changes channel closed.
var errChangesClosed = errors.New("hook source stopped providing updates")

// stopSource stops the source of an owner that ended with err, and returns the
// error with which both have ended. The owner's own error goes first, as the
// cause of the rest; but a closed channel is only the news that the source has
// an error to tell.
func stopSource(source HookSource, err error) error {
	stopErr := source.Stop()
	if err == errChangesClosed && stopErr != nil {
		return fmt.Errorf("%w: %w", err, stopErr)
	}
	if err != nil {
		return err
	}
	return stopErr
}

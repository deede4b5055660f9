package relation

import (
	"errors"
	"fmt"
)

// What follows is the part that a HookSender and a Peeker have in common: they
// own a source, and are its only user, from one goroutine.

// errChangesClosed ends the owner of a source whose Changes channel closed.
var errChangesClosed = errors.New("hook source stopped providing updates")

// awaitHook waits until the source has a hook scheduled, and applies the changes
// that come meanwhile. It returns false if there will be none: because the source is
// exhausted, failed, or its owner is dying.
//
// A change that is there already is applied first, so that what is handed out
// is the newest; but only one, so that an endless stream of changes does not
// keep the hooks back. What can be done without waiting is tried without
// a select over several channels, which costs as much as handing over a hook.
func awaitHook(source HookSource, changes <-chan RelationUnitsChange, dying <-chan struct{}) (bool, error) {
	select {
	case <-dying:
		return false, nil
	default:
	}
	select {
	case change, ok := <-changes:
		if err := applyChange(source, change, ok); err != nil {
			return false, err
		}
	default:
	}
	for source.Empty() {
		if changes == nil {
			return false, nil
		}
		select {
		case <-dying:
			return false, nil
		case change, ok := <-changes:
			if err := applyChange(source, change, ok); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// applyChange passes on what was received from the source's Changes channel.
func applyChange(source HookSource, change RelationUnitsChange, ok bool) error {
	if !ok {
		return errChangesClosed
	}
	return source.Update(change)
}

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

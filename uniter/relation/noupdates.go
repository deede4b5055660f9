package relation

import "errors"

// NoUpdates implements a subset of HookSource that delivers no changes, errors
// on update, and ignores stop requests (because there's nothing running in the
// first place). It's useful for implementing static HookSources.
type NoUpdates struct{}

// Changes returns a nil channel.
func (*NoUpdates) Changes() <-chan RelationUnitsChange {
	return nil
}

// Stop does nothing.
func (*NoUpdates) Stop() error {
	return nil
}

// Update always returns an error.
func (*NoUpdates) Update(RelationUnitsChange) error {
	return errors.New("HookSource does not accept updates")
}

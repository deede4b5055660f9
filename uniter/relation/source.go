package relation

import "github.com/unit-agent/unit-agent/uniter/hook"

// HookSource defines a generator of hook.Info events. A HookSource's client
// must be careful to:
//
//   - use it from a single goroutine;
//   - collect asynchronous events from Changes(), and synchronously pass them
//     to Update() whenever possible;
//   - only use fresh values returned from Empty() and Next(), that is, those
//     generated since the last call to Pop() or Update();
//   - Stop() it when finished.
type HookSource interface {
	// Changes returns a channel sending events which must be delivered
	// (synchronously, and in order) to the HookSource's Update method. It is
	// the same channel at every call, and nil if the source never changes: such a
	// source is exhausted once it is empty.
	Changes() <-chan RelationUnitsChange

	// Stop causes the HookSource to clean up its resources and stop sending
	// changes. It returns the error that the source met on its way, if any.
	Stop() error

	// Update applies the supplied change to the HookSource's schedule, and
	// invalidates the results of previous calls to Next() and Empty(). It
	// should only be called with change events received from the Changes()
	// channel. A change that is refused with an error changes nothing.
	Update(change RelationUnitsChange) error

	// Empty returns false if any hooks are scheduled.
	Empty() bool

	// Next returns the first scheduled hook. It will panic if no hooks are
	// scheduled.
	Next() hook.Info

	// Pop removes the first scheduled hook, and invalidates the results of
	// previous calls to Next() and Empty(). It will panic if no hooks are
	// scheduled.
	Pop()
}

// Package relation turns the changes of a relation into the hooks that a unit
// must run for them, in an order that charms may rely on.
//
// A HookSource holds the schedule: changes go in by Update, hooks come out by
// Next and Pop. There are three: NewLiveHookSource follows a watcher,
// NewDyingHookSource leaves a relation, NewListSource runs a fixed list. A
// source has no goroutine of its own. A HookSender or a Peeker owns a source,
// feeds it, and hands its hooks to another goroutine: the sender gives each
// hook away for good, the peeker lets the receiver look first.
//
// # Promised
//
// For each remote unit: joined, then at once changed (no hook of this relation
// comes between), then any number of changed, then departed. A unit that goes
// before its joined was delivered gets no hook; a unit that comes back after
// its departed joins afresh. broken is the last hook of a relation and comes
// with no member left. These hold across restarts, provided that each new
// source is given the State that the delivered hooks were written to.
//
// Several changes of one unit that were not yet delivered are one hook, which
// carries the newest settings version. A version that was delivered is not
// delivered again until another one was. Versions are compared for equality
// only: a store that counts from lower numbers after a restore is followed
// like any other.
//
// A live source delivers first the changed that a joined is owed. Everything
// else comes in the order in which it became due, so no unit's changes can
// starve another's. What one event made due comes in this order, by name
// within each: departed units, changed applications, joined units, changed
// units. A hook that is due and turns into another one of the same unit, as
// when a changed unit departs, keeps its place.
//
// # Not promised
//
// That a member which goes and comes back is seen to have gone: if it is back
// before its departed was delivered, it never left. That every version is
// seen. That a hook runs once: a hook whose effect was not written to the
// State before a crash is delivered again.
//
// relation-created is not the business of a source: it belongs to the unit's
// entering the relation, before a source is made.
package relation

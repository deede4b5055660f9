// Package operation carries one hook of a unit through its steps and keeps the
// durable record that says how far it got.
//
// The steps are those of the life of a hook: the hook is checked against the
// relation's state, recorded as pending, run, flushed, and committed. The record
// is written before the process starts and again when everything is done, each
// time atomically and durably, so that a crash between any two steps leaves
// something from which the next start goes on:
//
//   - before the record says pending, nothing happened;
//   - while it says pending, the hook may have run, and is run again;
//   - while it says failed, the hook waits for its retry or for an operator;
//   - but if the relation's state already has the hook's effect, only the record
//     is finished.
//
// A hook is therefore run at least once and its effect on the unit's own state
// is recorded exactly once. The package promises nothing of what the hook's
// process itself did to the world before a crash.
//
// None of the types here is safe for concurrent use; the unit's worker owns them.
package operation

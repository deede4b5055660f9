// Package charm reads charms and deploys them.
//
// A charm is a directory: metadata.yaml says what it is, config.yaml and
// actions.yaml what can be set and asked of it, and an executable dispatch, or
// one executable for each hook in hooks/, does the work. A charm that was never
// packed may have a charmcraft.yaml instead; it is split here into the three
// files as packing would, because a charm reads metadata.yaml when it runs.
//
// [Read] says whether a directory holds a good charm and returns what it
// declares; [Parse] does the same for the texts alone, as they stand in the
// model. [Install] copies a charm into a unit's home so that a crash leaves
// either no charm or the whole charm. [Digest] names a charm's content.
//
// What is read here was written by others. Bad input gives an error of one line
// that names the file; it never panics. Nothing in this package runs a charm's
// code.
//
// Not promised: that a charm works. A hook that is not executable, or a
// dispatch that names an interpreter which is not there, is found when it is
// run.
package charm

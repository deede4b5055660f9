// Package safety puts the whole of leadership to the test: trackers in processes of their own, over lease managers, over an etcd cluster whose
// members are processes too, while members and agents are killed, paused and cut off from each other. It also measures how fast one
// leader follows another. It has tests and benchmarks only.
//
// Every agent keeps a journal, by the one clock of the machine, of what its tickets said and which writes it tried. Afterwards the
// journals and the cluster's own history must agree on this:
//
//   - No two units were ever guaranteed leadership at the same time, and no old ticket said true while another unit had a guarantee.
//   - A unit that had a guarantee held the lease: no check and no fenced write of its failed.
//   - Every write that landed came from the unit that held the lease, in the term that its fence names; terms follow one another.
//   - What was written, read and found to be so is a linear history of one register that the terms of a lock take turns to write.
//
// One fault is left out unless -safety.long-pauses asks for it: a pause of etcd's leader during which another is elected. An etcd server that
// wakes from it revokes leases that were renewed meanwhile, so that a guarantee ends before its time. Fences hold then as always.
//
// What goes on, and so what is found, depends on the machine. So a run goes on until enough has happened to mean something.
package safety

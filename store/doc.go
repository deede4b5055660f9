// Package store reaches the etcd that holds the shared model.
//
// Without endpoints, the etcd server is part of this program: the first process to
// open a data directory serves it, on a unix socket in that directory and nowhere
// else, and every other process that opens the same directory is a client of the first.
// A flock on a file in the directory decides who serves. The kernel drops that
// lock when its holder dies, so a killed process leaves nothing that needs cleaning up.
// A Store opened with Standby takes the place of a serving process that went away,
// and its client goes on working across the change. With endpoints, the store is a client
// of that cluster and nothing is served.
//
// # What is promised
//
//   - A write that was acknowledged is on disk: the server fsyncs its log before it
//     answers, and a standby that takes over reads that log.
//   - No process listens on the network.
//   - At most one process serves a directory.
//   - A directory that cannot be opened is an error that says why, never an exit of
//     the process, although etcd itself exits on many kinds of damage.
//   - The server's size is looked after once a minute. Of history, ten minutes are kept and at
//     most 100,000 revisions, so that a watch or a read at an old revision may fail with
//     rpctypes.ErrCompacted. Above 80 percent of the quota (DefaultQuota) all history
//     is dropped, free pages are given back, and a shortage that remains is logged. A full
//     store refuses writes, but not deletions, and takes writes again within a minute of having room.
//
// # What is not
//
//   - A call in flight when the serving process is killed fails, and whether its write
//     happened is unknown. Calls made while nobody serves wait for as long as their context allows.
//   - A lease does not end in time across a change of the serving process: it gets its whole
//     time again, and up to the election timeout of one second more.
//   - A serving process that is stopped (SIGSTOP) but not dead keeps the directory. Nobody takes
//     its place until it continues or dies.
//   - After a failed write or fsync of its files the embedded server is given up, not
//     retried: the Store ends with the error, and only the end of the process frees the
//     directory for another.
//   - The directory is not meant for network file systems: flock and mmap must work as on a
//     local disk.
//
// Etcd registers its metrics with the default Prometheus registry.
package store

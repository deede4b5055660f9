// Package etcdstore keeps leases in etcd, for any number of processes and machines.
//
// A lease is a key, bound to an etcd lease: the server counts the time down and removes the key when it is over. What changes a lease is
// one transaction that compares the revisions of the lease's key and of its pins, so that it happens on what was seen or not at all. Every
// renewal writes the key, so all stores know when the time that was given is over, and the first to be there frees the lease by such a
// transaction. That is sooner than the server would, and does not depend on it.
//
// # What is promised
//
//   - A claim or an extension that returns nil holds for the duration asked for, counted on Config.Clock from before the first request was sent.
//     Durations round up to whole seconds and to the server's least; what counts is what the server granted, not what it was asked for.
//   - A lease whose key exists is claimed by nobody else. That is decided by the server, never by this process's clock.
//   - An operation that returns ErrTimeout or ErrAborted may have happened. What a claim or an extension of unknown outcome left on the
//     server is found and ended in the background; a guarantee given earlier goes on to its own end.
//   - Every lease of the server that no key needs any more is revoked: at most one is left for a lease that is held.
//   - A pinned lease has a key that is bound to nothing, so the server cannot end it, while its etcd lease goes on counting. The last unpin
//     binds the two together again, or removes the key if the etcd lease is over.
//   - Vacancies are told however they came about, and after any interruption. What nobody here ever saw as held is no exception as long as the
//     server has the history; see below.
//   - Info.Trapdoor fences other transactions by the create revision of the lease's key, which is the same for the whole of a term and
//     different in each: into a *[]clientv3.Cmp it puts the comparisons (in the place of what was there), into an *int64 the fencing number,
//     which grows from term to term.
//
// # What is not promised
//
//   - A lease may last longer than Info.Expiry says: by a request's time on the way and a twentieth of a second as long as any store can reach the
//     cluster; if none can, until the server notices (half a second), or by a whole term and an election timeout if etcd changes its leader,
//     because the new one counts anew. None of it makes anybody's guarantee longer.
//   - The server may lose a lease early (etcd has had such bugs; an operator may revoke one). Only a fence tells for certain.
//   - What Leases shows of others is as old as the last event that arrived. While the cluster is out of reach that may be long ago.
//   - If the server compacted its history while no watch could reach it, a lease that was claimed and given up again meanwhile, and that was
//     not held here before, is not told of.
//
// # What is assumed
//
// A second is a second on every machine: between the clock of one who gave time and that of one who frees the lease afterwards, a difference of
// half a thousandth is allowed for.
//
// # A machine that slept
//
// The monotonic clock may stand still while a machine is suspended, and with it every deadline. The store compares it with the wall
// clock: by as much as the wall clock went ahead, Info.Expiry comes earlier, and an operation that was under way counts as unknown. A wall clock
// that is set forward does the same harm, which is a lease claimed anew.
package etcdstore

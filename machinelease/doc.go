// Package machinelease keeps leases that machines hold by name and version, in etcd.
//
// A lease is a key, bound to an etcd lease of its own that ends it. Whoever holds it renews it; whoever wants it instead acquires it
// when it is free, or steals it from whom they looked at. The index of a lease is the revision of the etcd store at which it was acquired, renewed or
// stolen: of all who act on one index, one succeeds.
//
// # What is promised
//
//   - Whether a lease is taken, renewed, released or stolen is decided by one transaction of the server, which compares the index. Nothing depends on this
//     machine's clock.
//   - A call that returns an error other than ErrExpired or ErrMoved may have happened, and may happen yet, until the period it was for is over.
//   - TimeRemaining is never more than what the server would say when the call returns: it is counted from before the first request.
//   - Each call ends within 10 seconds, whatever the cluster does.
//   - There is one etcd lease for each lease that is held. An etcd lease that was replaced, or was granted in vain, is revoked before the call returns; if that fails,
//     it ends by itself when the period is over.
//
// # What is not promised
//
//   - That the holder still holds it: a lease can be stolen at any time, and etcd may lose one early. The holder learns it from Renew, and has its
//     writes checked by the server with Fence.
//   - That a lease ends when its time is over. It may last longer, by half a second as a rule, and by a whole period if etcd changes its leader.
package machinelease

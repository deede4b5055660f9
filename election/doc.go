// Package election elects one leader among processes, each of which stands on an etcd session.
//
// A candidate is a key below the election's path, bound to the session's etcd lease; the oldest key leads. That is the layout of etcd's own concurrency.Election,
// so the two see each other, but the steps are this package's own transactions.
//
// # What is promised
//
//   - An op is started only after a read has shown that the candidate's key is there and the oldest, at a time when the session's etcd lease had been renewed.
//   - The op's context ends before the server can let the session's etcd lease expire: the time is counted from before each renewal was sent, less a tenth.
//     It ends, too, soon after the session ends or the key is removed by others. Session.Done, which comes later than that, is not relied on.
//   - Run removes the key whichever way it ends, also by a panic. If the cluster cannot be reached for leaveTime, a goroutine goes on trying as long as the session
//     lives; so it does if a key may be written late by a request that was given up.
//   - A watch shows the present state and then the newest, over compactions, restarts of members and the loss of the session.
//
// # What is not promised
//
//   - That two ops never overlap: an op that does not heed its context goes on after the next one has begun. What it writes to etcd must be fenced, or harmless when
//     done twice.
//   - That the state a watch shows is still so. StateLeader is news, not a permit; the op's context is the permit.
//
// A machine that was suspended loses the leadership when it wakes up, if the wall clock says that its time is over.
package election

// Package leadership tells a unit whether it leads its application, and for how long it can rely on that.
//
// A [TrackerWorker] claims leadership through a [Claimer], for twice its duration, and claims again each time the
// duration has passed. It answers by tickets. This is what a ticket promises:
//
//   - ClaimLeader: true means that the unit leads for at least the tracker's duration, counted from the moment at
//     which the ticket was asked for. While a claim is under way on which the answer depends (the very first one, or a
//     renewal) the ticket waits for it, but never past the end of the lease that is being claimed or renewed.
//   - WaitLeader: true comes with the next moment at which ClaimLeader would say true, with the same guarantee
//     counted from there.
//   - WaitMinion: false at once if the unit does not lead; true as soon as its leadership can no longer be
//     guaranteed, because it was denied or because the guarantee ran out.
//   - Every ticket gets an answer. When the tracker stops, each ticket still open gets false, and from then on no
//     ticket says that the unit leads, though the lease may run on. Whoever stops a tracker revokes the lease after
//     that, when nothing that relied on it still runs.
//
// A guarantee is counted from before the claim was sent, and it is judged at the moment of answering, not by a timer:
// by the clock given and, if that clock has a monotonic reading, also by its wall clock, which goes on while the
// machine sleeps. So after a pause longer than the lease (SIGSTOP, suspend) no ticket says true before a fresh claim
// was granted, not even one that was true before. On the real clock, CLOCK_BOOTTIME is looked at too, once a
// second and at each step of the tracker, for the case that the wall clock was set back while the machine slept.
//
// An answer to a claim has three outcomes: granted, denied, unknown. Unknown is not denied: a guarantee already given
// goes on to its own end, and no further. The tracker itself stops at an unknown outcome;
// [NewRetryingClaimer] in front of the claimer rides over it for as long as the guarantee lasts.
//
// What is not promised:
//
//   - Nothing holds between the answer and what the caller then does with it: a process that is paused right after
//     Wait returned true acts on an old answer. A write that must not come from a former leader carries the
//     lease's own conditions, which a [Token] hands out.
//   - The store's clock and this one must run at the same rate. They need not show the same time. A clock without
//     a monotonic reading must not be set back.
//   - A virtual machine that is paused by its host may see no clock that went on. Only the conditions on the write
//     help there.
package leadership

// Package lease decides which one of several candidates may do something, and
// for how long: a lease has a name, and at any time one holder or none.
//
// A Store keeps the leases; lease/memstore and lease/etcdstore are two of them.
// A manager (NewManager) makes out of any Store what programs want: claims that
// are granted, denied or unknown, waits that end when a lease is free, tokens
// that tell whether somebody still holds a lease, pins that keep leases from
// expiring.
//
// # What is promised
//
//   - A granted claim holds for at least the duration asked for, counted from
//     the start of the call that asked.
//   - At no time has a lease two holders, as the store decides it.
//   - A claim that is denied means that the claimant has not got the lease.
//   - A lease that is given up is free at once. One that is not renewed becomes
//     free when its time is over: a store with Autoexpire sees to it by itself,
//     for the others the manager does, at that moment and not on a poll.
//   - Who waits for a lease is told when it is free, and not when it is renewed.
//   - A pinned lease does not expire; its holder may still give it up.
//   - Operations on one lease never wait for those on another, and cost the same
//     however many leases there are.
//   - A manager that stops answers every caller with an error.
//
// # What is not promised
//
//   - An error that is not ErrClaimDenied says nothing of the claim: it may
//     have been recorded or not. A guarantee that was given earlier goes on to
//     its own end, and no further.
//   - A lease may last longer than was asked for, and a free one may take a
//     while to be noticed when the store is out of reach.
//   - The answer of a Token is as old as it is. A write that must not land after
//     the lease has moved on carries the lease's Trapdoor, so that the store
//     decides; what cannot carry it (a hook, a device) may see two holders
//     overlap.
//   - There is no queue: who waited longest has no better chance.
//
// # What is assumed
//
//   - A second is a second on every host: clocks may show different times, but
//     run at the same rate. A machine that was suspended has not counted the
//     time that it slept; the store in use says how it copes.
//   - The store tells the truth: what it granted stays granted, and its reading
//     methods show its own successful operations as soon as these return.
//   - Names (namespaces, models, leases, holders, entities) pass ValidateString.
package lease

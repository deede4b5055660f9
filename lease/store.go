package lease

import "context"

// Store keeps leases. It decides who holds what; everything else in this
// package is a convenience around it.
//
// The methods that change something return one of ErrInvalid, ErrTimeout and
// ErrAborted (or an error that wraps it) where its meaning fits. Any other
// error says that the store is beyond use, except for the one that refuses a
// key, a holder or an entity that ValidateString refuses, or a duration that is
// not positive.
//
// The methods that only read (Leases, LeaseGroup, Pinned, Autoexpire) answer
// from memory and do not wait for a network. They show what this store's own
// successful operations did as soon as these have returned; what others did
// with the same substrate they show soon, and at once after Refresh.
//
// The API asks nobody for a goroutine-safe store. NewManager does.
type Store interface {
	// ClaimLease gives a free lease to request.Holder. If it returns nil, the
	// holder has it for at least request.Duration, counted from before the
	// call. A lease that anybody holds, the same holder too, and be it past
	// its expiry, gives ErrInvalid.
	ClaimLease(lease Key, request Request, stop <-chan struct{}) error

	// ExtendLease makes sure that the lease that request.Holder has lasts for
	// at least request.Duration, counted from before the call. It never makes
	// it shorter. A lease that request.Holder does not hold gives ErrInvalid.
	ExtendLease(lease Key, request Request, stop <-chan struct{}) error

	// ExpireLease makes a lease free whose time is over. ErrInvalid if its
	// time is not over by the clock of whoever wrote it, if it is pinned, and
	// if nobody holds it.
	ExpireLease(lease Key) error

	// Leases returns the leases that are held: those asked for, or all of
	// them if none is. The map is the caller's.
	Leases(keys ...Key) map[Key]Info

	// LeaseGroup returns the leases of one namespace and model that are held.
	// The map is the caller's.
	LeaseGroup(namespace, modelUUID string) map[Key]Info

	// Refresh brings what the reading methods show up to date with everything
	// that happened before the call.
	Refresh() error

	// PinLease keeps the lease from expiring, on behalf of entity, whoever
	// holds it now or, if nobody does, whoever claims it next. To pin twice
	// for one entity is to pin once.
	PinLease(lease Key, entity string, stop <-chan struct{}) error

	// UnpinLease takes entity's pin away; a pin that is not there is no
	// error. With the last pin gone, the lease ends when its holder last asked
	// for, or at once if that is past.
	UnpinLease(lease Key, entity string, stop <-chan struct{}) error

	// Pinned returns the pinned leases and who pinned each, whether or not
	// anybody holds them. The map is the caller's.
	Pinned() map[Key][]string

	// Autoexpire tells whether leases end by themselves when their time is
	// over. If not, they are held until somebody calls ExpireLease.
	Autoexpire() bool
}

// RevokingStore is a Store in which a holder can give a lease up before its
// time.
type RevokingStore interface {
	// RevokeLease makes the lease free if holder holds it, pinned or not; pins
	// wait for the next holder. ErrInvalid if holder does not hold it.
	RevokeLease(lease Key, holder string, stop <-chan struct{}) error
}

// NotifyingStore is a Store that tells of leases as they become free, however
// that came about: expired, revoked, or ended by another user of the same
// substrate.
type NotifyingStore interface {
	// Vacancies returns the keys of leases that became free since the call.
	// Each is sent at least once, none is ever left out, however slow the
	// reader is; keys that wait for the reader are sent together. By the time
	// that a key is sent, Leases shows that it became free (and, it may be,
	// was claimed again). The channel is closed when ctx ends, and earlier only
	// if the store can tell of no more vacancies.
	Vacancies(ctx context.Context) <-chan []Key
}

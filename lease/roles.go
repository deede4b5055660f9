package lease

import "time"

// Claimer takes leases and tells when they become free.
type Claimer interface {
	// Claim takes the lease for the holder, or keeps it for longer if it has
	// it already.
	//
	//   - nil: granted. The holder has the lease for at least duration, counted
	//     from the start of the call.
	//   - ErrClaimDenied: the holder has not got the lease.
	//   - any other error: unknown. Nothing follows from it; a guarantee given
	//     earlier goes on to its own end.
	Claim(leaseName, holderName string, duration time.Duration) error

	// WaitUntilExpired returns nil when nobody holds the lease. To close
	// cancel, if it is not nil, ends the wait with ErrWaitCancelled. From any
	// other error nothing follows.
	WaitUntilExpired(leaseName string, cancel <-chan struct{}) error
}

// Checker tells who holds what.
type Checker interface {
	// Token returns a Token for the statement that holderName holds
	// leaseName, which need not be true, now or ever.
	Token(leaseName, holderName string) Token
}

// Token is the statement that some holder has some lease.
type Token interface {
	// Check returns ErrNotHeld if the statement is false, and nil if it is
	// true at the time of the call. Any other error means that it is not known
	// which.
	//
	// If it is true, and trapdoorKey is not nil, the lease's Trapdoor is
	// called with it and with attempt, and Check returns what that returns:
	// see the store in use for the types that it takes. Attempt is how often
	// the caller has tried already, with this token or another.
	Check(attempt int, trapdoorKey any) error
}

// Pinner keeps leases from expiring.
type Pinner interface {
	// Pin keeps the lease from expiring, on behalf of entity, whoever has it,
	// or claims it next if nobody does.
	Pin(leaseName string, entity string) error

	// Unpin takes back what Pin did for the same lease and entity. The lease
	// expires again once no entity has it pinned.
	Unpin(leaseName string, entity string) error

	// Pinned returns the pinned leases and the entities that pinned each.
	Pinned() map[string][]string
}

// Reader lists leases.
type Reader interface {
	// Leases returns the leases that are held and the holder of each.
	Leases() map[string]string
}

// Revoker gives leases up.
type Revoker interface {
	// Revoke makes the lease free at once, if the holder has it. ErrNotHeld if
	// it has not, or nobody has; errors.ErrUnsupported if the store cannot do
	// it. A pinned lease may be given up; its pins wait for the next holder.
	Revoke(leaseName, holderName string) error
}

// Manager gives out what works on the leases of one namespace and model. An
// error means that there is no such namespace, or that the model is no valid
// name.
type Manager interface {
	Checker(namespace string, modelUUID string) (Checker, error)
	Claimer(namespace string, modelUUID string) (Claimer, error)
	Pinner(namespace string, modelUUID string) (Pinner, error)
	Reader(namespace string, modelUUID string) (Reader, error)
}

package lease

import (
	"errors"
	"fmt"
	"time"
	"unicode"
)

const (
	// ApplicationLeadershipNamespace holds the leases that say which unit
	// leads an application: the lease is the application's name, its holder a
	// unit's name.
	ApplicationLeadershipNamespace = "application-leadership"

	// SingularControllerNamespace holds the leases of work that one process
	// of a whole controller must do alone: the lease is the controller's UUID.
	SingularControllerNamespace = "singular-controller"
)

// Key names one lease among all the leases of a store.
type Key struct {
	// Namespace says what kind of lease it is.
	Namespace string

	// ModelUUID is the model that the lease belongs to.
	ModelUUID string

	// Lease is the name within the namespace and the model.
	Lease string
}

// Validate returns an error if any part of the key would be refused by
// ValidateString.
func (key Key) Validate() error {
	if err := ValidateString(key.Namespace); err != nil {
		return fmt.Errorf("lease namespace: %w", err)
	}
	if err := ValidateString(key.ModelUUID); err != nil {
		return fmt.Errorf("lease model UUID: %w", err)
	}
	if err := ValidateString(key.Lease); err != nil {
		return fmt.Errorf("lease name: %w", err)
	}
	return nil
}

// Info is what a Store knows of a lease that is held.
type Info struct {
	// Holder is the name of the one who holds the lease.
	Holder string

	// Expiry is the last moment, on the clock of the store, at which the lease
	// may still be valid; ExpireLease fails before it. A pinned lease outlives
	// its Expiry. The zero time says that the store does not know.
	Expiry time.Time

	// Trapdoor ties other writes of the same substrate to this lease, where
	// the store has such a thing to offer. Nil is the same as LockedTrapdoor.
	Trapdoor Trapdoor
}

// Trapdoor copies into key, a pointer of a type that the store documents, what
// makes another write of the same substrate depend on the lease. A nil key asks
// for nothing and gives no error. Attempt counts the tries of the caller, from
// 0, for a store that gives different things to the first and to later tries.
type Trapdoor func(attempt int, key any) error

// LockedTrapdoor is the Trapdoor of a store that shows nothing of its inside:
// it takes a nil key and refuses every other.
func LockedTrapdoor(_ int, key any) error {
	if key == nil {
		return nil
	}
	return fmt.Errorf("cannot fill a %T: lease store has nothing to show of its inside", key)
}

// Request is what a holder asks of a lease.
type Request struct {
	// Holder is the name of the one who wants the lease.
	Holder string

	// Duration is how long it is wanted for. It must be positive.
	Duration time.Duration
}

// Validate returns an error if the holder is no valid name or the duration is
// not positive.
func (request Request) Validate() error {
	if err := ValidateString(request.Holder); err != nil {
		return fmt.Errorf("lease holder: %w", err)
	}
	if request.Duration <= 0 {
		return fmt.Errorf("lease duration: %v is not positive", request.Duration)
	}
	return nil
}

// ValidateString returns an error if s is empty, or holds white space or any
// of the characters ".#$", which some substrates give a meaning of their own. A
// Store refuses such strings in everything that it is given and never produces
// one.
func ValidateString(s string) error {
	if s == "" {
		return errors.New("empty string not valid")
	}
	for _, r := range s {
		if r == '.' || r == '#' || r == '$' || unicode.IsSpace(r) {
			return fmt.Errorf("string %q not valid: white space and any of %q are not allowed", s, ".#$")
		}
	}
	return nil
}

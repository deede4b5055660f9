package lease

import "errors"

// What a Store answers, for the code that calls it. None of them reaches the
// callers of a manager, but ErrTimeout.
var (
	// ErrInvalid says that the store's present state makes the operation
	// impossible. It is meant for the direct caller only, who looks at
	// Leases() again, and then tries something else or answers with an error
	// of its own.
	ErrInvalid = errors.New("invalid lease operation")

	// ErrTimeout says that the store could not be reached in time. Nothing is
	// known of the outcome; the operation is worth trying again.
	ErrTimeout = errors.New("lease operation timed out")

	// ErrAborted says that the stop channel ended the operation before its
	// outcome was known.
	ErrAborted = errors.New("lease operation aborted")
)

// What a manager answers its callers.
var (
	// ErrClaimDenied says that somebody else holds the lease.
	ErrClaimDenied = errors.New("lease claim denied")

	// ErrNotHeld says that the holder in question does not hold the lease.
	ErrNotHeld = errors.New("lease not held")

	// ErrWaitCancelled says that the caller gave up waiting.
	ErrWaitCancelled = errors.New("waiting for lease cancelled by client")

	// ErrManagerStopped says that the manager stopped before it could answer.
	ErrManagerStopped = errors.New("lease manager stopped")
)

// IsInvalid tells whether err is, or wraps, ErrInvalid.
func IsInvalid(err error) bool { return errors.Is(err, ErrInvalid) }

// IsTimeout tells whether err is, or wraps, ErrTimeout.
func IsTimeout(err error) bool { return errors.Is(err, ErrTimeout) }

// IsAborted tells whether err is, or wraps, ErrAborted.
func IsAborted(err error) bool { return errors.Is(err, ErrAborted) }

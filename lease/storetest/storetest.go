// Package storetest is what every lease.Store must pass. A store that somebody
// writes runs it from a test of its own:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t testing.TB) storetest.Harness { ... })
//	}
//
// It tests what a manager of leases relies on: the promises in the comments of
// lease.Store, lease.RevokingStore and lease.NotifyingStore. What a store
// promises beyond those (its Trapdoor, say) needs tests of its own.
package storetest

import (
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/lease"
)

// Harness is a store to be tested, and what the tests need to know of it and to
// do with it.
type Harness struct {
	// Store is the store under test. It has no leases and no pins, and is not
	// used by anybody else.
	Store lease.Store

	// Clock is the clock that the store tells expiry times in.
	Clock clock.Clock

	// Advance lets d pass for the store: it moves a fake clock, or waits.
	Advance func(d time.Duration)

	// Term is the duration of the leases that are claimed. The store must be
	// able to grant it exactly. With a store that goes by the real time, a
	// dozen operations must fit in a fifth of it; 2 s to 5 s are good choices.
	Term time.Duration

	// Grace is how much longer than asked for a lease may last, for a store
	// that expires leases itself. 0 otherwise.
	Grace time.Duration

	// Second returns another store on the same substrate, as another process
	// would have it. Nil if there is no such thing; what needs it is skipped.
	Second func() lease.Store

	// Restart stops Store and returns one that takes its place on the same
	// substrate. Nil if the leases do not outlive the store; what needs it is
	// skipped.
	Restart func() lease.Store

	// CutOff makes Store's substrate unreachable, for good. Nil if that cannot
	// happen; what needs it is skipped.
	CutOff func()
}

// Run tests a store. Start is called for each test, and gives it a store of its
// own, which it stops in a cleanup of t. Tests run in parallel, because with a
// store that goes by the real time they mostly wait; so start is called from
// several goroutines.
func Run(t *testing.T, start func(t testing.TB) Harness) {
	groups := []struct {
		name  string
		tests []conformance
	}{
		{"claim", claimTests},
		{"extend", extendTests},
		{"expire", expireTests},
		{"revoke", revokeTests},
		{"pin", pinTests},
		{"read", readTests},
		{"vacancies", vacancyTests},
		{"validation", validationTests},
		{"stop", stopTests},
		{"concurrency", concurrencyTests},
		{"shared", sharedTests},
		{"restart", restartTests},
		{"cut off", cutOffTests},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.promise, func(t *testing.T) {
					t.Parallel()
					test.run(newSubject(t, start(t)))
				})
			}
		})
	}
}

// conformance is one test, named by the promise that it is about.
type conformance struct {
	promise string
	run     func(s *subject)
}

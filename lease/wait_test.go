package lease_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// Promise: WaitUntilExpired returns at once if nobody holds the lease.
func TestWaitForAFreeLease(t *testing.T) {
	r, _ := newSpyRig(t)
	r.equal(r.wait(func() error { return r.claimer.WaitUntilExpired("mysql", nil) }), nil)
	closed := make(chan struct{})
	close(closed)
	for range 50 {
		err := r.wait(func() error { return r.claimer.WaitUntilExpired("mysql", closed) })
		if err != nil && err != lease.ErrWaitCancelled {
			t.Fatalf("got error %v", err)
		}
	}
}

// Promise: it returns on expiry.
func TestWaitEndsOnExpiry(t *testing.T) {
	for name, start := range map[string]func(*testing.T, ...func(*lease.ManagerConfig)) (*rig, *spy){
		"store that notifies": newSpyRig, "store that does not": newPlainRig,
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := start(t)
			r.claim("mysql", "mysql/0")
			waiting := r.waiting("mysql", nil)
			r.clock.Advance(term)
			r.equal(r.receive(waiting), nil)
		})
	}
}

// Promise: it returns on revoke, whoever claims the lease next and however soon.
func TestWaitEndsOnRevoke(t *testing.T) {
	r, _ := newSpyRig(t)
	for range 100 {
		r.claim("mysql", "mysql/0")
		waiting := r.waiting("mysql", nil)
		r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
		r.claim("mysql", "mysql/1")
		r.equal(r.receive(waiting), nil)
		r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/1") }), nil)
	}
}

// Promise: it returns also if another user of the store claims the lease in the
// moment in which it is free.
func TestWaitEndsThoughTheLeaseIsClaimedAtOnce(t *testing.T) {
	for method, vacate := range map[string]func(r *rig){
		"ExpireLease": func(r *rig) { r.clock.Advance(term) },
		"RevokeLease": func(r *rig) {
			r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
		},
	} {
		t.Run(method, func(t *testing.T) {
			late := make(chan []lease.Key)
			spy := new(spy)
			r := newRig(t, func(memory *memstore.Store) lease.Store {
				spy.Store = lateStore{Store: memory, vacancies: late}
				return ableSpy{spy}
			}, spy.watch)
			r.claim("mysql", "mysql/0")
			waiting := r.waiting("mysql", nil)
			spy.setAfter(func(c call) { r.setHolder("mysql", "", "mysql/1") })
			vacate(r)
			r.equal(r.receive(waiting), nil)
			if got := r.holder("mysql"); got != "mysql/1" {
				t.Errorf("holder: got %q, want the other", got)
			}
		})
	}
}

// Promise: it returns when another user of the store gives the lease up: at once
// if the store notifies, else when the manager looks, after MaxSleep at most.
func TestWaitEndsOnRevokeElsewhere(t *testing.T) {
	t.Run("store that notifies", func(t *testing.T) {
		r, _ := newSpyRig(t)
		r.claim("mysql", "mysql/0")
		waiting := r.waiting("mysql", nil)
		r.setHolder("mysql", "mysql/0", "")
		r.equal(r.receive(waiting), nil)
	})
	t.Run("store that does not", func(t *testing.T) {
		r, _ := newPlainRig(t)
		r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/0", 5*time.Minute) }), nil)
		waiting := r.waiting("mysql", nil)
		r.setHolder("mysql", "mysql/0", "")
		r.clock.Advance(maxSleep)
		r.equal(r.receive(waiting), nil)
	})
	t.Run("store that does not, and expires leases itself", func(t *testing.T) {
		var auto *autoStore
		r := newRig(t, func(memory *memstore.Store) lease.Store {
			auto = &autoStore{Store: memory}
			return auto
		})
		r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/0", 5*time.Minute) }), nil)
		waiting := r.waiting("mysql", nil)
		r.setHolder("mysql", "mysql/0", "")
		r.clock.Advance(maxSleep)
		r.equal(r.receive(waiting), nil)
	})
}

// Promise: it returns ErrWaitCancelled on cancel, and others wait on.
func TestWaitIsCancelled(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	var cancels []chan struct{}
	var waits []<-chan error
	for range 5 {
		cancel := make(chan struct{})
		cancels = append(cancels, cancel)
		waits = append(waits, r.waiting("mysql", cancel))
	}
	for n, i := range []int{0, 4, 2} { // first, last, middle
		close(cancels[i])
		r.equal(r.receive(waits[i]), lease.ErrWaitCancelled)
		want := float64(5 - n - 1)
		r.eventually("waiter forgotten", func() bool { return r.metric("waiters") == want })
	}
	r.pending(waits[1], "not cancelled")
	r.pending(waits[3], "not cancelled")
	r.clock.Advance(term)
	r.equal(r.receive(waits[1]), nil)
	r.equal(r.receive(waits[3]), nil)

	// The last to give up leaves nothing behind.
	r.claim("mysql", "mysql/0")
	cancel := make(chan struct{})
	waiting := r.waiting("mysql", cancel)
	close(cancel)
	r.equal(r.receive(waiting), lease.ErrWaitCancelled)
	r.eventually("no waiter left", func() bool { return r.metric("waiters") == 0 })
}

// Promise: only a vacancy wakes a waiter, not a renewal, and not what happens to
// other leases.
func TestOnlyAVacancyWakes(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.claim("other", "other/0")
	waiting := r.waiting("mysql", nil)
	for range 10 {
		r.clock.Advance(term / 3)
		r.claim("mysql", "mysql/0")
		r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
		r.claim("other", "other/0")
	}
	r.equal(r.wait(func() error { return r.pinner.Pin("mysql", "e") }), nil)
	r.equal(r.wait(func() error { return r.pinner.Unpin("mysql", "e") }), nil)
	r.equal(r.wait(func() error { return r.revoker.Revoke("other", "other/0") }), nil)
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/1") }), lease.ErrNotHeld)
	r.stillWaiting(1, "lease held all the time")
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
	r.equal(r.receive(waiting), nil)
}

// Promise: the vacancy that came before a wait does not end it, however late the
// store tells of it.
func TestVacancyFromBeforeTheWaitDoesNotWake(t *testing.T) {
	late := make(chan []lease.Key)
	r := newRig(t, func(memory *memstore.Store) lease.Store { return lateStore{Store: memory, vacancies: late} })
	r.claim("mysql", "mysql/0")
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
	r.claim("mysql", "mysql/1")
	waiting := r.waiting("mysql", nil)
	late <- []lease.Key{key("mysql"), key("mysql"), key("unknown")}
	r.stillWaiting(1, "told of a vacancy that is over")
	r.setHolder("mysql", "mysql/1", "")
	late <- []lease.Key{key("mysql")}
	r.equal(r.receive(waiting), nil)
}

// Promise: one manager wakes many waiters, of the same lease and of many.
func TestManyWaiters(t *testing.T) {
	const leases, each = 50, 40
	r, _ := newSpyRig(t)
	var waits []<-chan error
	for i := range leases {
		name := fmt.Sprintf("app%dx", i)
		r.claim(name, "app/0")
		for range each {
			waits = append(waits, r.spawn(func() error { return r.claimer.WaitUntilExpired(name, nil) }))
		}
	}
	r.eventually("all wait", func() bool { return r.metric("waiters") == leases*each })
	r.clock.Advance(term)
	for _, waiting := range waits {
		r.equal(r.receive(waiting), nil)
	}
	r.eventually("none waits", func() bool { return r.metric("waiters") == 0 })
}

// Promise: of many who wait and then claim, one gets the lease each time, until
// all had it.
func TestWaitersTakeTurns(t *testing.T) {
	r, _ := newSpyRig(t)
	const n = 20
	var held atomic.Int32
	var done []<-chan error
	for i := range n {
		holder := fmt.Sprintf("mysql/%d", i)
		done = append(done, r.spawn(func() error {
			for {
				err := r.claimer.Claim("mysql", holder, term)
				if err == nil {
					if held.Add(1) != 1 {
						t.Errorf("%s has the lease, and so has another", holder)
					}
					held.Add(-1)
					return r.revoker.Revoke("mysql", holder)
				}
				if err != lease.ErrClaimDenied {
					return err
				}
				if err := r.claimer.WaitUntilExpired("mysql", nil); err != nil {
					return err
				}
			}
		}))
	}
	for _, result := range done {
		r.equal(r.receive(result), nil)
	}
}

// Promise: a store that can no longer tell of vacancies stops the manager, for
// else its waits might never end.
func TestStoreThatGoesDeafStopsTheManager(t *testing.T) {
	vacancies := make(chan []lease.Key)
	r := newRig(t, func(memory *memstore.Store) lease.Store { return lateStore{Store: memory, vacancies: vacancies} })
	close(vacancies)
	if err := r.wait(r.manager.Wait); err == nil {
		t.Error("Wait: got no error")
	}
}

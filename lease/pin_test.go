package lease_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

func (r *rig) pin(name, entity string) {
	r.t.Helper()
	r.equal(r.wait(func() error { return r.pinner.Pin(name, entity) }), nil)
}

func (r *rig) unpin(name, entity string) {
	r.t.Helper()
	r.equal(r.wait(func() error { return r.pinner.Unpin(name, entity) }), nil)
}

// outlives lets two sweeps pass, with all that is due in them.
func (r *rig) outlives(name, holder string) {
	r.t.Helper()
	for range 4 {
		r.clock.Advance(term)
		r.round()
	}
	if got := r.holder(name); got != holder {
		r.t.Fatalf("holder of %s: got %q, want %q", name, got, holder)
	}
	r.equal(r.check(name, holder), nil)
}

// Promise: pinned leases do not expire, and the store is not even asked; normal
// expiry is restored when the last pin is gone.
func TestPinnedLeaseDoesNotExpire(t *testing.T) {
	r, spy := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.pin("mysql", "e")
	waiting := r.waiting("mysql", nil)
	r.outlives("mysql", "mysql/0")
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
	for _, c := range spy.made("ExpireLease") {
		if c.key == key("mysql") {
			t.Fatal("tried to expire a pinned lease")
		}
	}
	r.stillWaiting(1, "lease pinned")

	r.unpin("mysql", "e")
	r.equal(r.receive(waiting), nil)
	if got := r.holder("mysql"); got != "" {
		t.Errorf("holder after the unpin: got %q", got)
	}
}

// Promise: a pinned lease whose time is over is looked at with the next sweep,
// and not before.
func TestPinnedLeaseIsLeftAlone(t *testing.T) {
	r, _ := newSpyRig(t)
	sweep := r.clock.Now().Add(maxSleep)
	r.pin("mysql", "e")
	end := r.clock.Now().Add(term)
	r.claim("mysql", "mysql/0")
	r.eventually("alarm set for the end", func() bool { return r.clock.armed(end) })
	r.clock.Advance(term)
	r.eventually("alarm set for the sweep", func() bool { return r.clock.armed(sweep) })
	r.clock.Advance(term / 2)
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
	if !r.clock.armed(sweep) {
		t.Error("alarm set anew for a pinned lease")
	}
}

// Promise: a lease that is unpinned before its time is over has its time.
func TestUnpinnedLeaseHasItsTime(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.pin("mysql", "e")
	r.clock.Advance(term / 2)
	r.unpin("mysql", "e")
	waiting := r.waiting("mysql", nil)
	r.clock.Advance(term/2 - 1)
	r.equal(r.check("mysql", "mysql/0"), nil)
	r.pending(waiting, "time not over")
	r.clock.Advance(1)
	r.equal(r.receive(waiting), nil)
}

// Promise: pins of several entities count.
func TestPinsOfSeveralEntities(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.pin("mysql", "e")
	r.pin("mysql", "f")
	r.pin("mysql", "f")
	r.outlives("mysql", "mysql/0")
	r.unpin("mysql", "e")
	r.unpin("mysql", "unknown")
	r.outlives("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	r.unpin("mysql", "f")
	r.equal(r.receive(waiting), nil)
}

// Promise: a pin with no holder goes to the next claimant.
func TestPinWithNoHolder(t *testing.T) {
	r, _ := newSpyRig(t)
	r.pin("mysql", "e")
	r.equal(r.wait(func() error { return r.claimer.WaitUntilExpired("mysql", nil) }), nil)
	r.claim("mysql", "mysql/0")
	r.outlives("mysql", "mysql/0")
}

// Promise: an unpin by another user of the store is noticed by the next sweep.
func TestUnpinElsewhere(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.pin("mysql", "e")
	waiting := r.waiting("mysql", nil)
	r.outlives("mysql", "mysql/0")
	if err := r.memory.UnpinLease(key("mysql"), "e", nil); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(maxSleep)
	r.equal(r.receive(waiting), nil)
}

// Promise: Pinned returns the pinned leases of the namespace and model, with the
// entities that pinned them.
func TestPinned(t *testing.T) {
	r, _ := newSpyRig(t)
	r.pin("mysql", "machine-0")
	r.pin("mysql", "machine-1")
	r.pin("wordpress", "machine-0")
	other := must(r.manager.Pinner(namespace, "another"))
	r.equal(r.wait(func() error { return other.Pin("redis", "machine-0") }), nil)
	want := map[string][]string{"mysql": {"machine-0", "machine-1"}, "wordpress": {"machine-0"}}
	if got := r.pinner.Pinned(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := other.Pinned(); fmt.Sprint(got) != fmt.Sprint(map[string][]string{"redis": {"machine-0"}}) {
		t.Errorf("other model: got %v", got)
	}
}

// Promise: Leases returns the leases of the namespace and model, and their
// holders.
func TestReader(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.claim("redis", "redis/3")
	other := must(r.manager.Claimer(namespace, "another"))
	r.equal(r.wait(func() error { return other.Claim("mysql", "mysql/1", term) }), nil)
	want := map[string]string{"mysql": "mysql/0", "redis": "redis/3"}
	if got := r.reader.Leases(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Promise: a holder gives its lease up at once.
func TestRevoke(t *testing.T) {
	r, spy := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), nil)
	wantCalls(t, spy, "ClaimLease mysql mysql/0", "RevokeLease mysql mysql/0", "ClaimLease mysql mysql/1")
}

// Promise: ErrNotHeld for anybody else and for a free lease, after a refresh.
func TestRevokeOfWhatIsNotHeld(t *testing.T) {
	r, spy := newSpyRig(t)
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), lease.ErrNotHeld)
	r.claim("mysql", "mysql/0")
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/1") }), lease.ErrNotHeld)
	wantCalls(t, spy, "Refresh", "ClaimLease mysql mysql/0", "Refresh")
	r.equal(r.check("mysql", "mysql/0"), nil)

	// A store that shows old things is asked for new ones first.
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		if c.method == "Refresh" {
			r.setHolder("mysql", "mysql/0", "mysql/2")
		}
		return errPass
	})
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/2") }), nil)
}

// Promise: a revoke that cannot find out who holds the lease is unknown.
func TestRevokeWithoutAStore(t *testing.T) {
	r, spy := newSpyRig(t)
	spy.setBefore(always("Refresh", lease.ErrTimeout))
	result := r.spawn(func() error { return r.revoker.Revoke("mysql", "mysql/0") })
	for _, delay := range []time.Duration{50, 100, 200, 400} {
		r.passDelay(delay * time.Millisecond)
	}
	r.equal(r.receive(result), lease.ErrTimeout)
}

// Promise: ErrNotHeld too if the store finds out that somebody else was faster.
func TestRevokeFindsSomebodyWasFaster(t *testing.T) {
	for name, answer := range map[string]error{"ErrInvalid": lease.ErrInvalid, "ErrNotHeld": lease.ErrNotHeld} {
		t.Run(name, func(t *testing.T) {
			r, spy := newSpyRig(t)
			r.claim("mysql", "mysql/0")
			spy.setBefore(func(c call, _ <-chan struct{}) error {
				if c.method != "RevokeLease" {
					return errPass
				}
				r.setHolder("mysql", "mysql/0", "mysql/1")
				return answer
			})
			result := r.spawn(func() error { return r.revoker.Revoke("mysql", "mysql/0") })
			if lease.IsInvalid(answer) {
				r.passDelay(firstDelay)
			}
			r.equal(r.receive(result), lease.ErrNotHeld)
		})
	}
}

// Promise: a pinned lease may be given up, and its pins wait for the next holder.
func TestRevokeOfAPinnedLease(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.pin("mysql", "e")
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
	r.claim("mysql", "mysql/1")
	r.outlives("mysql", "mysql/1")
}

// Promise: without a RevokingStore, Revoke answers errors.ErrUnsupported.
func TestRevokeThatTheStoreCannot(t *testing.T) {
	r, _ := newPlainRig(t)
	r.claim("mysql", "mysql/0")
	if err := r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got error %v, want ErrUnsupported", err)
	}

	// A store in front of such a store finds out only when it is called.
	able, spy := newSpyRig(t)
	able.claim("mysql", "mysql/0")
	spy.setBefore(always("RevokeLease", fmt.Errorf("inner store: %w", errors.ErrUnsupported)))
	if err := able.wait(func() error { return able.revoker.Revoke("mysql", "mysql/0") }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got error %v, want ErrUnsupported", err)
	}
	able.claim("mysql", "mysql/0")
}

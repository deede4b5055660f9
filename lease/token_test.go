package lease_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// check checks that holder holds name.
func (r *rig) check(name, holder string) error {
	r.t.Helper()
	return r.wait(func() error { return r.checker.Token(name, holder).Check(0, nil) })
}

// Promise: Check returns nil for the holder, ErrNotHeld for anybody else and for
// a free lease, and a token can be asked at any time.
func TestCheck(t *testing.T) {
	r, spy := newSpyRig(t)
	token := r.checker.Token("mysql", "mysql/0")
	r.equal(r.wait(func() error { return token.Check(0, nil) }), lease.ErrNotHeld)
	r.claim("mysql", "mysql/0")
	r.equal(r.wait(func() error { return token.Check(0, nil) }), nil)
	r.equal(r.check("mysql", "mysql/1"), lease.ErrNotHeld)
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
	r.equal(r.wait(func() error { return token.Check(0, nil) }), lease.ErrNotHeld)
	if got := len(spy.made("Refresh")); got != 3 {
		t.Errorf("%d refreshes for 3 checks that failed and 1 that did not", got)
	}
}

// Promise: a check that fails locally refreshes once before it answers
// ErrNotHeld, and believes what the store shows then.
func TestCheckRefreshesOnce(t *testing.T) {
	for _, test := range []struct {
		name       string
		old, fresh string
		want       error
		refreshes  int
	}{
		{"free, and it is", "", "", lease.ErrNotHeld, 1},
		{"free, but it is mine", "", "mysql/0", nil, 1},
		{"another's, and it is", "mysql/1", "mysql/1", lease.ErrNotHeld, 1},
		{"another's, but it is mine", "mysql/1", "mysql/0", nil, 1},
		{"mine: nobody is asked", "mysql/0", "mysql/1", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, spy := newSpyRig(t)
			r.setHolder("mysql", "", test.old)
			spy.setBefore(func(c call, _ <-chan struct{}) error {
				if c.method == "Refresh" {
					r.setHolder("mysql", test.old, test.fresh)
				}
				return errPass
			})
			r.equal(r.check("mysql", "mysql/0"), test.want)
			if got := len(spy.made("Refresh")); got != test.refreshes {
				t.Errorf("%d refreshes, want %d", got, test.refreshes)
			}
		})
	}
}

// Promise: Check passes attempt and trapdoor key on, and returns what the
// trapdoor does.
func TestCheckPassesTheTrapdoorKeyOn(t *testing.T) {
	errTrapdoor := errors.New("trapdoor")
	r, spy := newSpyRig(t)
	type passed struct {
		attempt int
		key     any
	}
	var got []passed // only ever changed by a Check of this goroutine
	spy.setShows(func(leases map[lease.Key]lease.Info) {
		for k, info := range leases {
			info.Trapdoor = func(attempt int, key any) error {
				got = append(got, passed{attempt, key})
				if attempt == 7 {
					return errTrapdoor
				}
				return nil
			}
			leases[k] = info
		}
	})
	r.claim("mysql", "mysql/0")
	token := r.checker.Token("mysql", "mysql/0")
	out := new(int)
	r.equal(token.Check(0, nil), nil)
	r.equal(token.Check(3, out), nil)
	r.equal(token.Check(7, "key"), errTrapdoor)
	r.equal(r.checker.Token("mysql", "mysql/1").Check(1, out), lease.ErrNotHeld)
	want := []passed{{0, nil}, {3, out}, {7, "key"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("trapdoor got %v, want %v", got, want)
	}
	r.claim("mysql", "mysql/0") // a trapdoor's error does not stop the manager
}

// Promise: a lease without a Trapdoor has a locked one.
func TestCheckWithoutATrapdoor(t *testing.T) {
	r, spy := newSpyRig(t)
	spy.setShows(func(leases map[lease.Key]lease.Info) {
		for k, info := range leases {
			info.Trapdoor = nil
			leases[k] = info
		}
	})
	r.claim("mysql", "mysql/0")
	token := r.checker.Token("mysql", "mysql/0")
	r.equal(token.Check(0, nil), nil)
	if err := token.Check(0, new(int)); err == nil {
		t.Error("with a key: got no error")
	}
}

// Promise: a store that cannot be reached makes a check that fails locally
// unknown, which is not ErrNotHeld, nor ErrInvalid; the manager goes on.
func TestCheckWithoutAStore(t *testing.T) {
	for _, fault := range []error{lease.ErrTimeout, lease.ErrInvalid} {
		r, spy := newSpyRig(t)
		spy.setBefore(always("Refresh", fault))
		r.claim("mysql", "mysql/0")
		r.equal(r.check("mysql", "mysql/0"), nil)
		if err := r.check("mysql", "mysql/1"); !lease.IsTimeout(err) || errors.Is(err, lease.ErrNotHeld) || lease.IsInvalid(err) {
			t.Errorf("%v: got error %v, want ErrTimeout", fault, err)
		}
		r.claim("mysql", "mysql/0")
	}
}

// Promise: a lease past its expiry is not held, although nobody has expired it
// yet, unless it is pinned.
func TestCheckOfALeaseThatIsOver(t *testing.T) {
	r, spy := newPlainRig(t)
	spy.setBefore(always("ExpireLease", lease.ErrTimeout))
	r.claim("mysql", "mysql/0")
	r.claim("pinned", "pinned/0")
	r.equal(r.wait(func() error { return r.pinner.Pin("pinned", "e") }), nil)
	r.clock.Advance(term - 1)
	r.equal(r.check("mysql", "mysql/0"), nil)
	r.clock.Advance(1)
	r.equal(r.check("mysql", "mysql/0"), lease.ErrNotHeld)
	r.equal(r.check("pinned", "pinned/0"), nil)
	if got := r.holder("mysql"); got != "mysql/0" {
		t.Errorf("the store shows holder %q; the test needs it to show the old one", got)
	}
}

// Promise: of a lease past its expiry in a store that expires leases itself, a
// refresh tells.
func TestCheckAsksAStoreThatExpiresLeases(t *testing.T) {
	var auto *autoStore
	spy := new(spy)
	r := newRig(t, func(memory *memstore.Store) lease.Store {
		auto = &autoStore{Store: memory}
		spy.Store = auto
		return spy
	}, spy.watch)
	r.claim("longer", "longer/0")
	r.claim("ended", "ended/0")
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		if c.method == "Refresh" && r.holder("ended") != "" {
			auto.reap(key("ended"))
		}
		return errPass
	})
	r.clock.Advance(term)
	r.equal(r.check("longer", "longer/0"), nil) // the store let it last longer
	r.equal(r.check("ended", "ended/0"), lease.ErrNotHeld)
}

// Promise: an expiry time that the store does not know makes no lease end.
func TestExpiryTimeThatIsNotKnown(t *testing.T) {
	r, spy := newPlainRig(t)
	spy.setShows(func(leases map[lease.Key]lease.Info) {
		for k, info := range leases {
			info.Expiry = time.Time{}
			leases[k] = info
		}
	})
	r.claim("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	for range 5 {
		r.clock.Advance(maxSleep)
		r.equal(r.check("mysql", "mysql/0"), nil)
	}
	r.pending(waiting, "lease still held")
	r.setHolder("mysql", "mysql/0", "")
	r.clock.Advance(maxSleep)
	r.equal(r.receive(waiting), nil)
}

// Promise: checks that fail at the same time share a refresh, but none is
// answered by one that began before it.
func TestChecksShareARefresh(t *testing.T) {
	const n = 50
	r, spy := newSpyRig(t)
	entered, release := make(chan struct{}), make(chan struct{})
	spy.setBefore(block("Refresh", "", entered, release))
	first := r.spawn(func() error { return r.checker.Token("mysql", "mysql/0").Check(0, nil) })
	<-entered
	var others []<-chan error
	for range n {
		others = append(others, r.spawn(func() error { return r.checker.Token("mysql", "mysql/0").Check(0, nil) }))
	}
	r.eventually("all checks have looked", func() bool { return spy.one.Load() == 1+n })
	r.round()
	r.setHolder("mysql", "", "mysql/0")
	r.pending(first, "refresh not done")
	close(release)
	r.receive(first)
	for _, other := range others {
		r.equal(r.receive(other), nil)
	}
	if got := len(spy.made("Refresh")); got > n/2 {
		t.Errorf("%d refreshes for %d checks at once", got, n+1)
	}
}

// Promise: neither claims, checks nor waits look at more than their own lease.
func TestNoOperationLooksAtAllLeases(t *testing.T) {
	r, spy := newSpyRig(t)
	r.eventually("first sweep", func() bool { return spy.all.Load() == 1 })
	for range 10 {
		r.claim("mysql", "mysql/0")
		r.equal(r.check("mysql", "mysql/0"), nil)
		r.equal(r.check("mysql", "mysql/1"), lease.ErrNotHeld)
		waiting := r.waiting("mysql", nil)
		r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
		r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)
		r.equal(r.receive(waiting), nil)
	}
	if got := spy.all.Load(); got != 1 {
		t.Errorf("read all leases %d times, want once, at the start", got)
	}
}

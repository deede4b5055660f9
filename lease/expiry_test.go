package lease_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// Promise: expired leases of a store without Autoexpire are expired in time by
// the manager: at the moment, not on a poll, and not before.
func TestLeaseExpiresAtTheMoment(t *testing.T) {
	r, spy := newSpyRig(t)
	end := r.clock.Now().Add(term)
	r.claim("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	r.eventually("alarm set for the end", func() bool { return r.clock.armed(end) })

	r.clock.Advance(term - 1)
	r.stillWaiting(1, "just before the end")
	if calls := spy.made("ExpireLease"); len(calls) != 0 {
		t.Fatalf("tried to expire the lease early: %v", calls)
	}

	r.clock.Advance(1)
	r.equal(r.receive(waiting), nil)
	if got := r.holder("mysql"); got != "" {
		t.Errorf("holder after the end: got %q", got)
	}
	if calls := spy.made("ExpireLease"); len(calls) != 1 || !calls[0].at.Equal(end) {
		t.Errorf("expiries: got %v, want one at %v", calls, end)
	}
}

// Promise: leases that end at different times each end in time, whatever the
// order in which they were claimed.
func TestLeasesExpireInTheirOrder(t *testing.T) {
	r, spy := newSpyRig(t)
	start := r.clock.Now()
	seconds := []int{40, 10, 30, 5, 20, 50}
	var waits []<-chan error
	for _, s := range seconds {
		name := fmt.Sprintf("app%d", s)
		r.equal(r.wait(func() error { return r.claimer.Claim(name, name+"/0", time.Duration(s)*time.Second) }), nil)
		waits = append(waits, r.waiting(name, nil))
	}
	for now := 1; now <= 50; now++ {
		r.clock.Advance(time.Second)
		for i, s := range seconds {
			if s == now {
				r.equal(r.receive(waits[i]), nil)
			} else if s > now {
				r.pending(waits[i], fmt.Sprintf("lease of %d s after %d s", s, now))
			}
		}
	}
	for _, c := range spy.made("ExpireLease") {
		if want := start.Add(must(time.ParseDuration(c.key.Lease[3:] + "s"))); !c.at.Equal(want) {
			t.Errorf("%s expired at %v, want %v", c.key.Lease, c.at, want)
		}
	}
}

// Promise: a lease that is extended in time is not expired.
func TestExtendedLeaseIsNotExpired(t *testing.T) {
	r, spy := newSpyRig(t)
	for range 10 {
		r.claim("mysql", "mysql/0")
		r.clock.Advance(term / 2)
	}
	r.claim("mysql", "mysql/0")
	if calls := spy.made("ExpireLease"); len(calls) != 0 {
		t.Errorf("expiries: got %v", calls)
	}
	if got := r.holder("mysql"); got != "mysql/0" {
		t.Errorf("holder: got %q", got)
	}
}

// Promise: a claim of another's lease whose time is over is not denied, although
// the manager hears of the claim before the alarm.
func TestClaimOfALeaseThatIsOver(t *testing.T) {
	for range 20 {
		r, spy := newSpyRig(t)
		r.claim("mysql", "mysql/0")
		held, release := spy.holdLoop("other")
		other := r.spawn(func() error { return r.claimer.Claim("other", "other/0", term) })
		<-held
		r.clock.Advance(term)
		before := r.clock.asked()
		claimed := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/1", term) })
		r.eventually("claim sent", func() bool { return r.clock.asked() > before })
		close(release)
		r.equal(r.receive(other), nil)
		r.equal(r.receive(claimed), nil)
		if got := r.holder("mysql"); got != "mysql/1" {
			t.Errorf("holder: got %q", got)
		}
		if got := len(spy.made("ExpireLease")); got != 1 {
			t.Errorf("%d expiries, want 1", got)
		}
	}
}

// Promise: a lease whose extension is on its way when its time is over is not
// expired before the outcome is known: kept if it succeeded, else expired.
func TestExpiryWaitsForAnExtension(t *testing.T) {
	for name, outcome := range map[string]error{"succeeds": nil, "lost": lease.ErrTimeout} {
		t.Run(name, func(t *testing.T) {
			r, spy := newSpyRig(t)
			r.claim("mysql", "mysql/0")
			waiting := r.waiting("mysql", nil)
			entered, release := make(chan struct{}, maxTries), make(chan struct{})
			spy.setBefore(func(c call, _ <-chan struct{}) error {
				if c.method != "ExtendLease" {
					return errPass
				}
				entered <- struct{}{}
				<-release
				return outcome
			})
			extended := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", 2*term) })
			<-entered
			r.clock.Advance(term)
			r.round()
			if calls := spy.made("ExpireLease"); len(calls) != 0 {
				t.Errorf("tried to expire: %v", calls)
			}
			close(release)
			if outcome == nil {
				r.equal(r.receive(extended), nil)
				r.pending(waiting, "extension succeeded")
				r.equal(r.check("mysql", "mysql/0"), nil)
				return
			}
			for _, delay := range []time.Duration{50, 100, 200, 400} {
				r.passDelay(delay * time.Millisecond)
			}
			r.equal(r.receive(extended), lease.ErrTimeout)
			r.equal(r.receive(waiting), nil)
		})
	}
}

// maxTries is how often the manager calls the store for one operation.
const maxTries = 5

// Promise: a lease that others claimed expires once a claim or a wait here has
// come across it.
func TestLeaseOfOthersIsNoticedOnTheWay(t *testing.T) {
	for name, notice := range map[string]func(r *rig) error{
		"by a claim": func(r *rig) error { return r.claimer.Claim("mysql", "mysql/1", term) },
		"by a wait": func(r *rig) error {
			cancel := make(chan struct{})
			close(cancel)
			if err := r.claimer.WaitUntilExpired("mysql", cancel); err != lease.ErrWaitCancelled {
				return err
			}
			return lease.ErrClaimDenied
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, spy := newPlainRig(t, func(config *lease.ManagerConfig) { config.MaxSleep = time.Hour })
			r.eventually("first sweep", func() bool { return spy.all.Load() == 1 })
			r.setHolder("mysql", "", "mysql/0")
			r.equal(r.wait(func() error { return notice(r) }), lease.ErrClaimDenied)
			r.clock.Advance(term)
			r.eventually("expired", func() bool { return r.holder("mysql") == "" })
		})
	}
}

// Promise: all of it holds on a real clock.
func TestOnTheWallClock(t *testing.T) {
	r := newRig(t, nil, func(config *lease.ManagerConfig) {
		config.Store = memstore.New(clock.WallClock)
		config.Clock = clock.WallClock
		config.Secretary = anySecretary
	})
	for i := range 5 {
		holder := fmt.Sprintf("mysql/%d", i)
		const short = 20 * time.Millisecond
		start := time.Now()
		r.equal(r.wait(func() error { return r.claimer.Claim("mysql", holder, short) }), nil)
		r.equal(r.wait(func() error { return r.claimer.WaitUntilExpired("mysql", nil) }), nil)
		if took := time.Since(start); took < short {
			t.Errorf("lease of %v ended after %v", short, took)
		}
	}
}

// Promise: leases that are there when the manager starts expire in time, and
// those that others claim in the same store do too.
func TestLeasesOfOthersExpire(t *testing.T) {
	for name, start := range map[string]func(*testing.T, ...func(*lease.ManagerConfig)) (*rig, *spy){
		"store that notifies": newSpyRig, "store that does not": newPlainRig,
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := start(t, func(config *lease.ManagerConfig) {
				if err := config.Store.ClaimLease(key("before"), lease.Request{Holder: "before/0", Duration: term}, nil); err != nil {
					t.Fatal(err)
				}
			})
			r.clock.Advance(term)
			r.eventually("lease from before expired", func() bool { return r.holder("before") == "" })

			r.setHolder("after", "", "after/0")
			r.clock.Advance(maxSleep)
			r.eventually("lease claimed by another expired", func() bool { return r.holder("after") == "" })
		})
	}
}

// Promise: a sweep that takes so long that the next is due is followed by it.
func TestSweepThatTakesLong(t *testing.T) {
	spy := new(spy)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	spy.reading = func(keys []lease.Key) {
		if len(keys) == 0 {
			once.Do(func() {
				close(entered)
				<-release
			})
		}
	}
	r := newRig(t, func(memory *memstore.Store) lease.Store {
		spy.Store = memory
		return spy
	}, spy.watch)
	<-entered
	r.setHolder("mysql", "", "mysql/0")
	r.clock.Advance(maxSleep)
	next := r.clock.Now().Add(maxSleep)
	r.eventually("next sweep due", func() bool { return r.clock.armed(next) })
	close(release)
	r.eventually("lease expired", func() bool { return r.holder("mysql") == "" })
}

// Promise: a lease that another made end sooner than this manager knows expires
// when a sweep has found it.
func TestSweepFindsEarlierEnds(t *testing.T) {
	r, _ := newPlainRig(t)
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/0", 5*time.Minute) }), nil)
	r.setHolder("mysql", "mysql/0", "mysql/1")
	r.clock.Advance(maxSleep)
	r.eventually("expired", func() bool { return r.holder("mysql") == "" })
}

// Promise: in expiring, ErrInvalid means that somebody else was faster: nobody
// tries again, and those who wait are told.
func TestExpiryFindsSomebodyWasFaster(t *testing.T) {
	r, spy := newPlainRig(t)
	r.claim("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		if c.method == "ExpireLease" {
			r.setHolder("mysql", "mysql/0", "")
			return lease.ErrInvalid
		}
		return errPass
	})
	r.clock.Advance(term)
	r.equal(r.receive(waiting), nil)
	if got := r.metric("expiries_total"); got != 0 {
		t.Errorf("expiries counted: %v, want 0", got)
	}
	r.claim("mysql", "mysql/1")
	if got := len(spy.made("ExpireLease")); got != 1 {
		t.Errorf("%d expiries tried, want 1", got)
	}
}

// Promise: in expiring, ErrInvalid because of a renewal elsewhere leaves the
// lease, and those who wait for it, until the new end.
func TestExpiryFindsARenewal(t *testing.T) {
	r, spy := newPlainRig(t)
	r.claim("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		if c.method == "ExpireLease" {
			// Renewed in the moment between the manager's look and its call.
			if err := r.memory.ExtendLease(c.key, lease.Request{Holder: "mysql/0", Duration: term}, nil); err != nil {
				t.Error(err)
			}
			spy.setBefore(nil)
		}
		return errPass
	})
	r.clock.Advance(term)
	end := r.clock.Now().Add(term)
	r.eventually("alarm set for the new end", func() bool { return r.clock.armed(end) })
	r.pending(waiting, "after a renewal")
	r.clock.Advance(term)
	r.equal(r.receive(waiting), nil)
}

// Promise: in expiring, ErrTimeout is tried again with a growing delay, until
// it succeeds.
func TestExpiryIsTriedAgain(t *testing.T) {
	r, spy := newSpyRig(t)
	spy.setBefore(failFirst("ExpireLease", 4, lease.ErrTimeout))
	end := r.clock.Now().Add(term)
	r.claim("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	r.clock.Advance(term)
	for i, delay := range []time.Duration{50, 100, 200, 400} {
		at := r.clock.Now().Add(delay * time.Millisecond)
		r.eventually(fmt.Sprintf("try %d put off by %v ms", i+2, delay), func() bool { return r.clock.armed(at) })
		r.pending(waiting, "while expiries fail")
		r.clock.Advance(delay * time.Millisecond)
	}
	r.equal(r.receive(waiting), nil)
	var ats []time.Duration
	for _, c := range spy.made("ExpireLease") {
		ats = append(ats, c.at.Sub(end)/time.Millisecond)
	}
	if want := []time.Duration{0, 50, 150, 350, 750}; fmt.Sprint(ats) != fmt.Sprint(want) {
		t.Errorf("tries after (ms): got %v, want %v", ats, want)
	}
	if got := r.metric("retries_total"); got != 4 {
		t.Errorf("retries counted: got %v, want 4", got)
	}
}

// Promise: the delay begins anew after a renewal.
func TestDelayOfExpiriesBeginsAnew(t *testing.T) {
	r, spy := newPlainRig(t)
	spy.setBefore(always("ExpireLease", lease.ErrTimeout))
	for range 3 {
		r.claim("mysql", "mysql/0")
		r.clock.Advance(term)
		for _, delay := range []time.Duration{50, 100, 200} {
			at := r.clock.Now().Add(delay * time.Millisecond)
			r.eventually(fmt.Sprintf("expiry put off by %v ms", delay), func() bool { return r.clock.armed(at) })
			r.clock.Advance(delay * time.Millisecond)
		}
	}
}

// Promise: where the store expires leases itself, the manager expires none.
func TestAutoexpireIsLeftToTheStore(t *testing.T) {
	var auto *autoStore
	r := newRig(t, func(memory *memstore.Store) lease.Store {
		auto = &autoStore{Store: memory}
		return auto
	})
	r.claim("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	r.clock.Advance(term)
	// The store is late; the manager looks again, at growing distances.
	for _, delay := range []time.Duration{50, 100, 200} {
		at := r.clock.Now().Add(delay * time.Millisecond)
		r.eventually("another look", func() bool { return r.clock.armed(at) })
		r.pending(waiting, "before the store has expired the lease")
		r.clock.Advance(delay * time.Millisecond)
	}
	if got := auto.expiries.Load(); got != 0 {
		t.Errorf("%d calls of ExpireLease, want 0", got)
	}
	auto.reap(key("mysql"))
	r.clock.Advance(400 * time.Millisecond)
	r.equal(r.receive(waiting), nil)
}
